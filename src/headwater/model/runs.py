"""Runs and experiments: an execution that carries a status, params, tags and metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from headwater.model.filters import Scalar, Scope
from headwater.model.graph import KEEP, ArtifactLink, ExecutionState, Keep, NewContext
from headwater.model.ids import ContextId, ExecutionId, RunId
from headwater.model.series import LatestMetric
from headwater.model.values import Properties, PropertyValue


class RunStatus(IntEnum):
    """How a run stands."""

    SCHEDULED = 1
    RUNNING = 2
    FINISHED = 3
    FAILED = 4
    KILLED = 5
    LOST = 6
    """Its process stopped without a word: no heartbeat came for a while."""

    @property
    def is_over(self) -> bool:
        """True when the run will not go on by itself."""
        return self not in {RunStatus.SCHEDULED, RunStatus.RUNNING}


EXECUTION_STATES: Mapping[RunStatus, ExecutionState] = {
    RunStatus.SCHEDULED: ExecutionState.NEW,
    RunStatus.RUNNING: ExecutionState.RUNNING,
    RunStatus.FINISHED: ExecutionState.COMPLETE,
    RunStatus.FAILED: ExecutionState.FAILED,
    RunStatus.KILLED: ExecutionState.CANCELED,
    RunStatus.LOST: ExecutionState.FAILED,
}
"""The state of the execution that a run is, so that graph readers see it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run to start."""

    run_id: RunId
    experiment: str
    """Name of the experiment; it is made when it is not there."""
    name: str | None = None
    status: RunStatus = RunStatus.RUNNING
    start_ms: int | None = None
    """None means now."""
    user: str | None = None
    host: str | None = None
    parent_id: ExecutionId | None = None
    has_heartbeat: bool = True
    """It will give signs of life; a run that gives none is never `LOST`."""
    properties: Properties = field(default_factory=dict[str, PropertyValue])
    """What is known of its code and environment when it starts."""
    params: Properties = field(default_factory=dict[str, PropertyValue])
    tags: Properties = field(default_factory=dict[str, PropertyValue])


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A stored run. Its tags are the execution's custom properties."""

    id: ExecutionId
    run_id: RunId
    experiment_id: ContextId
    experiment: str
    name: str | None = None
    status: RunStatus
    start_ms: int
    end_ms: int | None = None
    user: str | None = None
    host: str | None = None
    parent_id: ExecutionId | None = None
    heartbeat_ms: int | None = None
    error: str | None = None
    deleted_ms: int | None = None
    revision: int = 1
    properties: Properties = field(default_factory=dict[str, PropertyValue])
    """What the run captured by itself: code, environment, hardware."""
    params: Properties = field(default_factory=dict[str, PropertyValue])
    tags: Properties = field(default_factory=dict[str, PropertyValue])
    metrics: Mapping[str, LatestMetric] = field(default_factory=dict[str, LatestMetric])


@dataclass(frozen=True, slots=True, kw_only=True)
class RunField:
    """A metric, param or tag, and how many runs have it."""

    scope: Scope
    name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldValue:
    """A value, and how many runs have it. A param's is the text of it, whichever way it was logged."""

    value: Scalar
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChange:
    """A change of one run; None clears a field."""

    id: ExecutionId
    name: str | None | Keep = KEEP
    status: RunStatus | Keep = KEEP
    end_ms: int | None | Keep = KEEP
    error: str | None | Keep = KEEP
    tags: Mapping[str, PropertyValue | None] = field(default_factory=dict[str, PropertyValue | None])
    """Tags to set; None deletes."""
    properties: Mapping[str, PropertyValue | None] = field(default_factory=dict[str, PropertyValue | None])
    """Captured facts to set; None deletes."""
    expect_revision: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPublication:
    """A run, new or changed, with its artifacts and contexts, to be stored all or none.

    The run and what it makes are linked to all contexts, what it reads is not; a new context whose
    (type, name) is stored already is used as it is.
    """

    run: NewRun | RunChange
    artifacts: Sequence[ArtifactLink] = ()
    contexts: Sequence[NewContext | ContextId] = ()
