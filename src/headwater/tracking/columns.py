"""Columns of numbers from whatever the user has: lists, ranges, numpy arrays, series, tensors."""

from array import array
from collections.abc import Iterator
from typing import Any, Final, cast

from headwater.errors import InvalidError, MetricTypeError
from headwater.model.series import Points

PIECE_POINTS: Final = 1 << 18
"""Points in one journal record, at most: a record of 6 MiB."""


def float_column(name: str, values: Any) -> "array[float]":
    """Turn numbers into a column of float64.

    Args:
        name: The metric's name, for the error message.
        values: Any iterable of numbers, or an array of one dimension.

    Raises:
        MetricTypeError: something in it is no number.
        InvalidError: an array with another number of dimensions.
    """
    if _is_column(values, "d"):
        return values
    if _is_array(values):
        return _from_numpy("d", name, values, "biuf")
    try:
        return array("d", values)
    except TypeError:
        raise MetricTypeError(name, _offender(values)) from None
    except OverflowError:
        raise InvalidError(f"metric {name!r} has an integer that is too large for a float") from None


def int_column(name: str, what: str, values: Any) -> "array[int]":
    """Turn whole numbers into a column of int64.

    Args:
        name: The metric's name, for the error message.
        what: What the numbers are, such as `steps`.
        values: Any iterable of ints, or an array of one dimension.

    Raises:
        InvalidError: something in it is no whole number of 64 bits.
    """
    if _is_column(values, "q"):
        return values
    if _is_array(values):
        return _from_numpy("q", name, values, "biu", what)
    try:
        return array("q", values)
    except (TypeError, OverflowError) as error:
        raise InvalidError(f"{what} of metric {name!r} must be whole numbers of 64 bits: {error}") from None


def pieces(points: Points) -> Iterator[Points]:
    """Yield the points in pieces that make one journal record each."""
    for start in range(0, len(points), PIECE_POINTS):
        end = start + PIECE_POINTS
        yield Points(points.steps[start:end], points.times_ms[start:end], points.values[start:end])


def _is_column(values: object, code: str) -> bool:
    return isinstance(values, array) and cast("array[Any]", values).typecode == code


def _is_array(values: object) -> bool:
    # `array.array` and lists go the short way: numpy need not be loaded for them.
    return hasattr(values, "__array__")


def _from_numpy(code: str, name: str, values: object, kinds: str, what: str = "values") -> "array[Any]":
    import numpy as np

    found = np.asarray(values)
    if found.ndim != 1:
        raise InvalidError(f"{what} of metric {name!r} must have one dimension, not {found.ndim}")
    if found.dtype.kind not in kinds and len(found):
        if code == "d":
            raise MetricTypeError(name, found[0])
        raise InvalidError(f"{what} of metric {name!r} must be whole numbers, not {found.dtype}")
    if code == "q" and found.dtype.kind == "u" and len(found) and int(found.max()) >= 2**63:
        raise InvalidError(f"{what} of metric {name!r} do not fit in 64 bits")
    column: array[Any] = array(code)
    column.frombytes(np.ascontiguousarray(found, dtype=np.float64 if code == "d" else np.int64).tobytes())
    return column


def _offender(values: Any) -> object:
    """Return the first thing that is no number, to name its type."""
    if not hasattr(values, "__iter__"):
        return values
    return next((value for value in values if not _converts(value)), values)


def _converts(value: Any) -> bool:
    try:
        array("d", [value])
    except TypeError:
        return False
    return True
