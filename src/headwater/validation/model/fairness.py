"""How differently a classifier of two classes treats the groups that a column makes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from headwater.errors import InvalidError
from headwater.validation.model.metrics import Metric, Rows, Statistic, never, of_sums, ratio
from headwater.validation.model.samples import Floats
from headwater.validation.model.tables import is_missing

MAX_GROUPS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Counts:
    """Weights of rows by group, each of shape (n_draws, n_groups)."""

    said: Floats
    """Predicted positive."""
    has: Floats
    """Positive."""
    hit: Floats
    """Both."""
    wrong: Floats
    """Predicted positive, and not."""
    weight: Floats
    """All."""


def demographic_parity_difference(column: str) -> Metric:
    """The greatest share of rows predicted positive in a group, less the smallest.

    Source:
        Agarwal et al., ICML 2018 (the difference of the extremes over groups).
    """
    return _between(
        "demographic_parity_difference", column, lambda counts: _spread(counts.said, counts.weight)
    )


def equal_opportunity_difference(column: str) -> Metric:
    """The greatest recall in a group, less the smallest.

    Source:
        Hardt, Price and Srebro, NeurIPS 2016.
    """
    return _between("equal_opportunity_difference", column, lambda counts: _spread(counts.hit, counts.has))


def equalized_odds_difference(column: str) -> Metric:
    """The greater of the differences in recall and in false alarms.

    Source:
        Hardt, Price and Srebro, NeurIPS 2016.
    """

    def value(counts: _Counts) -> Floats:
        lacks = counts.weight - counts.has
        return np.maximum(_spread(counts.hit, counts.has), _spread(counts.wrong, lacks))

    return _between("equalized_odds_difference", column, value)


def _spread(above: Floats, below: Floats) -> Floats:
    """Return the range over groups; NaN where a group has none of the rows that are asked about."""
    return np.ptp(ratio(above, below), axis=1)


def _between(name: str, column: str, value: Callable[[_Counts], Floats]) -> Metric:
    if not column:
        raise InvalidError(f"{name} needs a column: {name}(carrier)")

    def drawn(rows: Rows) -> Statistic:
        groups = np.unique(rows.columns[column].astype(str), return_inverse=True)[1]
        inside = np.eye(int(groups.max()) + 1)[groups]
        has, said = rows.truth == 1, rows.predicted == 1
        kinds = {
            "said": said,
            "has": has,
            "hit": has & said,
            "wrong": ~has & said,
            "weight": np.ones(len(has), bool),
        }
        parts = np.concatenate([inside * kind[:, None] for kind in kinds.values()], axis=1)

        def finish(sums: Floats) -> Floats:
            by_kind = np.moveaxis(sums.reshape(len(sums), len(kinds), -1), 1, 0)
            return value(_Counts(**dict(zip(kinds, by_kind, strict=True))))

        return of_sums(parts, finish)

    def why(rows: Rows) -> str:
        if (reason := never(rows) or _fault(rows, column)) != "":
            return reason
        found = drawn(rows)(rows.weights[None])[0]
        return f"a group of {column!r} has no row of a class" if np.isnan(found) else ""

    return Metric(
        name=f"{name}({column})",
        higher_is_better=False,
        point=lambda r: float(drawn(r)(r.weights[None])[0]),
        drawn=drawn,
        why_undefined=why,
        is_spread=True,
    )


def _fault(rows: Rows, column: str) -> str:
    if not rows.is_binary:
        return "it needs two classes"
    if column not in rows.columns:
        return f"the data has no column {column!r}"
    if is_missing(rows.columns[column]).any():
        return f"{column!r} is missing in some rows"
    count = len(np.unique(rows.columns[column].astype(str)))
    if not 2 <= count <= MAX_GROUPS:
        return f"{column!r} has {count:,} groups; 2 to {MAX_GROUPS} are needed"
    return ""
