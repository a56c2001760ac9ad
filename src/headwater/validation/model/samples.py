"""The rows that models are judged on, and what a model answered for them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headwater.errors import InvalidError
from headwater.fingerprints.libraries import class_of, library_of
from headwater.validation.model.tables import Column, columns_of, is_missing, numbers_of

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

BATCH_ROWS: Final = 1_000


class Task(StrEnum):
    """What a model is for."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"
    RANKING = "ranking"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Rows whose truth is known.

    Attributes:
        truth: Of each row its class as an index into `classes`, its value, or its relevance; shape (n_rows,).
        weights: What each row counts; shape (n_rows,).
        groups: Rows that belong together (in ranking: a query) as indexes from 0; None: each for itself.
        columns: All columns of the data by name.
        classes: The classes in order; of two, the second is the positive one. Empty without classes.
    """

    task: Task
    truth: NDArray[Any]
    weights: Floats
    groups: Codes | None
    columns: Mapping[str, Column]
    classes: tuple[Any, ...] = ()

    def __len__(self) -> int:
        return len(self.truth)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """What a model answered.

    Attributes:
        predicted: Of each row a class as an index, a value, or a score; shape (n_rows,).
        scores: Of each row the probability of each class, shape (n_rows, n_classes); None: it gives none.
        batch_ms: Milliseconds that each batch took; empty where nothing was measured.
    """

    predicted: NDArray[Any]
    scores: Floats | None = None
    batch_ms: tuple[float, ...] = ()


def sample_of(
    data: Any,
    *,
    target: str,
    task: Task = Task.CLASSIFICATION,
    weight: str | None = None,
    group: str | None = None,
    positive: Any = None,
    classes: Sequence[Any] = (),
) -> Sample:
    """Take the truth out of a table.

    Args:
        data: A frame of pandas, polars or Arrow, a mapping of columns, or a list of dicts.
        target: Column with the truth.
        task: What the model is for.
        weight: Column with what a row counts, 0 or more.
        group: Column that says which rows belong together; ranking needs it.
        positive: The positive class, where there are two; by default the greater one.
        classes: Classes that a model knows, besides those in the data.

    Raises:
        InvalidError: a column is missing or holds what cannot be used, or there are no rows.
    """
    columns = columns_of(data)
    for name in (target, weight, group):
        if name is not None and name not in columns:
            raise InvalidError(f"the data has no column {name!r}; it has {', '.join(sorted(columns))}")
    truth = columns[target]
    if not len(truth):
        raise InvalidError("there are no rows to judge on")
    if bad := int(is_missing(truth).sum()):
        raise InvalidError(f"target {target!r} is missing in {bad:,} rows: leave them out")
    if task is Task.RANKING and group is None:
        raise InvalidError("ranking needs `group`: the column that names the query of a row")
    known = _classes(truth, classes, positive) if task is Task.CLASSIFICATION else ()
    return Sample(
        task=task,
        truth=codes_of(truth, known) if known else numbers_of(target, truth),
        weights=np.ones(len(truth)) if weight is None else _weights(weight, columns[weight]),
        groups=None if group is None else np.unique(columns[group].astype(str), return_inverse=True)[1],
        columns=columns,
        classes=known,
    )


def codes_of(labels: NDArray[Any], classes: Sequence[Any]) -> Codes:
    """Return labels as indexes into the classes.

    Raises:
        InvalidError: a label is no class.
    """
    index = {each: i for i, each in enumerate(classes)}
    plain = labels.tolist()
    if unknown := sorted({repr(label) for label in plain if label not in index}):
        raise InvalidError(f"{', '.join(unknown[:5])} is none of the classes {list(classes)}")
    return np.fromiter((index[label] for label in plain), np.intp, len(plain))


def given_answers(
    sample: Sample, *, predicted: Any = None, scores: Any = None, threshold: float | None = None
) -> Answers:
    """Take answers that were computed already.

    Args:
        sample: The rows.
        predicted: Labels, values or scores; shape (n_rows,).
        scores: For classification, probabilities: of the positive class, shape (n_rows,), or of each
            class in order, shape (n_rows, n_classes).
        threshold: Probability from which the positive class is predicted; by default the likeliest is.

    Raises:
        InvalidError: shapes do not fit, a number is not finite, or nothing is given.
    """
    if sample.task is not Task.CLASSIFICATION:
        if predicted is None or scores is not None:
            raise InvalidError(f"{sample.task} needs `predicted`, and has no `scores`")
        return Answers(predicted=_checked(sample, np.asarray(predicted)))
    chances = None if scores is None else _chances(sample, np.asarray(scores, np.float64))
    if predicted is not None and threshold is None:
        labels = np.asarray(predicted)
        if labels.shape != sample.truth.shape:
            raise InvalidError(f"{len(sample)} rows need as many labels, not shape {labels.shape}")
        return Answers(predicted=codes_of(labels, sample.classes), scores=chances)
    if chances is None:
        raise InvalidError("give `predicted` or `scores`; a threshold needs scores")
    if threshold is None:
        return Answers(predicted=chances.argmax(axis=1), scores=chances)
    if len(sample.classes) != 2:
        raise InvalidError(f"a threshold needs two classes, not {len(sample.classes)}")
    return Answers(predicted=(chances[:, 1] >= threshold).astype(np.intp), scores=chances)


def ask(
    model: Any,
    features: Any,
    sample: Sample,
    *,
    threshold: float | None = None,
    batch_rows: int = BATCH_ROWS,
) -> Answers:
    """Let a model answer in batches, and measure how long each takes.

    Args:
        model: An estimator: `predict`, and for classification `predict_proba` where it has it.
        features: What it takes: a frame or matrix, aligned with the sample.
        sample: The rows.
        threshold: As in `given_answers`.
        batch_rows: Rows of a batch.

    Raises:
        InvalidError: it has no `predict`, or what it answers does not fit.
    """
    if not hasattr(model, "predict"):
        raise InvalidError(f"a {type(model).__name__} has no predict(): give predictions instead")
    has_chances = sample.task is Task.CLASSIFICATION and hasattr(model, "predict_proba")
    labels, chances, took = list[Any](), list[Any](), list[float]()
    for start in range(0, len(sample), batch_rows):
        batch = rows_of(features, slice(start, start + batch_rows))
        begin = time.perf_counter()
        if has_chances:
            chances.append(np.asarray(model.predict_proba(batch), np.float64))
        else:
            labels.append(np.asarray(model.predict(batch)))
        took.append((time.perf_counter() - begin) * 1e3)
    answers = given_answers(
        sample,
        predicted=np.concatenate(labels) if labels else None,
        scores=_in_order(model, sample, np.concatenate(chances)) if chances else None,
        threshold=threshold,
    )
    return Answers(predicted=answers.predicted, scores=answers.scores, batch_ms=tuple(took))


def features_of(data: Any, names: Sequence[str], *, apart: Sequence[str | None]) -> Any:
    """Return the columns of a frame that a model takes.

    Args:
        data: A frame of pandas, polars or Arrow.
        names: Which; empty: all but those that are kept apart.
        apart: Names of the target and the like.

    Raises:
        InvalidError: it is no frame, or a column is not there.
    """
    if library_of(data) not in {"pandas", "polars", "pyarrow"}:
        raise InvalidError("a model is asked with a frame of pandas, polars or Arrow; else give its answers")
    is_arrow = library_of(data) == "pyarrow"
    there = [str(name) for name in (data.column_names if is_arrow else data.columns)]
    chosen = [*names] or [name for name in there if name not in apart]
    if lost := [name for name in chosen if name not in there]:
        raise InvalidError(f"the data lack columns that the model takes: {', '.join(lost)}")
    return data.select(chosen) if is_arrow else data[chosen]


def rows_of(data: Any, rows: slice) -> Any:
    """Return some rows of a frame or array."""
    match library_of(data), class_of(data):
        case "pandas", _:
            return data.iloc[rows]
        case "pyarrow", _:
            return data.slice(rows.start, rows.stop - rows.start)
        case _:
            return data[rows]


def _classes(truth: NDArray[Any], others: Sequence[Any], positive: Any) -> tuple[Any, ...]:
    found = set(truth.tolist()) | {each.item() if hasattr(each, "item") else each for each in others}
    try:
        ordered = sorted(found)
    except TypeError:
        raise InvalidError(f"classes of several types: {sorted(map(repr, found))}") from None
    if positive is None:
        return tuple(ordered)
    if positive not in found or len(found) != 2:
        raise InvalidError(f"positive={positive!r} needs two classes with it among them, not {ordered}")
    return (*(each for each in ordered if each != positive), positive)


def _weights(name: str, column: Column) -> Floats:
    found = numbers_of(name, column)
    if (found < 0).any() or not found.any():
        raise InvalidError(f"weights {name!r} must be 0 or more, and not all 0")
    return found


def _checked(sample: Sample, values: NDArray[Any]) -> Floats:
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.shape != sample.truth.shape:
        raise InvalidError(f"{len(sample)} rows need as many predictions, not shape {values.shape}")
    return numbers_of("predictions", values)


def _chances(sample: Sample, scores: Floats) -> Floats:
    if scores.ndim == 1 and len(sample.classes) == 2:
        scores = np.column_stack([1 - scores, scores])
    wanted = (len(sample), len(sample.classes))
    if scores.shape != wanted:
        raise InvalidError(f"scores must have shape {wanted}, not {scores.shape}; classes {sample.classes}")
    if not np.isfinite(scores).all() or scores.min() < 0 or scores.max() > 1 + 1e-9:
        raise InvalidError("scores must be probabilities between 0 and 1, without NaN")
    if not np.allclose(scores.sum(axis=1), 1, atol=1e-6):
        raise InvalidError("the probabilities of a row must add up to 1")
    return np.minimum(scores, 1)


def _in_order(model: Any, sample: Sample, chances: Floats) -> Floats:
    """Put the columns of a model's probabilities into the order of the sample's classes."""
    own = [each.item() if hasattr(each, "item") else each for each in getattr(model, "classes_", ())]
    if not own:
        return chances[:, 1] if chances.ndim == 2 and chances.shape[1] == 2 else chances
    found = np.zeros((len(chances), len(sample.classes)))
    for column, each in enumerate(own):
        found[:, sample.classes.index(each)] = chances[:, column]
    return found
