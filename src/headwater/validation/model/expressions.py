"""Boolean expressions over columns as text, such as `dep_hour >= 18 and carrier == 'UA'`.

The text is parsed by Python's own parser and then walked here: only
comparisons of columns and constants, `and`, `or`, `not`, `in` and `is None`
mean anything; nothing of it is ever run.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headwater.errors import InvalidError
from headwater.model.syntax import parse_python
from headwater.validation.model.tables import Column, is_missing

MAX_CHARS: Final = 2_000
"""Longest text: the parser's stack is not endless."""

_COMPARISONS: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_ALLOWED: Final = "columns, constants, comparisons, in, is None, and, or, not"

Mask = NDArray[np.bool_]
"""Which rows an expression selects, shape (n_rows,)."""


def parse(text: str) -> ast.expr:
    """Parse an expression.

    Raises:
        InvalidError: it does not parse.
    """
    if len(text) > MAX_CHARS:
        raise InvalidError(f"the expression has {len(text):,} characters; {MAX_CHARS:,} are the most")
    try:
        return parse_python(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidError(f"{text!r} is no expression: {error}") from None


def check(text: str, tree: ast.expr) -> None:
    """Check that an expression holds only what is allowed.

    Raises:
        InvalidError: naming what is not.
    """
    match tree:
        case ast.BoolOp(values=parts):
            for part in parts:
                check(text, part)
        case ast.UnaryOp(op=ast.Not(), operand=part):
            check(text, part)
        case ast.Compare(left=left, ops=ops, comparators=rights):
            for op, one, other in zip(ops, [left, *rights], rights, strict=False):
                _check_comparison(text, op, one, other)
        case _:
            raise _fault(text, tree)


def select(text: str, tree: ast.expr, columns: Mapping[str, Column]) -> Mask:
    """Return which rows an expression selects; a missing value is selected by `is None` alone.

    Raises:
        InvalidError: it names a column that is not there, or compares what cannot be compared.
    """
    match tree:
        case ast.BoolOp(op=op, values=parts):
            masks = [select(text, part, columns) for part in parts]
            return np.logical_and.reduce(masks) if isinstance(op, ast.And) else np.logical_or.reduce(masks)
        case ast.UnaryOp(operand=part):
            return ~select(text, part, columns)
        case ast.Compare(left=left, ops=ops, comparators=rights):
            pairs = zip(ops, [left, *rights], rights, strict=False)
            return np.logical_and.reduce([_compare(text, *pair, columns) for pair in pairs])
        case _:
            raise _fault(text, tree)


def column_named(tree: ast.expr) -> str | None:
    """Return the column that a term names: `hour`, or `col("departure hour")`; None: it names none."""
    match tree:
        case ast.Name(id=name):
            return name
        case ast.Call(func=ast.Name(id="col"), args=[ast.Constant(value=str(name))], keywords=[]):
            return name
        case _:
            return None


def _check_comparison(text: str, op: ast.cmpop, one: ast.expr, other: ast.expr) -> None:
    is_nothing = isinstance(other, ast.Constant) and other.value is None
    if isinstance(op, ast.Is | ast.IsNot):
        if column_named(one) is None or not is_nothing:
            raise InvalidError(f"{text!r}: `is` asks only whether a column is None")
        return
    if column_named(one) is None and column_named(other) is None:
        raise InvalidError(f"{text!r}: a comparison needs a column")
    for side in (one, other):
        if column_named(side) is None:
            value = _constant(text, side)
            if value is None or isinstance(value, tuple) != isinstance(op, ast.In | ast.NotIn):
                raise _fault(text, side)
    if isinstance(op, ast.In | ast.NotIn) and column_named(one) is None:
        raise _fault(text, one)


def _compare(text: str, op: ast.cmpop, one: ast.expr, other: ast.expr, columns: Mapping[str, Column]) -> Mask:
    left, right = _operand(text, one, columns), _operand(text, other, columns)
    if isinstance(op, ast.Is | ast.IsNot):
        missing = is_missing(left)
        return missing if isinstance(op, ast.Is) else ~missing
    sides = [column_named(side) is not None for side in (one, other)]
    known = ~np.logical_or.reduce(
        [is_missing(side) for side, is_column in zip((left, right), sides, strict=True) if is_column]
    )
    found = np.zeros(len(known), bool)
    shown = [s[known] if is_column else s for s, is_column in zip((left, right), sides, strict=True)]
    found[known] = _known(text, op, *shown)
    return found


def _known(text: str, op: ast.cmpop, left: Any, right: Any) -> Any:
    if isinstance(op, ast.In | ast.NotIn):
        chosen = [left == value for value in right]
        inside = np.logical_or.reduce(chosen) if chosen else np.zeros(len(left), bool)
        return inside if isinstance(op, ast.In) else ~inside
    try:
        return _COMPARISONS[type(op)](left, right)
    except TypeError as error:
        raise InvalidError(f"{text!r} compares what cannot be compared: {error}") from None


def _operand(text: str, tree: ast.expr, columns: Mapping[str, Column]) -> Any:
    name = column_named(tree)
    if name is None:
        return _constant(text, tree)
    if name not in columns:
        raise InvalidError(f"{text!r}: the data has no column {name!r}")
    return columns[name]


def _constant(text: str, tree: ast.expr) -> Any:
    match tree:
        case ast.Constant(value=bool() | int() | float() | str() | None as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return tuple(_constant(text, part) for part in parts)
        case _:
            raise _fault(text, tree)


def _fault(text: str, tree: ast.expr) -> InvalidError:
    return InvalidError(f"{text!r} may not hold {ast.unparse(tree)!r}; allowed are {_ALLOWED}")
