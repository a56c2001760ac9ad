"""Rows and answers that are made up from a seed."""

import numpy as np

from headwater.validation.model.catalogue import metric_named
from headwater.validation.model.metrics import Rows
from headwater.validation.model.samples import Sample, Task


def value_of(name: str, rows: Rows, task: Task = Task.CLASSIFICATION) -> float:
    """A metric's value on rows where it is defined."""
    metric = metric_named(name, task)
    assert metric.why_undefined(rows) == ""
    return metric.point(rows)


def everything(sample: Sample) -> np.ndarray:
    """The mask of all rows."""
    return np.ones(len(sample), bool)


def classified(seed: int, *, classes: int) -> Rows:
    """Rows of every class, some with equal scores."""
    random = np.random.default_rng(seed)
    size = int(random.integers(20 * classes, 60 * classes))
    truth = np.r_[np.arange(classes), np.arange(classes), random.integers(classes, size=size - 2 * classes)]
    chances = random.dirichlet(np.ones(classes), size=size) + np.eye(classes)[truth] * random.random()
    scores = random.multinomial(40, chances / chances.sum(axis=1, keepdims=True)) / 40
    predicted = random.permutation(np.r_[np.arange(classes), scores.argmax(axis=1)[classes:]])
    return Rows(
        truth=truth,
        predicted=predicted,
        scores=scores,
        weights=random.integers(1, 5, size=size).astype(float),
        groups=None,
        columns={"part": np.where(np.arange(size) % (2 * classes) < classes, "a", "b")},
        classes=tuple(range(classes)),
    )


def predicted(seed: int) -> Rows:
    """Numbers and predictions of them."""
    random = np.random.default_rng(seed)
    size = int(random.integers(5, 100))
    truth = random.normal(50, 10, size=size)
    return Rows(
        truth=truth,
        predicted=truth + random.normal(0, 5, size=size),
        scores=None,
        weights=random.random(size) + 0.1,
        groups=None,
        columns={},
        classes=(),
    )


def ranked(seed: int) -> Rows:
    """Queries of several rows, no two with one score; some have nothing relevant, one always has."""
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(8), random.integers(2, 9, size=8))
    truth = random.choice([0.0, 0.0, 1.0, 2.0], size=len(groups))
    truth[0] = 1.0
    return Rows(
        truth=truth,
        predicted=random.permutation(len(groups)).astype(float),
        scores=None,
        weights=np.ones(len(groups)),
        groups=groups,
        columns={},
        classes=(),
    )
