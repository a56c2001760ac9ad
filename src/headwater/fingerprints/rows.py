"""Comparing two tables row by row, by content."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, cast

from headwater.errors import InvalidError
from headwater.fingerprints.libraries import library_of


def rows_between(before: Any, after: Any) -> tuple[int, int]:
    """Count the rows that only one of two tables has.

    Rows are compared by the values of the columns that both tables have, wherever the rows stand; equal
    rows count as often as they stand. Missing values and NaN are alike, and 1 is 1.0. All
    rows are read into memory as Python values.

    Args:
        before: A frame of pandas, polars or Arrow, or a numpy array.
        after: Likewise.

    Returns:
        How many rows `after` has that `before` has not, and the other way round.

    Raises:
        InvalidError: one of them is no table.

    Example:
        >>> import numpy as np
        >>> rows_between(np.array([[1], [2], [2]]), np.array([[2], [3]]))
        (1, 2)
    """
    left, right = _values(before), _values(after)
    shared = [name for name in left if name in right]
    ours = Counter(_rows([left[name] for name in shared]))
    theirs = Counter(_rows([right[name] for name in shared]))
    return (theirs - ours).total(), (ours - theirs).total()


def _values(table: Any) -> dict[str, list[Any]]:
    match library_of(table):
        case "pandas":
            columns = (table.iloc[:, place] for place in range(table.shape[1]))
            values = [column.astype(object).where(column.notna(), None).tolist() for column in columns]
            return dict(zip(map(str, table.columns), values, strict=True))
        case "polars":
            return {name: table[name].to_list() for name in table.columns}
        case "pyarrow":
            return {name: table.column(name).to_pylist() for name in table.column_names}
        case "numpy" if table.ndim:
            return {"x": table.tolist()}
        case _:
            raise InvalidError(f"a {type(table).__name__} is not a table")


def _rows(columns: Sequence[Iterable[Any]]) -> Iterable[tuple[Any, ...]]:
    return zip(*([_comparable(value) for value in column] for column in columns), strict=True)


def _comparable(value: Any) -> Any:
    match value:
        case float():
            return None if value != value else value
        case list() | tuple():
            return tuple(map(_comparable, cast("list[Any]", value)))
        case dict():
            items = cast("dict[str, Any]", value).items()
            return tuple((key, _comparable(item)) for key, item in sorted(items))
        case _:
            return value
