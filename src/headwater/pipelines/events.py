"""What a runner tells while it works, and what it has to say at the end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from headwater.model.ids import ExecutionId
from headwater.model.values import Json
from headwater.pipelines.records import PipelineRun, RunState
from headwater.pipelines.slots import Slot
from headwater.pipelines.values import Stored


class StepState(StrEnum):
    """How a call of a step stands."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    REUSED = "reused"
    """An earlier run had made the same of the same."""
    RESUMED = "resumed"
    """This run had done it before it was interrupted."""
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    RETRYING = "retrying"
    SKIPPED = "skipped"
    BLOCKED = "blocked"
    APPROVAL = "waiting for a person"
    ELSEWHERE = "running elsewhere"


DONE = frozenset({StepState.COMPLETE, StepState.REUSED, StepState.RESUMED})


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEvent:
    """Something that happened to a step.

    Attributes:
        note: Why, in words.
        elapsed_s: How long it ran, where it did.
    """

    time_ms: int
    slot: Slot
    state: StepState
    note: str = ""
    elapsed_s: float | None = None
    execution_id: ExecutionId | None = None

    def as_json(self) -> dict[str, Json]:
        """Return it as JSON, without what it does not tell."""
        found: dict[str, Json] = {
            "time_ms": self.time_ms,
            "step": str(self.slot),
            "state": self.state.value,
            "note": self.note or None,
            "elapsed_s": None if self.elapsed_s is None else round(self.elapsed_s, 3),
            "execution": self.execution_id,
        }
        return {key: value for key, value in found.items() if value is not None}


Listener: TypeAlias = Callable[[StepEvent], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What became of one call of a step."""

    slot: Slot
    state: StepState
    note: str = ""
    outputs: tuple[Stored, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineResult:
    """What became of a run of a pipeline.

    Attributes:
        value: What the pipeline's function returned, with the values of its steps; None unless complete.
    """

    run: PipelineRun
    state: RunState
    steps: Mapping[str, StepResult] = field(default_factory=dict[str, StepResult])
    value: Any = None

    @property
    def ref(self) -> str:
        """Reference of the run, such as `pipelines/flights/18`."""
        return self.run.ref

    @property
    def failures(self) -> dict[str, str]:
        """Why steps failed, by step."""
        bad = {StepState.FAILED, StepState.INTERRUPTED}
        return {name: step.note for name, step in self.steps.items() if step.state in bad}
