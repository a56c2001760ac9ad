"""Asking a model for the example that was kept with it, whatever kind of table it takes."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from headwater.errors import RefusedError
from headwater.fingerprints.libraries import load
from headwater.model.values import Json

_METHODS: Final = ("predict_proba", "predict")


def answer(
    model: Any, example: Sequence[Mapping[str, Json]], inputs: Sequence[Mapping[str, Json]]
) -> dict[str, Json]:
    """Let a model answer some rows, with each method that it has.

    Args:
        model: The model.
        example: The rows, as `example_of` returned them.
        inputs: Name and dtype of each column, as in a signature.

    Returns:
        `method` and `shape` of the last answer.

    Raises:
        RefusedError: it has no method that answers, or the answer is no array of numbers or labels, has
            another number of rows, or holds NaN or an infinity.
    """
    methods = [name for name in _METHODS if hasattr(model, name)] or (["__call__"] if callable(model) else [])
    if not methods:
        raise RefusedError(f"a {type(model).__name__} has no predict() and cannot be called")
    rows = table_of(example, inputs)
    found: dict[str, Json] = {}
    for method in methods:
        found = _described(method, getattr(model, method)(rows), len(example))
    return found


def table_of(example: Sequence[Mapping[str, Json]], inputs: Sequence[Mapping[str, Json]]) -> Any:
    """Return example rows as the model was shown them: a matrix for columns `x0`, `x1` …, else a frame."""
    import numpy as np

    names = [str(each["name"]) for each in inputs] or list(example[0])
    if names == [f"x{i}" for i in range(len(names))] and (inputs or not names):
        rows = [[_number(row.get(name)) for name in names] for row in example]
        return np.array(rows, str(inputs[0]["dtype"]))
    if names == ["x"]:
        return np.array([row["x"] for row in example], str(inputs[0]["dtype"]) if inputs else None)
    pd: Any = load("pandas")
    frame = pd.DataFrame([{name: row.get(name) for name in names} for row in example], columns=names)
    for each in inputs:
        frame[str(each["name"])] = _column(frame[str(each["name"])], str(each["dtype"]))
    return frame


def _number(value: Json) -> Any:
    return math.nan if value is None else value


def _column(values: Any, dtype: str) -> Any:
    """Return a column with its dtype; one that other libraries name, or that None cannot be in, stays."""
    import numpy as np

    pd: Any = load("pandas")
    if dtype.startswith("datetime"):
        return pd.to_datetime(values)
    try:
        kind = np.dtype(dtype)
    except TypeError:
        return values
    if kind.kind not in "iufb" or (kind.kind != "f" and values.isna().any()):
        return values
    return values.astype(kind)


def _described(method: str, answered: Any, row_count: int) -> dict[str, Json]:
    import numpy as np

    found = np.asarray(answered)
    if found.ndim == 0 or found.shape[0] != row_count:
        raise RefusedError(f"{method} gave shape {found.shape} for {row_count} rows")
    if found.dtype.kind in "fc" and not np.isfinite(found).all():
        raise RefusedError(f"{method} gave NaN or infinity for {int((~np.isfinite(found)).sum())} values")
    if found.dtype.kind == "O" and any(each is None or each != each for each in found.ravel()):
        raise RefusedError(f"{method} gave missing values")
    return {"method": method, "shape": [int(size) for size in found.shape]}
