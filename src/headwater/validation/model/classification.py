"""Metrics of classifiers; with more than two classes precision, recall, F1 and areas are means over them."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

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
from headwater.validation.model.ranks import average_precision_statistic, mean_of, roc_auc_statistic
from headwater.validation.model.samples import Floats

BINS: Final = 10


def accuracy() -> Metric:
    """The share of rows whose class is right."""
    return Metric(
        name="accuracy",
        higher_is_better=True,
        point=lambda r: float(
            sklearn_metrics().accuracy_score(r.truth, r.predicted, sample_weight=r.weights)
        ),
        drawn=lambda r: of_mean((r.truth == r.predicted).astype(np.float64)),
    )


def precision() -> Metric:
    """Of the rows that were given a class, the share that has it."""
    return _by_class("precision", "precision_score", lambda hit, said, _: ratio(hit, said))


def recall() -> Metric:
    """Of the rows that have a class, the share that was given it."""
    return _by_class("recall", "recall_score", lambda hit, _, has: ratio(hit, has))


def f1() -> Metric:
    """The harmonic mean of precision and recall."""
    return _by_class("f1", "f1_score", lambda hit, said, has: ratio(2 * hit, said + has))


def roc_auc() -> Metric:
    """The chance that a positive row has the greater score; of many classes, each against all others."""
    return _area("roc_auc", "roc_auc_score", roc_auc_statistic)


def pr_auc() -> Metric:
    """The average precision: the area under precision over recall, in steps."""
    return _area("pr_auc", "average_precision_score", average_precision_statistic)


def log_loss() -> Metric:
    """Minus the mean logarithm of the probability of the right class, in nats."""

    def drawn(rows: Rows) -> Statistic:
        scores = _scores(rows)
        tiny = np.finfo(scores.dtype).eps
        chance = scores[np.arange(len(scores)), rows.truth]
        return of_mean(-np.log(np.clip(chance, tiny, 1 - tiny)))

    return _proper("log_loss", drawn, lambda r: _loss(r, "log_loss"))


def brier() -> Metric:
    """The mean squared error of the probabilities; of two classes, of the positive one alone."""

    def drawn(rows: Rows) -> Statistic:
        error = (_scores(rows) - np.eye(len(rows.classes))[rows.truth]) ** 2
        return of_mean(error[:, 1] if rows.is_binary else error.sum(axis=1))

    return _proper("brier", drawn, lambda r: _loss(r, "brier_score_loss"))


def calibration_error(bins: float | None = None) -> Metric:
    """How far probabilities are from shares: in bins of equal width, the mean distance by weight.

    Of two classes the probability is that of the positive one, of more that of the likeliest.

    Source:
        Naeini, Cooper and Hauskrecht, AAAI 2015: the expected calibration error.
    """
    count = BINS if bins is None else int(bins)
    if count < 1 or (bins is not None and bins != count):
        raise InvalidError(f"calibration_error needs a whole number of bins, not {bins}")

    def drawn(rows: Rows) -> Statistic:
        chance, came = confidence_and_truth(rows)
        inside = np.eye(count)[np.minimum((chance * count).astype(int), count - 1)]
        parts = np.column_stack([inside * (chance - came)[:, None], np.ones(len(chance))])
        return of_sums(parts, lambda sums: ratio(np.abs(sums[:, :-1]).sum(axis=1), sums[:, -1]))

    return Metric(
        name="calibration_error" if bins is None else f"calibration_error({count})",
        higher_is_better=False,
        # scikit-learn has the curve, but no number for it.
        point=lambda r: float(drawn(r)(r.weights[None])[0]),
        drawn=drawn,
        why_undefined=_needs_scores,
        is_spread=True,
    )


def confidence_and_truth(rows: Rows) -> tuple[Floats, Floats]:
    """Return the probability that was claimed for each row, and 1 where it came true."""
    scores = _scores(rows)
    if rows.is_binary:
        return scores[:, 1], (rows.truth == 1).astype(np.float64)
    likeliest = scores.argmax(axis=1)
    return scores.max(axis=1), (likeliest == rows.truth).astype(np.float64)


def _by_class(name: str, function: str, finish: Callable[[Floats, Floats, Floats], Floats]) -> Metric:
    def counts(rows: Rows) -> Floats:
        classes = np.array([1]) if rows.is_binary else np.arange(len(rows.classes))
        has = rows.truth[:, None] == classes
        said = rows.predicted[:, None] == classes
        return np.stack([has & said, said, has], axis=1).astype(np.float64).reshape(len(has), -1)

    def value(sums: Floats) -> Floats:
        found = finish(*np.moveaxis(sums.reshape(len(sums), 3, -1), 1, 0))
        defined = ~np.isnan(found)
        return ratio(np.where(defined, found, 0).sum(axis=1), defined.sum(axis=1).astype(np.float64))

    def point(rows: Rows) -> float:
        options: dict[str, Any] = {"sample_weight": rows.weights, "zero_division": np.nan}
        if not rows.is_binary:
            options |= {"average": "macro", "labels": np.arange(len(rows.classes))}
        return float(getattr(sklearn_metrics(), function)(rows.truth, rows.predicted, **options))

    def why(rows: Rows) -> str:
        found = value(rows.weights[None] @ counts(rows))[0]
        return "no row has or was given the class that it asks for" if np.isnan(found) else ""

    return Metric(
        name=name,
        higher_is_better=True,
        point=point,
        drawn=lambda r: of_sums(counts(r), value),
        why_undefined=why,
    )


def _area(
    name: str, function: str, statistic: Callable[[NDArray[np.bool_], NDArray[Any]], Statistic]
) -> Metric:
    def each(rows: Rows) -> list[tuple[NDArray[np.bool_], Floats]]:
        scores = _scores(rows)
        classes = [1] if rows.is_binary else range(len(rows.classes))
        return [(rows.truth == code, scores[:, code]) for code in classes]

    def point(rows: Rows) -> float:
        score = getattr(sklearn_metrics(), function)
        return float(np.mean([score(*pair, sample_weight=rows.weights) for pair in each(rows)]))

    def why(rows: Rows) -> str:
        missing = rows.missing_classes
        return _needs_scores(rows) or (f"no row of class {missing[0]!r}" if missing else "")

    return Metric(
        name=name,
        higher_is_better=True,
        point=point,
        drawn=lambda r: mean_of([statistic(*pair) for pair in each(r)]),
        why_undefined=why,
        needs_strata=True,
    )


def _proper(name: str, drawn: Callable[[Rows], Statistic], point: Callable[[Rows], float]) -> Metric:
    return Metric(name=name, higher_is_better=False, point=point, drawn=drawn, why_undefined=_needs_scores)


def _loss(rows: Rows, function: str) -> float:
    scores, codes = _scores(rows), np.arange(len(rows.classes))
    given = scores[:, 1] if rows.is_binary and function == "brier_score_loss" else scores
    score = getattr(sklearn_metrics(), function)
    return float(score(rows.truth, given, sample_weight=rows.weights, labels=codes))


def _needs_scores(rows: Rows) -> str:
    return never(rows) or ("the model gives no probabilities" if rows.scores is None else "")


def _scores(rows: Rows) -> Floats:
    assert rows.scores is not None
    return rows.scores
