"""Measuring one model, or two on the same rows, on each slice."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from headwater.errors import InvalidError
from headwater.validation.model.catalogue import DEFAULTS, OBSERVED, metric_named
from headwater.validation.model.curves import Curve, curves_of
from headwater.validation.model.estimates import Estimate
from headwater.validation.model.metrics import Metric, Rows, Statistic, rows_in
from headwater.validation.model.resampling import Resampling
from headwater.validation.model.samples import (
    BATCH_ROWS,
    Answers,
    Sample,
    Task,
    ask,
    features_of,
    given_answers,
    sample_of,
)
from headwater.validation.model.slices import OVERALL, Slice, check_spec, slices_of

_LATENCIES: Final[Mapping[str, float]] = {"latency_p50_ms": 0.5, "latency_p95_ms": 0.95}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is measured, and on which columns.

    Attributes:
        target: Column with the truth.
        task: What the model is for.
        features: Columns that the model takes; empty: those of its signature, else all others.
        weight: Column with what a row counts.
        group: Column that says which rows belong together: they are drawn together for intervals, and
            are the queries of a ranking.
        positive: The positive one of two classes; by default the greater.
        threshold: Probability from which the positive class is predicted; by default the likeliest is.
        metrics: What to measure; empty: what is usual for the task.
        slices: Columns, crosses such as `carrier * origin`, and expressions; all rows are always one.
        confidence: Of intervals, two-sided.
        draws: Resamples for intervals; 0: none.
        seed: The same seed gives the same intervals.
        batch_rows: Rows that a model is asked for at once; latencies are of such batches.
    """

    target: str
    task: Task = Task.CLASSIFICATION
    features: tuple[str, ...] = ()
    weight: str | None = None
    group: str | None = None
    positive: bool | int | float | str | None = None
    threshold: float | None = None
    metrics: tuple[str, ...] = ()
    slices: tuple[str, ...] = ()
    confidence: float = 0.95
    draws: int = 1_000
    seed: int = 0
    batch_rows: int = BATCH_ROWS

    def __post_init__(self) -> None:
        """Check what can be checked without data."""
        if not 0.5 <= self.confidence < 1:
            raise InvalidError(f"confidence must be at least 0.5 and below 1, not {self.confidence}")
        if self.draws < 0 or self.batch_rows < 1:
            raise InvalidError("draws must be 0 or more, batch_rows 1 or more")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise InvalidError(f"threshold must be a probability, not {self.threshold}")
        for name in self.metrics:
            if name not in OBSERVED:
                metric_named(name, self.task)
        for spec in self.slices:
            check_spec(spec)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measure:
    """One metric on one slice.

    Attributes:
        row_count: Rows of the slice.
        value: Of the model that is judged.
        baseline: Of the model that it is compared with; None: there is none.
    """

    slice: str
    metric: str
    row_count: int
    value: Estimate
    baseline: Estimate | None = None

    @property
    def change(self) -> Estimate | None:
        """The value less the baseline's."""
        return None if self.baseline is None else self.value.minus(self.baseline)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """All that was measured.

    Attributes:
        measures: By slice and metric.
        slices: By spec, the names of its slices.
        missing: Specs without slices and metrics that cannot be measured, with the reason.
        curves: ROC, precision over recall, calibration and confusion, of all rows.
    """

    task: Task
    row_count: int
    confidence: float
    measures: Mapping[tuple[str, str], Measure]
    slices: Mapping[str, tuple[str, ...]]
    missing: Mapping[str, str] = field(default_factory=dict[str, str])
    curves: tuple[Curve, ...] = ()

    @property
    def has_baseline(self) -> bool:
        """Tell whether two models were measured."""
        return any(each.baseline is not None for each in self.measures.values())

    def __getitem__(self, metric: str) -> Measure:
        """Return a metric on all rows.

        Raises:
            KeyError: it was not measured.
        """
        return self.measures[OVERALL, metric]

    def on(self, spec: str, metric: str) -> list[Measure]:
        """Return a metric on all slices of a spec; those on which it was not measured are left out."""
        found = (self.measures.get((name, metric)) for name in self.slices.get(spec, ()))
        return [each for each in found if each is not None]

    def _repr_html_(self) -> str:
        from headwater.validation.model.report import evaluation_html

        return evaluation_html(self)

    def __str__(self) -> str:
        from headwater.validation.model.report import evaluation_text

        return evaluation_text(self)


