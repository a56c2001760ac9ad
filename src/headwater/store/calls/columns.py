"""Points of a metric as three columns of bytes: 64 bits a value, little-endian."""

import sys
from array import array
from typing import Any, Final, cast

from headwater.model.series import Points

_CODES: Final = "qqd"
_BYTES: Final = 8


def columns_of(points: Points) -> list[bytes]:
    """Return the columns of some points: steps, times, values."""
    return [_little_endian(column).tobytes() for column in (points.steps, points.times_ms, points.values)]


def points_of(columns: object, _: object = Points) -> Points:
    """Return the points of three columns.

    Raises:
        TypeError, ValueError: they are no such columns.
    """
    if not isinstance(columns, list) or len(cast("list[object]", columns)) != len(_CODES):
        raise TypeError("points are a list of three columns")
    steps, times, values = (
        _column(code, data) for code, data in zip(_CODES, cast("list[object]", columns), strict=True)
    )
    return Points(steps, times, values)


def _column(code: str, data: object) -> "array[Any]":
    if not isinstance(data, bytes) or len(data) % _BYTES:
        raise ValueError(f"a column of points is bytes, {_BYTES} a point")
    column: array[Any] = array(code)
    column.frombytes(data)
    return _little_endian(column)


def _little_endian(column: "array[Any]") -> "array[Any]":
    if sys.byteorder == "little":
        return column
    swapped = column[:]
    swapped.byteswap()
    return swapped
