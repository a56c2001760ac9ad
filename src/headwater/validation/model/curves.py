"""Curves and tables as data: ROC, precision over recall, calibration, confusion."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headwater.model.values import Json
from headwater.validation.model.classification import BINS, confidence_and_truth
from headwater.validation.model.metrics import Rows, sklearn_metrics

MAX_POINTS: Final = 500
"""Points of a curve; more are thinned out evenly, first and last kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A curve, or a table.

    Attributes:
        kind: `roc`, `precision_recall`, `calibration` or `confusion`.
        role: Whose: `candidate` or `baseline`.
        label: The class that counts as positive, as text; empty: all of them.
        columns: Its columns by name, of one length.
    """

    kind: str
    role: str
    label: str
    columns: Mapping[str, list[Json]]


def curves_of(rows: Rows, role: str) -> list[Curve]:
    """Return all curves that are defined on some rows of a classifier."""
    found = [_confusion(rows, role)]
    if rows.scores is None:
        return found
    for code in [1] if rows.is_binary else range(len(rows.classes)):
        is_positive = rows.truth == code
        if np.unique(is_positive[rows.weights > 0]).size == 2:
            found += _areas(rows, role, str(rows.classes[code]), is_positive, rows.scores[:, code])
    return [*found, _calibration(rows, role)]


def curves_json(curves: Iterable[Curve]) -> dict[str, bytes]:
    """Return each kind as JSON: a list of `{"role", "label", "columns"}`."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for each in curves:
        entry = {"role": each.role, "label": each.label, "columns": dict(each.columns)}
        kinds.setdefault(each.kind, []).append(entry)
    return {kind: json.dumps(entries, ensure_ascii=False).encode() for kind, entries in kinds.items()}


def _areas(
    rows: Rows, role: str, label: str, is_positive: NDArray[np.bool_], score: NDArray[Any]
) -> list[Curve]:
    sk = sklearn_metrics()
    false, true, at = sk.roc_curve(is_positive, score, sample_weight=rows.weights)
    precision, recall, cut = sk.precision_recall_curve(is_positive, score, sample_weight=rows.weights)
    return [
        _curve("roc", role, label, false_positive_rate=false, true_positive_rate=true, threshold=at),
        _curve(
            "precision_recall",
            role,
            label,
            precision=precision,
            recall=recall,
            threshold=np.append(cut, np.nan),
        ),
    ]


def _calibration(rows: Rows, role: str) -> Curve:
    """Return mean probability and share by bin of equal width, empty bins left out.

    As scikit-learn's `calibration_curve`, which knows no weights.
    """
    chance, came = confidence_and_truth(rows)
    bins = np.minimum((chance * BINS).astype(int), BINS - 1)
    weight, claimed, true = (
        np.bincount(bins, weights=rows.weights * each, minlength=BINS) for each in (1, chance, came)
    )
    full = weight > 0
    return _curve(
        "calibration",
        role,
        str(rows.classes[1]) if rows.is_binary else "",
        mean_probability=claimed[full] / weight[full],
        share=true[full] / weight[full],
        weight=weight[full],
    )


def _confusion(rows: Rows, role: str) -> Curve:
    codes = np.arange(len(rows.classes))
    table = sklearn_metrics().confusion_matrix(
        rows.truth, rows.predicted, labels=codes, sample_weight=rows.weights
    )
    names = [str(each) for each in rows.classes]
    pairs = [(one, other) for one in names for other in names]
    columns: dict[str, list[Json]] = {
        "truth": [one for one, _ in pairs],
        "predicted": [other for _, other in pairs],
        "weight": [float(each) for each in table.ravel()],
    }
    return Curve(kind="confusion", role=role, label="", columns=columns)


def _curve(kind: str, role: str, label: str, **columns: NDArray[Any]) -> Curve:
    return Curve(
        kind=kind, role=role, label=label, columns={name: _thinned(each) for name, each in columns.items()}
    )


def _thinned(values: NDArray[Any]) -> list[Json]:
    """Return numbers for JSON: what is not finite is None."""
    chosen: Sequence[float] = values.tolist()
    if len(values) > MAX_POINTS:
        chosen = values[np.linspace(0, len(values) - 1, MAX_POINTS).round().astype(int)].tolist()
    return [float(each) if np.isfinite(each) else None for each in chosen]
