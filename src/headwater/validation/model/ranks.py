"""Areas under curves on many resamples: the scores are sorted once, then weights are summed up along them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.validation.model.metrics import Statistic, ratio
from headwater.validation.model.samples import Floats


def roc_auc_statistic(is_positive: NDArray[np.bool_], score: NDArray[Any]) -> Statistic:
    """Return the area under the ROC curve as a function of weights; ties count one half.

    The weight of all pairs in which the positive row has the greater score, by the weight of all pairs.

    Source:
        Hanley and McNeil, Radiology 143 (1982): the area is the Mann-Whitney statistic.
    """
    order, starts = _sorted(score)
    positive = is_positive[order].astype(np.float64)

    def value(weights: Floats) -> Floats:
        ones, zeros = _by_score(weights[:, order], positive, starts)
        below = np.cumsum(zeros, axis=1) - zeros / 2
        return ratio((ones * below).sum(axis=1), ones.sum(axis=1) * zeros.sum(axis=1))

    return value


def average_precision_statistic(is_positive: NDArray[np.bool_], score: NDArray[Any]) -> Statistic:
    """Return the average precision as a function of weights: precision at each score, by its gain of recall.

    Source:
        scikit-learn's `average_precision_score`, whose definition this is.
    """
    order, starts = _sorted(-score)
    positive = is_positive[order].astype(np.float64)

    def value(weights: Floats) -> Floats:
        ones, zeros = _by_score(weights[:, order], positive, starts)
        hits = np.cumsum(ones, axis=1)
        precision = np.nan_to_num(ratio(hits, hits + np.cumsum(zeros, axis=1)))
        return ratio((ones * precision).sum(axis=1), ones.sum(axis=1))

    return value


def mean_of(statistics: list[Statistic]) -> Statistic:
    """Return the plain mean of several statistics."""
    return lambda weights: np.mean([each(weights) for each in statistics], axis=0)


def _sorted(score: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the order of scores, the smallest first, and where in it each distinct score starts."""
    order = np.argsort(score, kind="stable")
    found = score[order]
    return order, np.flatnonzero(np.r_[True, found[1:] != found[:-1]])


def _by_score(weights: Floats, positive: Floats, starts: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Return the weight of the positive and of the other rows at each distinct score."""
    ones = weights * positive
    zeros = weights - ones
    if len(starts) == len(positive):
        return ones, zeros
    return np.add.reduceat(ones, starts, axis=1), np.add.reduceat(zeros, starts, axis=1)
