"""Parts of the data that are judged on their own: values of columns, crosses of columns, expressions."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from headwater.errors import InvalidError
from headwater.validation.model import expressions
from headwater.validation.model.expressions import Mask, column_named
from headwater.validation.model.tables import Column, is_missing

OVERALL: Final = "all"
"""The slice of all rows; it is always there."""
MAX_SLICES: Final = 500
"""More values than this are no slices but noise."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slice:
    """Some rows.

    Attributes:
        name: An expression that selects them, such as `carrier == 'UA'`, or `all`.
        mask: Which rows, shape (n_rows,).
    """

    name: str
    mask: Mask

    @property
    def row_count(self) -> int:
        """How many rows."""
        return int(self.mask.sum())


def check_spec(spec: str) -> None:
    """Check what selects slices: `all`, `carrier`, `carrier * origin`, or an expression.

    Raises:
        InvalidError: it is none of these.
    """
    if spec != OVERALL and _crossed(tree := expressions.parse(spec)) is None:
        expressions.check(spec, tree)


def slices_of(spec: str, columns: Mapping[str, Column], row_count: int) -> list[Slice]:
    """Return the slices that a spec selects, none of them empty.

    Args:
        spec: `all`, a column, a cross of columns such as `carrier * origin`, or an expression.
        columns: Columns by name.
        row_count: How many rows there are.

    Raises:
        InvalidError: no row is selected, a column is not there, or there are too many values.
    """
    if spec == OVERALL:
        return [Slice(name=OVERALL, mask=np.ones(row_count, bool))]
    tree = expressions.parse(spec)
    names = _crossed(tree)
    if names is None:
        expressions.check(spec, tree)
        found = [Slice(name=spec, mask=expressions.select(spec, tree, columns))]
    else:
        found = _values(spec, names, columns)
    if not (full := [part for part in found if part.mask.any()]):
        raise InvalidError(f"{spec!r} selects no row")
    return full


def _crossed(tree: ast.expr) -> list[str] | None:
    """Return the columns whose values make slices; None: it is an expression."""
    if (name := column_named(tree)) is not None:
        return [name]
    match tree:
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            one, other = _crossed(left), _crossed(right)
            return None if one is None or other is None else one + other
        case _:
            return None


def _values(spec: str, names: list[str], columns: Mapping[str, Column]) -> list[Slice]:
    found = [Slice(name="", mask=np.ones(1, bool))]
    for name in names:
        if name not in columns:
            raise InvalidError(f"{spec!r}: the data has no column {name!r}")
        values = list(_of_column(spec, name, columns[name]))
        crossed = [_both(one, other) for one in found for other in values]
        found = [part for part in crossed if part.mask.any()]
        if len(found) > MAX_SLICES:
            raise InvalidError(f"{spec!r} makes more than {MAX_SLICES} slices: name some by an expression")
    return found


def _both(one: Slice, other: Slice) -> Slice:
    return Slice(name=f"{one.name} and {other.name}" if one.name else other.name, mask=one.mask & other.mask)


def _of_column(spec: str, name: str, column: Column) -> Iterator[Slice]:
    shown = name if name.isidentifier() else f"col({name!r})"
    missing = is_missing(column)
    known = column[~missing]
    values = sorted(set(known.tolist()), key=lambda value: (type(value).__name__, value))
    if len(values) > MAX_SLICES:
        raise InvalidError(f"{spec!r}: {name!r} has {len(values):,} values: name some by an expression")
    for value in values:
        mask = np.zeros(len(column), bool)
        mask[~missing] = known == _as_stored(value, column)
        text = value if isinstance(value, str | int | float) else str(value)
        yield Slice(name=f"{shown} == {text!r}", mask=mask)
    if missing.any():
        yield Slice(name=f"{shown} is None", mask=missing)


def _as_stored(value: Any, column: Column) -> Any:
    """Return a value as the column holds it: `tolist` turns times into other types."""
    return np.array(value, column.dtype)[()] if column.dtype.kind in "Mm" else value
