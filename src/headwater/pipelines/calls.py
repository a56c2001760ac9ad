"""Calls of steps as the runner keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headwater.model.ids import ExecutionId
from headwater.pipelines.bindings import Binding
from headwater.pipelines.definitions import Options, StepFunction
from headwater.pipelines.events import StepState
from headwater.pipelines.graph import Node
from headwater.pipelines.keys import CacheKey
from headwater.pipelines.slots import Slot


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """One call of a step, on its way from ready to done.

    Attributes:
        attempt: Number of the newest attempt; 0 before the first.
        failures: How many have failed since this runner began.
        before: Executions of earlier attempts.
        reason: Why it runs, where the key does not tell.
        deadline_s: When it has taken too long, on the runner's clock.
        started_s: When it began to run, likewise.
    """

    node: Node
    step: StepFunction
    slot: Slot
    bindings: Mapping[str, Binding]
    key: CacheKey
    is_reusable: bool
    attempt: int = 0
    failures: int = 0
    before: list[ExecutionId] = field(default_factory=list[ExecutionId])
    reason: str = ""
    state: StepState = StepState.WAITING
    note: str = ""
    deadline_s: float | None = None
    started_s: float = 0.0

    @property
    def options(self) -> Options:
        """How it is to be run."""
        return self.step.options
