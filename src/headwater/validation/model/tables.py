"""Tables of any library as numpy columns, and what of them is missing."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from headwater.errors import InvalidError
from headwater.fingerprints.libraries import class_of, library_of

Column = NDArray[Any]
"""Values of one column, shape (n_rows,)."""


def columns_of(data: Any) -> dict[str, Column]:
    """Return the columns of a table by name.

    Args:
        data: A frame of pandas, polars or Arrow, a mapping of columns, or a list of dicts.

    Raises:
        InvalidError: it is no table, or its columns differ in length.
    """
    found = {str(name): _column(values) for name, values in _pairs(data)}
    lengths = {len(column) if column.ndim == 1 else -1 for column in found.values()}
    if len(lengths) != 1 or -1 in lengths:
        raise InvalidError(f"a table needs columns of one length; these have {sorted(lengths)}")
    return found


def is_missing(column: Column) -> NDArray[np.bool_]:
    """Tell which values are missing: None, NaN, NaT or pandas' NA."""
    match column.dtype.kind:
        case "f":
            return np.isnan(column)
        case "M" | "m":
            return np.isnat(column)
        case "O":
            return np.fromiter((_is_nothing(value) for value in column), bool, len(column))
        case _:
            return np.zeros(len(column), bool)


def numbers_of(name: str, column: Column) -> NDArray[np.float64]:
    """Return a column as finite numbers.

    Raises:
        InvalidError: it holds anything else.
    """
    try:
        found = column.astype(np.float64)
    except (TypeError, ValueError):
        raise InvalidError(f"column {name!r} must hold numbers, not {column.dtype}") from None
    if bad := int((~np.isfinite(found)).sum()):
        raise InvalidError(f"column {name!r} has {bad:,} missing or infinite values: leave such rows out")
    return found


def _pairs(data: Any) -> list[tuple[object, Any]]:
    match library_of(data), class_of(data):
        case "pandas", "DataFrame":
            return [(name, data.iloc[:, i].to_numpy()) for i, name in enumerate(data.columns)]
        case "polars", "DataFrame":
            return [(name, data[name].to_numpy()) for name in data.columns]
        case "pyarrow", "Table" | "RecordBatch":
            names: list[str] = data.schema.names
            return [(name, data.column(name).to_numpy(zero_copy_only=False)) for name in names]
        case _ if isinstance(data, Mapping):
            return list(cast("Mapping[object, Any]", data).items())
        case _ if isinstance(data, Sequence) and not isinstance(data, str | bytes):
            return _of_records(cast("Sequence[Any]", data))
        case library, name:
            raise InvalidError(f"a {library}.{name} is no table: give a frame, columns by name, or rows")


def _column(values: Any) -> Column:
    """Return values as a column; numpy would make the text `nan` of a NaN among texts."""
    if hasattr(values, "dtype"):
        return np.asarray(values)
    plain = [*values]
    if all(isinstance(value, int | float) for value in plain):
        return np.asarray(plain)
    found = np.empty(len(plain), object)
    found[:] = plain
    return found


def _of_records(rows: Sequence[Any]) -> list[tuple[object, Any]]:
    if not rows or not all(isinstance(row, Mapping) for row in rows):
        raise InvalidError("rows must be a list of dicts, and at least one")
    names = dict.fromkeys(name for row in rows for name in row)
    return [(name, [row.get(name) for row in rows]) for name in names]


def _is_nothing(value: Any) -> bool:
    if isinstance(value, float):
        return value != value
    return value is None or type(value).__name__ in {"NAType", "NaTType"}
