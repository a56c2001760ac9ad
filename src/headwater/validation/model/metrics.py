"""What a metric is: its value by scikit-learn's definition, and the same on resamples all at once."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from headwater.errors import MissingDependencyError
from headwater.validation.model.samples import Answers, Codes, Floats, Sample
from headwater.validation.model.tables import Column

Statistic: TypeAlias = Callable[[Floats], Floats]
"""From weights of shape (n_draws, n_rows) to values of shape (n_draws,), NaN where undefined."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """A slice of a sample with what one model answered there; fields as in `Sample` and `Answers`."""

    truth: NDArray[Any]
    predicted: NDArray[Any]
    scores: Floats | None
    weights: Floats
    groups: Codes | None
    columns: Mapping[str, Column]
    classes: tuple[Any, ...]

    @property
    def is_binary(self) -> bool:
        """Tell whether there are two classes."""
        return len(self.classes) == 2

    @property
    def missing_classes(self) -> list[Any]:
        """The classes that no row with a weight has."""
        there = set(self.truth[self.weights > 0].tolist())
        return [name for code, name in enumerate(self.classes) if code not in there]


def rows_in(sample: Sample, answers: Answers, mask: NDArray[np.bool_]) -> Rows:
    """Return the rows of a slice."""
    groups = None if sample.groups is None else np.unique(sample.groups[mask], return_inverse=True)[1]
    return Rows(
        truth=sample.truth[mask],
        predicted=answers.predicted[mask],
        scores=None if answers.scores is None else answers.scores[mask],
        weights=sample.weights[mask],
        groups=groups,
        columns={name: column[mask] for name, column in sample.columns.items()},
        classes=sample.classes,
    )


def never(rows: Rows) -> str:
    """Say that a metric is always defined, except without any weight."""
    return "" if rows.weights.any() else "all weights are 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric.

    Attributes:
        name: As it is written in a gate, such as `roc_auc` or `ndcg(10)`.
        higher_is_better: Which way is better; None: neither, it says so for each check.
        point: Its value on rows where it is defined.
        drawn: Its values on resamples of such rows.
        why_undefined: Why it is not defined on some rows; empty: it is.
        needs_strata: Draw resamples within each class, as it is undefined without one of them.
        is_spread: As in `Estimate`.
    """

    name: str
    higher_is_better: bool | None
    point: Callable[[Rows], float]
    drawn: Callable[[Rows], Statistic]
    why_undefined: Callable[[Rows], str] = field(default=never)
    needs_strata: bool = False
    is_spread: bool = False


def of_sums(rows: Floats, finish: Callable[[Floats], Floats]) -> Statistic:
    """Return a statistic that is a function of weighted sums over rows.

    Args:
        rows: What is summed up, shape (n_rows, n_sums).
        finish: From sums of shape (n_draws, n_sums) to values of shape (n_draws,).
    """
    return lambda weights: finish(weights @ rows)


def of_mean(values: Floats) -> Statistic:
    """Return the weighted mean of a value of each row."""
    rows = np.column_stack([values, np.ones(len(values))])
    return of_sums(rows, lambda sums: ratio(sums[:, 0], sums[:, 1]))


def ratio(above: Floats, below: Floats) -> Floats:
    """Divide; NaN where the divisor is 0."""
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below != 0)


def sklearn_metrics() -> Any:
    """Import `sklearn.metrics`.

    Raises:
        MissingDependencyError: scikit-learn is not installed.
    """
    try:
        return importlib.import_module("sklearn.metrics")
    except ImportError as error:
        raise MissingDependencyError("scikit-learn", "validation", "a metric") from error
