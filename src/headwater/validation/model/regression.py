"""Metrics of models that predict numbers."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from headwater.errors import InvalidError
from headwater.validation.model.metrics import (
    Metric,
    Rows,
    Statistic,
    never,
    of_mean,
    of_sums,
    ratio,
    sklearn_metrics,
)
from headwater.validation.model.samples import Floats


def mae() -> Metric:
    """The mean absolute error, in the unit of the target."""
    return _mean_error("mae", "mean_absolute_error", lambda y, p: np.abs(p - y))


def mse() -> Metric:
    """The mean squared error."""
    return _mean_error("mse", "mean_squared_error", lambda y, p: (p - y) ** 2)


def rmse() -> Metric:
    """The root of the mean squared error, in the unit of the target."""

    def drawn(rows: Rows) -> Statistic:
        mean = of_mean((rows.predicted - rows.truth) ** 2)
        return lambda weights: np.sqrt(mean(weights))

    return Metric(
        name="rmse",
        higher_is_better=False,
        point=_by_sklearn("root_mean_squared_error"),
        drawn=drawn,
        why_undefined=never,
    )


def mape() -> Metric:
    """The mean absolute error in parts of the truth: 0.1 is ten percent. A truth of 0 makes it huge."""
    tiny = np.finfo(np.float64).eps
    return _mean_error(
        "mape",
        "mean_absolute_percentage_error",
        lambda y, p: np.abs(p - y) / np.maximum(np.abs(y), tiny),
    )


def r2() -> Metric:
    """The share of the target's variance that is explained; 0 is as good as the mean."""

    def drawn(rows: Rows) -> Statistic:
        # Around a number near the mean, so that no digits are lost.
        truth = rows.truth - rows.truth.mean()
        parts = np.column_stack([(rows.predicted - rows.truth) ** 2, truth, truth**2, np.ones(len(truth))])

        def value(sums: Floats) -> Floats:
            error, first, second, weight = sums.T
            return 1 - ratio(error, second - ratio(first**2, weight))

        return of_sums(parts, value)

    def why(rows: Rows) -> str:
        truth = rows.truth[rows.weights > 0]
        return never(rows) or ("all rows have the same truth" if np.ptp(truth) == 0 else "")

    return Metric(
        name="r2", higher_is_better=True, point=_by_sklearn("r2_score"), drawn=drawn, why_undefined=why
    )


def quantile_loss(quantile: float | None = None) -> Metric:
    """The pinball loss of a predicted quantile, by default the median.

    Source:
        Koenker and Bassett, Econometrica 46 (1978).
    """
    alpha = 0.5 if quantile is None else quantile
    if not 0 < alpha < 1:
        raise InvalidError(f"quantile_loss needs a quantile between 0 and 1, not {alpha:g}")
    name = "quantile_loss" if quantile is None else f"quantile_loss({alpha:g})"
    return _mean_error(
        name,
        "mean_pinball_loss",
        lambda y, p: np.maximum(alpha * (y - p), (alpha - 1) * (y - p)),
        alpha=alpha,
    )


def _mean_error(
    name: str, function: str, error: Callable[[Floats, Floats], Floats], **options: Any
) -> Metric:
    return Metric(
        name=name,
        higher_is_better=False,
        point=_by_sklearn(function, **options),
        drawn=lambda r: of_mean(error(r.truth, r.predicted)),
        why_undefined=never,
    )


def _by_sklearn(function: str, **options: Any) -> Callable[[Rows], float]:
    def point(rows: Rows) -> float:
        score = getattr(sklearn_metrics(), function)
        found = float(score(rows.truth, rows.predicted, sample_weight=rows.weights, **options))
        return found if math.isfinite(found) else math.nan

    return point
