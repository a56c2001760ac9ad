"""Areas under curves on many resamples: scores are sorted once, then weights are summed up along them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.validation.model.metrics import Statistic, ratio
from headwater.validation.model.samples import Codes, Floats


def roc_auc_statistic(is_positive: NDArray[np.bool_], score: NDArray[Any]) -> Statistic:
    """Return the area under the ROC curve as a function of weights; ties count one half.

    The weight of all pairs in which the positive row has the greater score, by the weight of all pairs.

    Source:
        Hanley and McNeil, Radiology 143 (1982): the area is the Mann-Whitney statistic.
    """
    ones, zeros = _sorted(is_positive, score), _sorted(~is_positive, score)
    below = np.searchsorted(score[zeros], score[ones], side="left")
    up_to = np.searchsorted(score[zeros], score[ones], side="right")

    def value(weights: Floats) -> Floats:
        mine, summed = weights[:, ones], _summed(weights[:, zeros])
        won = np.einsum("ij,ij->i", mine, summed[:, below]) + np.einsum("ij,ij->i", mine, summed[:, up_to])
        return ratio(won / 2, mine.sum(axis=1) * summed[:, -1])

    return value


def average_precision_statistic(is_positive: NDArray[np.bool_], score: NDArray[Any]) -> Statistic:
    """Return the average precision as a function of weights: precision at each score, by its gain of recall.

    Source:
        scikit-learn's `average_precision_score`, whose definition this is.
    """
    ones, zeros = _sorted(is_positive, -score), _sorted(~is_positive, -score)
    hits_until = np.searchsorted(-score[ones], -score[ones], side="right")
    false_until = np.searchsorted(-score[zeros], -score[ones], side="right")

    def value(weights: Floats) -> Floats:
        mine = weights[:, ones]
        hits = _summed(mine)[:, hits_until]
        claimed = hits + _summed(weights[:, zeros])[:, false_until]
        # Where nothing is claimed nothing is found: the row has no weight.
        precision = np.divide(hits, claimed, out=np.zeros_like(hits), where=claimed > 0)
        return ratio(np.einsum("ij,ij->i", mine, precision), mine.sum(axis=1))

    return value


def mean_of(statistics: list[Statistic]) -> Statistic:
    """Return the plain mean of several statistics."""
    return lambda weights: np.mean([each(weights) for each in statistics], axis=0)


def _sorted(chosen: NDArray[np.bool_], score: NDArray[Any]) -> Codes:
    """Return the rows that are chosen, the smallest score first."""
    rows = np.flatnonzero(chosen)
    return rows[np.argsort(score[rows], kind="stable")]


def _summed(weights: Floats) -> Floats:
    """Return the weight of the first none, one, two … rows, shape (n_draws, n_rows + 1)."""
    found = np.zeros((len(weights), weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=found[:, 1:])
    return found