def evaluate(
    data: Any,
    model: Any,
    plan: Plan,
    *,
    baseline: Any = None,
    metrics: Sequence[str] = (),
    slices: Sequence[str] = (),
    observed: Mapping[str, tuple[Estimate, Estimate | None]] | None = None,
) -> Evaluation:
    """Measure a model, and perhaps one to compare it with, on the same rows.

    Args:
        data: A frame with truth, features and what slices need.
        model: An estimator, or its answers: `{"predicted": …}`, `{"scores": …}` or both.
        plan: What to measure.
        baseline: The model to compare with, likewise.
        metrics: Besides those of the plan.
        slices: Likewise.
        observed: What was measured elsewhere, such as `size_bytes`: of the model, and of the baseline.

    Raises:
        InvalidError: the data lack a column that the plan names, or answers do not fit.

    Example:
        >>> plan = Plan(target="late", metrics=("accuracy",), draws=0)
        >>> data = {"late": [0, 1, 1, 0], "hour": [7, 22, 23, 9]}
        >>> evaluate(data, {"predicted": [0, 1, 0, 0]}, plan)["accuracy"].value.value
        0.75
    """
    models = [model] if baseline is None else [model, baseline]
    sample = sample_for(plan, data, models)
    answers = [_answers(each, data, sample, plan) for each in models]
    return measure(sample, answers, plan, metrics=metrics, slices=slices, observed=observed)


def sample_for(plan: Plan, data: Any, models: Sequence[Any]) -> Sample:
    """Take the truth out of a table as a plan says, with the classes that the models know.

    Raises:
        InvalidError: as in `sample_of`.
    """
    return sample_of(
        data,
        target=plan.target,
        task=plan.task,
        weight=plan.weight,
        group=plan.group,
        positive=plan.positive,
        classes=[each for model in models for each in getattr(model, "classes_", ())],
    )


def measure(
    sample: Sample,
    answers: Sequence[Answers],
    plan: Plan,
    *,
    metrics: Sequence[str] = (),
    slices: Sequence[str] = (),
    observed: Mapping[str, tuple[Estimate, Estimate | None]] | None = None,
) -> Evaluation:
    """Measure the answers of one model, or of two, on the same rows; see `evaluate`."""
    names = dict.fromkeys((*(plan.metrics or DEFAULTS[plan.task]), *metrics))
    wanted = {name: metric_named(name, plan.task) for name in names if name not in OBSERVED}
    parts, missing = _slices(sample, dict.fromkeys((OVERALL, *plan.slices, *slices)))
    measures: dict[tuple[str, str], Measure] = {}
    for part in {each.name: each for found in parts.values() for each in found}.values():
        for found in _measured(sample, answers, part, wanted, plan):
            measures[part.name, found.metric] = found
    for name, (mine, other) in {**_latencies(answers, plan), **(observed or {})}.items():
        measures[OVERALL, name] = Measure(
            slice=OVERALL, metric=name, row_count=len(sample), value=mine, baseline=other
        )
    return Evaluation(
        task=plan.task,
        row_count=len(sample),
        confidence=plan.confidence,
        measures=measures,
        slices={spec: tuple(each.name for each in found) for spec, found in parts.items()},
        missing=missing,
        curves=tuple(_curves(sample, answers)),
    )


def _answers(model: Any, data: Any, sample: Sample, plan: Plan) -> Answers:
    if isinstance(model, Answers):
        return model
    if isinstance(model, Mapping):
        return given_answers(sample, threshold=plan.threshold, **model)
    features = features_of(data, plan.features, apart=(plan.target, plan.weight, plan.group))
    return ask(model, features, sample, threshold=plan.threshold, batch_rows=plan.batch_rows)


