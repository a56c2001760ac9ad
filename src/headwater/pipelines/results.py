"""What became of all steps, when a runner can do no more."""

from collections.abc import Container, Mapping
from typing import Final

from headwater.pipelines.calls import Call
from headwater.pipelines.events import StepResult, StepState
from headwater.pipelines.records import RunState
from headwater.pipelines.resolving import NodeState, Progress
from headwater.pipelines.slots import Slot

_STATES: Final = {
    NodeState.DONE: StepState.COMPLETE,
    NodeState.SKIPPED: StepState.SKIPPED,
    NodeState.FAILED: StepState.FAILED,
    NodeState.BLOCKED: StepState.BLOCKED,
}
_BAD: Final = frozenset({StepState.FAILED, StepState.INTERRUPTED, StepState.BLOCKED})
_OPEN: Final = frozenset({StepState.APPROVAL, StepState.WAITING})


def results_of(
    nodes: Mapping[str, Progress], calls: Mapping[Slot, Call], people: Container[str]
) -> dict[str, StepResult]:
    """Return what became of each call, by its name.

    Args:
        nodes: All nodes.
        calls: The calls that nodes were turned into.
        people: Nodes that wait for a person.
    """
    return {
        str(slot): _result(progress, slot, calls.get(slot), people)
        for progress in nodes.values()
        for slot in progress.slots or [Slot(progress.node.name)]
    }


def state_after(steps: Mapping[str, StepResult]) -> RunState:
    """Return the state of a run whose steps ended like this."""
    states = {step.state for step in steps.values()}
    if states & _BAD:
        return RunState.FAILED
    return RunState.WAITING if states & _OPEN else RunState.COMPLETE


def _result(progress: Progress, slot: Slot, call: Call | None, people: Container[str]) -> StepResult:
    product = progress.products.get(slot)
    outputs = product.outputs if product else ()
    if call is not None:
        return StepResult(slot=slot, state=call.state, note=call.note, outputs=outputs)
    if slot.node in people:
        return StepResult(slot=slot, state=StepState.APPROVAL)
    state = _STATES.get(progress.state, StepState.WAITING)
    return StepResult(slot=slot, state=state, note=progress.note, outputs=outputs)
