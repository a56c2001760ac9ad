"""Runs and their metrics as JSON."""

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from headwater.model.refs import NodeIdRef, RunRef
from headwater.model.runs import FieldValue, Run, RunField
from headwater.model.series import LatestMetric
from headwater.server.http.resources.wire import Id, Int64, Name, Number, Out, Text, Value, Values

Status = Literal["scheduled", "running", "finished", "failed", "killed", "lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricOut(Out):
    """The newest point of a series, and the range of all its points."""

    key: str
    step: int
    time_ms: int
    value: Number
    min: Number | None
    max: Number | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOut(Out):
    """A run."""

    ref: str
    run_id: str
    execution: str
    experiment: str
    experiment_id: int
    name: str | None
    status: Status
    start_ms: int
    end_ms: int | None
    user: str | None
    host: str | None
    parent: str | None
    heartbeat_ms: int | None
    error: str | None
    deleted_ms: int | None
    revision: int
    properties: dict[str, Any]
    params: dict[str, Any]
    tags: dict[str, Any]
    metrics: dict[str, MetricOut]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOut(Out):
    """A metric, a param or a tag, and how many runs have it."""

    field: str
    kind: Literal["metric", "param", "tag"]
    name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueOut(Out):
    """A value of a field, and how many runs have it."""

    value: Value
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRunIn:
    """A run to start; a run id that is stored already gives the stored run."""

    experiment: Name
    run_id: str | None = None
    name: Name | None = None
    status: Status = "running"
    start_ms: Int64 | None = None
    user: Name | None = None
    host: Name | None = None
    parent: str | None = None
    params: Values = field(default_factory=dict[str, Value])
    tags: Values = field(default_factory=dict[str, Value])


class RunChangeIn(BaseModel):
    """A change of a run; what is left out stays, null clears."""

    model_config = ConfigDict(extra="forbid")

    status: Status | None = None
    name: Name | None = None
    end_ms: Int64 | None = None
    error: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PointIn:
    """A point of a metric; `value` also takes "NaN", "Infinity" and "-Infinity"."""

    key: Name
    value: float
    step: Int64 = 0
    time_ms: Int64 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedOut(Out):
    """How much was taken."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonIn:
    """Why; kept in the ledger."""

    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class SparklinesIn:
    """Which series to draw small."""

    runs: list[str]
    keys: list[Name]
    buckets: Id = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesIn:
    """Series of several runs: of those named, or of those that a filter selects.

    With `group_by`, fields parted by commas as in `fields` (empty: all in one), a line for each group, with a
    band: the 95 % interval of the mean, or the range of its runs.
    """

    keys: list[Name]
    runs: list[str] | None = None
    q: Text | None = None
    sort: Text = ""
    x: Literal["step", "time", "relative"] = "step"
    from_step: Int64 | None = None
    to_step: Int64 | None = None
    buckets: Id = 500
    group_by: Text | None = None
    band: Literal["interval", "range"] = "interval"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesOut(Out):
    """A series in buckets: columns of equal length."""

    run: str
    key: str
    columns: dict[str, list[Number | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesListOut(Out):
    """Several series; those that have no points are left out."""

    items: list[SeriesOut]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSeriesOut(Out):
    """A series of a group of runs: `x`, `mean`, `lo`, `hi` and `n`, columns of equal length."""

    group: dict[str, Any]
    runs: list[str]
    key: str
    columns: dict[str, list[Number | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueriedSeriesOut(Out):
    """Series of runs, or of groups of them; those that have no points are left out."""

    items: list[SeriesOut | GroupSeriesOut]


def metric_out(metric: LatestMetric) -> MetricOut:
    """Return the newest point of a series as it is sent."""
    return MetricOut.of(metric)


def run_out(run: Run) -> RunOut:
    """Return a run as it is sent."""
    return RunOut.of(
        run,
        ref=str(RunRef(run.run_id)),
        execution=str(NodeIdRef("executions", run.id)),
        parent=None if run.parent_id is None else str(NodeIdRef("executions", run.parent_id)),
        metrics={key: metric_out(metric) for key, metric in run.metrics.items()},
    )


def field_out(found: RunField) -> FieldOut:
    """Return a field of runs as it is sent."""
    kind = found.scope.value
    return FieldOut.of(found, field=f"{kind}s.{found.name}", kind=kind)


def value_out(found: FieldValue) -> ValueOut:
    """Return a value of a field as it is sent."""
    return ValueOut.of(found)