def _slices(sample: Sample, specs: Iterable[str]) -> tuple[dict[str, list[Slice]], dict[str, str]]:
    found, missing = dict[str, list[Slice]](), dict[str, str]()
    for spec in specs:
        try:
            found[spec] = slices_of(spec, sample.columns, len(sample))
        except InvalidError as fault:
            missing[spec] = str(fault)
    return found, missing


def _measured(
    sample: Sample, answers: Sequence[Answers], part: Slice, metrics: Mapping[str, Metric], plan: Plan
) -> list[Measure]:
    """Measure all metrics on one slice; both models on the same resamples."""
    rows = [rows_in(sample, each, part.mask) for each in answers]
    found: dict[tuple[str, int], Estimate] = {}
    for needs_strata in (False, True):
        statistics: dict[tuple[str, int], Statistic] = {}
        for name, metric in metrics.items():
            for role, mine in enumerate(rows):
                if metric.needs_strata is not needs_strata:
                    continue
                if why := metric.why_undefined(mine):
                    found[name, role] = Estimate.undefined(why)
                else:
                    statistics[name, role] = metric.drawn(mine)
        draws = _drawn(part.name, rows[0], statistics, plan, needs_strata=needs_strata)
        for (name, role), values in draws.items():
            metric = metrics[name]
            value = metric.point(rows[role])
            least = 0.0 if metric.is_spread else float("-inf")
            found[name, role] = Estimate(value=value, draws=values, is_spread=metric.is_spread, least=least)
    return [
        Measure(
            slice=part.name,
            metric=name,
            row_count=part.row_count,
            value=found[name, 0],
            baseline=found.get((name, 1)),
        )
        for name in metrics
    ]


def _drawn(
    name: str,
    rows: Rows,
    statistics: Mapping[tuple[str, int], Statistic],
    plan: Plan,
    *,
    needs_strata: bool,
) -> dict[tuple[str, int], Any]:
    """Return the values of statistics on resamples; none where nothing can be drawn anew."""
    units = len(rows.truth) if rows.groups is None else int(rows.groups.max()) + 1
    if not statistics or not plan.draws or units < 2:
        return dict.fromkeys(statistics, np.empty(0))
    resampling = Resampling(draws=plan.draws, seed=plan.seed)
    strata = rows.truth if needs_strata and rows.groups is None else None
    found: dict[tuple[str, int], list[Any]] = {key: [] for key in statistics}
    for weights in resampling.weights(name, rows.weights, units=rows.groups, strata=strata):
        for key, statistic in statistics.items():
            found[key].append(statistic(weights))
    return {key: np.concatenate(values) for key, values in found.items()}


def _latencies(answers: Sequence[Answers], plan: Plan) -> dict[str, tuple[Estimate, Estimate | None]]:
    if not answers[0].batch_ms:
        return {}
    return {
        name: (_quantile(answers[0], q, plan), _quantile(answers[1], q, plan) if len(answers) > 1 else None)
        for name, q in _LATENCIES.items()
    }


def _quantile(answers: Answers, q: float, plan: Plan) -> Estimate:
    """Return a quantile of the batches' times; its draws are resamples of the batches."""
    took = np.array(answers.batch_ms)
    if not took.size:
        return Estimate.undefined("its batches were not measured")
    random = np.random.default_rng(plan.seed)
    resampled = took[random.integers(took.size, size=(max(1, plan.draws), took.size))]
    return Estimate(value=float(np.quantile(took, q)), draws=np.quantile(resampled, q, axis=1))


def _curves(sample: Sample, answers: Sequence[Answers]) -> list[Curve]:
    if sample.task is not Task.CLASSIFICATION:
        return []
    everything = np.ones(len(sample), bool)
    roles = ("candidate", "baseline")
    rows = [rows_in(sample, each, everything) for each in answers]
    return [curve for role, mine in zip(roles, rows, strict=False) for curve in curves_of(mine, role)]
