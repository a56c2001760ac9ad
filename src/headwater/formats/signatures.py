"""What a model takes and gives: names and dtypes, and a few rows to show."""

import math
from collections.abc import Mapping
from typing import Any, cast

from headwater.errors import InvalidError
from headwater.fingerprints.frames import is_frame, schema_of
from headwater.fingerprints.libraries import class_of, library_of
from headwater.model.values import INT64_MAX, INT64_MIN, Json


def signature_of(X: Any, y: Any = None) -> dict[str, Json]:
    """Describe the columns that a model takes, and gives.

    Args:
        X: Table or array of inputs: pandas, polars, Arrow, numpy, or a list of dicts.
        y: Outputs, likewise.

    Returns:
        `{"inputs": [{"name", "dtype"}, …], "outputs": […]}`; no outputs without `y`. A pandas or polars frame
        and an Arrow table of the same content have the same signature.

    Raises:
        InvalidError: neither a table nor an array.

    Example:
        >>> signature_of([{"hour": 7, "carrier": "UA"}])
        {'inputs': [{'name': 'hour', 'dtype': 'int64'}, {'name': 'carrier', 'dtype': 'str'}]}
    """
    signature: dict[str, Json] = {"inputs": _schema(X)}
    if y is not None:
        signature["outputs"] = _schema(y)
    return signature


def example_of(X: Any, rows: int = 5) -> list[Json]:
    """Return the first rows as JSON records, to show or to send to a model server.

    NaN, infinities and missing values become None; times and what else JSON
    lacks become text. A matrix gives records with the names of `signature_of`.

    Args:
        X: Table or array, as in `signature_of`.
        rows: How many at most.

    Raises:
        InvalidError: neither a table nor an array.

    Example:
        >>> example_of([{"hour": 7}, {"hour": 8}], rows=1)
        [{'hour': 7}]
    """
    return [_json(row) for row in _records(X, rows)]


def _schema(data: Any) -> list[Json]:
    if not is_frame(data) and not _is_array(data):
        raise InvalidError(
            f"{type(data).__module__}.{type(data).__qualname__} is neither a table nor an array"
        )
    return [dict(column) for column in schema_of(data)]


def _is_array(data: Any) -> bool:
    return library_of(data) == "numpy" and bool(getattr(data, "ndim", 0))


def _records(data: Any, rows: int) -> list[Any]:
    schema = _schema(data)
    if class_of(data) == "Series":
        data = data.to_frame()
    match library_of(data):
        case "pandas":
            return data.head(rows).to_dict("records")
        case "polars":
            return data.head(rows).to_dicts()
        case "pyarrow":
            return data.slice(0, rows).to_pylist()
        case "numpy":
            return _array_records(data[:rows], [str(c["name"]) for c in schema if isinstance(c, dict)])
        case _:
            return list(data[:rows])


def _array_records(array: Any, names: list[str]) -> list[Any]:
    is_matrix = array.ndim == 2 and len(names) == array.shape[1]
    return [dict(zip(names, row if is_matrix else [row], strict=True)) for row in array.tolist()]


def _json(value: Any) -> Json:
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if INT64_MIN <= value <= INT64_MAX else str(value)
        case float():
            return float(value) if math.isfinite(value) else None
        case Mapping() | list() | tuple() | set():
            return _json_group(value)
        case _ if library_of(value) == "numpy":
            return _json(value.tolist())
        case _:
            return None if type(value).__name__ in {"NAType", "NaTType"} else str(value)


def _json_group(value: Any) -> Json:
    if isinstance(value, Mapping):
        pairs = cast(Mapping[Any, Any], value).items()
        return {str(k): _json(v) for k, v in pairs}
    return [_json(v) for v in value]
