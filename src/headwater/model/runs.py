"""Runs and experiments: an execution that carries a status, params, tags and metrics."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from headwater.model.graph import KEEP, ExecutionState, Keep
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
class RunChange:
    """A change of one run; None clears a field."""

    id: ExecutionId
    name: str | None | Keep = KEEP
    status: RunStatus | Keep = KEEP
    end_ms: int | None | Keep = KEEP
    error: str | None | Keep = KEEP
    tags: Mapping[str, PropertyValue | None] = field(default_factory=dict[str, PropertyValue | None])
    """Tags to set; None deletes."""
    expect_revision: int | None = None
