"""Tables of any library, as columns."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from headwater.errors import InvalidError
from headwater.fingerprints.arrow import arrow_column, arrow_columns
from headwater.fingerprints.columns import (
    Column,
    ColumnHasher,
    hash_categories,
    hash_numbers,
    hash_objects,
    object_column,
)
from headwater.fingerprints.libraries import class_of, is_installed, library_of, load

_MAX_ARRAY_COLUMNS: Final = 1000
"""A matrix with more columns than this is described by its shape."""


def is_frame(data: object) -> bool:
    """Tell whether it is a frame or series of pandas, polars or Arrow, or a list of dicts."""
    known = {
        ("pandas", "DataFrame"),
        ("pandas", "Series"),
        ("polars", "DataFrame"),
        ("polars", "Series"),
        ("pyarrow", "Table"),
        ("pyarrow", "RecordBatch"),
    }
    return (library_of(data), class_of(data)) in known or _is_records(data)


def columns_of(data: Any) -> tuple[list[Column], int]:
    """Return the columns of a table, and how many rows it has.

    Raises:
        InvalidError: it is no table.
    """
    if not is_frame(data):
        raise InvalidError(f"{type(data).__module__}.{type(data).__qualname__} is not a table")
    if class_of(data) == "Series":
        data = data.to_frame()
    match library_of(data):
        case "pandas":
            return _pandas_columns(data), len(data)
        case "polars":
            return [_polars_column(data.to_series(i)) for i in range(data.width)], data.height
        case "pyarrow":
            return arrow_columns(data), data.num_rows
        case _:
            return _record_columns(data), len(data)


def schema_of(data: Any) -> list[dict[str, Any]]:
    """Return name and dtype of each column of a table or array; all JSON.

    A matrix has the columns `x0`, `x1` …; an array of another shape, or a very wide one, is one entry `x`
    with its `shape`, where None stands for the number of rows.
    """
    if library_of(data) == "numpy":
        return _array_schema(data)
    return column_schema(columns_of(data)[0])


def column_schema(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Return name and dtype of each column; an index is none."""
    return [{"name": str(c.name), "dtype": c.dtype} for c in columns if not c.is_index]


def _array_schema(array: Any) -> list[dict[str, Any]]:
    dtype = str(array.dtype.newbyteorder("="))
    if array.ndim == 2 and array.shape[1] <= _MAX_ARRAY_COLUMNS:
        return [{"name": f"x{i}", "dtype": dtype} for i in range(array.shape[1])]
    return [{"name": "x", "dtype": dtype, "shape": [None, *array.shape[1:]]}]


def _is_records(data: object) -> bool:
    return (
        isinstance(data, Sequence)
        and not isinstance(data, str | bytes)
        and len(data) > 0  # pyright: ignore[reportUnknownArgumentType]
        and all(isinstance(row, Mapping) for row in data)  # pyright: ignore[reportUnknownVariableType]
    )


def _record_columns(rows: Sequence[Mapping[str, Any]]) -> list[Column]:
    """Columns in the order in which their names first appear; a missing key is a missing value."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [_python_column(name, [row.get(name) for row in rows]) for name in names]


def _python_column(name: object, values: list[Any]) -> Column:
    """Bools, ints of 64 bits, and floats, each alone in a column, count as the numpy column of them."""
    import numpy as np

    missing = np.fromiter((v is None for v in values), bool, len(values))
    kinds = {type(v).__name__ for v in values if v is not None}
    dtype = {"bool": "bool", "int": "int64", "float": "float64"}.get(kinds.pop()) if len(kinds) == 1 else None
    if dtype is None or (dtype == "int64" and not all(v is None or -(2**63) <= v < 2**63 for v in values)):
        return object_column(name, values, missing)
    plain = np.array([0 if v is None else v for v in values], dtype)
    return Column(name, dtype, lambda: hash_numbers(plain, missing))


def _pandas_columns(frame: Any) -> list[Column]:
    columns = [_pandas_column(name, frame.iloc[:, i]) for i, name in enumerate(frame.columns)]
    return _index_columns(frame.index) + columns


def _index_columns(index: Any) -> list[Column]:
    """Nothing for 0, 1, 2 … without a name: that is how pandas numbers rows that have no labels."""
    import numpy as np

    is_plain = index.nlevels == 1 and index.name is None and index.dtype.kind in "iu"
    if is_plain and np.array_equal(index.to_numpy(), np.arange(len(index))):
        return []
    levels = [index.get_level_values(i).to_series() for i in range(index.nlevels)]
    columns = [_pandas_column(level.name, level) for level in levels]
    return [Column(c.name, c.dtype, c.digest, is_index=True) for c in columns]


def _pandas_column(name: object, series: Any) -> Column:
    import numpy as np

    pd = load("pandas")
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return _numpy_column(name, series)
    if isinstance(dtype, pd.CategoricalDtype):
        return _category_column(name, series)
    if isinstance(dtype, pd.DatetimeTZDtype):
        naive = series.dt.tz_convert("UTC").dt.tz_localize(None)
        return Column(name, str(dtype), _numpy_column(name, naive).digest)
    if isinstance(dtype, pd.SparseDtype):
        return _pandas_column(name, series.sparse.to_dense())
    if isinstance(dtype, pd.ArrowDtype) or (isinstance(dtype, pd.StringDtype) and dtype.storage == "pyarrow"):
        return arrow_column(name, load("pyarrow").array(series.array))
    missing = series.isna().to_numpy()
    if hasattr(dtype, "numpy_dtype"):  # pandas' own numbers that can be missing
        plain = dtype.numpy_dtype
        values = series.to_numpy(plain, na_value=plain.type())
        return Column(name, str(plain), lambda: hash_numbers(values, missing))
    if isinstance(dtype, pd.StringDtype):
        return _text_column(name, "str", series, missing)
    # Periods and intervals: their text tells all.
    return _text_column(name, str(dtype), series.astype(str), missing)


def _text_column(name: object, dtype: str, series: Any, missing: Any) -> Column:
    return Column(name, dtype, lambda: hash_objects(name, "str", series.tolist(), missing))


def _numpy_column(name: object, series: Any) -> Column:
    values = series.to_numpy()
    if values.dtype.kind == "O":
        return object_column(name, values.tolist(), series.isna().to_numpy())
    missing = series.isna().to_numpy() if values.dtype.kind in "mM" else None
    return Column(name, str(values.dtype.newbyteorder("=")), lambda: hash_numbers(values, missing))


def _category_column(name: object, series: Any) -> Column:
    categories = series.cat.categories.to_series()
    plain = _pandas_column(name, categories)
    codes = series.cat.codes.to_numpy()

    def hash_taken(used: Any) -> bytes:
        return _pandas_column(name, categories.iloc[used]).digest()

    def digest() -> bytes:
        if not series.cat.ordered:
            return hash_categories(codes, hash_taken)
        hasher = ColumnHasher()  # the order of the categories is part of the content then
        hasher.add_part(hash_categories(codes, hash_taken))
        hasher.add_part(plain.digest())
        return hasher.digest()

    return Column(name, f"{'ordered' if series.cat.ordered else 'category'}<{plain.dtype}>", digest)


def _polars_column(series: Any) -> Column:
    """Through Arrow where that is installed; the same digest without it, only slower for texts."""
    pl = load("polars")
    if series.dtype == pl.Object:
        values = series.to_list()
        return object_column(series.name, values, [v is None for v in values])
    if is_installed("pyarrow"):
        return arrow_column(series.name, series.to_arrow())
    return _bare_polars_column(series)


def _bare_polars_column(series: Any) -> Column:
    pl = load("polars")
    name, missing = series.name, series.is_null().to_numpy()
    dtype = _polars_dtype(series.dtype)
    if series.dtype in (pl.String, pl.Binary):
        return Column(name, dtype, lambda: hash_objects(name, dtype, series.to_list(), missing))
    if series.dtype in (pl.Categorical, pl.Enum):
        return _bare_category_column(name, series.cast(pl.String).to_list())
    if series.dtype.is_nested() or series.dtype.is_decimal():
        raise InvalidError(
            f"column {name!r} of dtype {series.dtype} has no digest without pyarrow: install it"
        )
    numbers = series.to_physical().fill_null(strategy="zero").to_numpy()
    return Column(name, dtype, lambda: hash_numbers(numbers, missing))


def _bare_category_column(name: object, values: list[str | None]) -> Column:
    import numpy as np

    categories = list(dict.fromkeys(v for v in values if v is not None))
    numbers = {category: i for i, category in enumerate(categories)}
    codes = np.fromiter((-1 if v is None else numbers[v] for v in values), "<i8", len(values))
    no_gap = np.zeros(len(categories), bool)
    return Column(
        name,
        "category<str>",
        lambda: hash_categories(codes, lambda _: hash_objects(name, "str", categories, no_gap)),
    )


def _polars_dtype(dtype: Any) -> str:
    names = {"String": "str", "Boolean": "bool", "Date": "date", "Time": "time64[ns]", "Binary": "binary"}
    if dtype.is_temporal() and (unit := getattr(dtype, "time_unit", None)):
        zone = getattr(dtype, "time_zone", None)
        kind = "timedelta64" if "Duration" in str(dtype) else "datetime64"
        return f"{kind}[{unit}{', ' + zone if zone else ''}]"
    return names.get(str(dtype), re.sub(r"\W+", "_", str(dtype)).lower())
