"""Looking at pipelines: what a run's steps did, and why one ran or was reused."""

from dataclasses import dataclass

from headwater.errors import NotFoundError
from headwater.model.approvals import APPROVE
from headwater.model.filters import And, Comparison, Field, Operator, Scope
from headwater.model.graph import ExecutionState
from headwater.model.ids import ExecutionId
from headwater.model.ledger import LedgerEntry
from headwater.model.listing import Listing, Order
from headwater.model.protocols import Store
from headwater.model.values import Json
from headwater.pipelines import tags
from headwater.pipelines.decisions import decisions_below, told
from headwater.pipelines.events import StepState
from headwater.pipelines.foresight import prospects_of
from headwater.pipelines.history import Attempt, attempt_of, attempts_of
from headwater.pipelines.keys import FIELDS, FieldChange, changes_between
from headwater.pipelines.leases import INTERRUPTED, is_held, is_open
from headwater.pipelines.records import PipelineRun, RunState, runners_of, state_of
from headwater.pipelines.slots import Slot, parse_slot
from headwater.tracking import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """One call of a step in a run.

    Attributes:
        attempts: How often it was tried.
        note: Why it is in this state: an error, where it was reused from, who is to approve.
        run_id: The run that its newest attempt is; None where it did not run.
    """

    step: str
    state: StepState
    attempts: int
    note: str
    start_ms: int | None
    end_ms: int | None
    execution_id: ExecutionId | None
    run_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why a step ran or was reused.

    Attributes:
        sentence: The answer.
        compared: The call that it is compared with, such as `flights/17`; None where there is none.
        fields: For each field of the cache key its digest then and now, and whether it is the same.
        changes: The parts that differ.
    """

    step: str
    sentence: str
    compared: str | None
    fields: tuple[dict[str, Json], ...]
    changes: tuple[FieldChange, ...]


def steps_of(session: Session, run: PipelineRun, *, now_ms: int, lease_s: float) -> list[StepView]:
    """Return the steps of a run in the order of its plan, with those that have not run."""
    store = session.store
    attempts = attempts_of(store, run.id)
    by_node: dict[str, dict[Slot, list[Attempt]]] = {}
    for attempt in attempts:
        by_node.setdefault(attempt.slot.node, {}).setdefault(attempt.slot, []).append(attempt)
    decided = decisions_below(store, run.ref) if any(a.is_approval for a in attempts) else {}
    is_over = state_of(runners_of(store, run), now_ms=now_ms, lease_s=lease_s) is not RunState.RUNNING
    last = {name: [slots[slot][-1] for slot in slots] for name, slots in by_node.items()}
    prospects = prospects_of(session, run, last, is_over=is_over)
    found: list[StepView] = []
    for name in dict.fromkeys([*(plan.name for plan in run.plan), *by_node]):
        slots = by_node.get(name, {})
        for slot in sorted(slots, key=_index):
            entry = decided.get(run.decisions(slot))
            found.append(_view(slots[slot], entry, now_ms=now_ms, lease_s=lease_s))
        if not slots:
            found.append(_not_run(name, *prospects[name]))
    return found


def _index(slot: Slot) -> int:
    return -1 if slot.index is None else slot.index


def _not_run(name: str, state: StepState, note: str) -> StepView:
    return StepView(
        step=name,
        state=state,
        attempts=0,
        note=note,
        start_ms=None,
        end_ms=None,
        execution_id=None,
        run_id=None,
    )


def _view(attempts: list[Attempt], decision: LedgerEntry | None, *, now_ms: int, lease_s: float) -> StepView:
    last = attempts[-1]
    if last.is_approval:
        state, note = _decided(decision)
    else:
        state = _state(last, now_ms=now_ms, lease_s=lease_s)
        note = _note(last, state)
    return StepView(
        step=str(last.slot),
        state=state,
        attempts=len(attempts),
        note=note,
        start_ms=last.run.start_ms if last.run else last.execution.created_ms,
        end_ms=last.run.end_ms if last.run else last.execution.updated_ms,
        execution_id=last.execution.id,
        run_id=last.run.run_id if last.run else None,
    )


def _decided(decision: LedgerEntry | None) -> tuple[StepState, str]:
    if decision is None:
        return StepState.APPROVAL, ""
    return StepState.COMPLETE if decision.action == APPROVE else StepState.FAILED, told(decision)


def _state(attempt: Attempt, *, now_ms: int, lease_s: float) -> StepState:
    if attempt.run is not None and is_open(attempt.run):
        is_alive = is_held(attempt.run, now_ms=now_ms, lease_s=lease_s)
        return StepState.RUNNING if is_alive else StepState.INTERRUPTED
    if attempt.state is ExecutionState.FAILED and (attempt.error or "").startswith(INTERRUPTED):
        return StepState.INTERRUPTED
    return {
        ExecutionState.COMPLETE: StepState.COMPLETE,
        ExecutionState.CACHED: StepState.REUSED,
    }.get(attempt.state, StepState.FAILED)


def _note(attempt: Attempt, state: StepState) -> str:
    if state is StepState.REUSED:
        return f"outputs of executions/{attempt.execution.custom_properties.get(tags.SOURCE)}"
    return attempt.error or ""


def why(store: Store, run: PipelineRun, step: str) -> Why:
    """Tell why a step of a run ran or was reused, field by field of its cache key.

    Raises:
        NotFoundError: the run has no such step, or has not come to it.
    """
    attempts = [a for a in attempts_of(store, run.id) if str(a.slot) == str(parse_slot(step))]
    if not attempts:
        names = sorted({str(a.slot) for a in attempts_of(store, run.id)})
        raise NotFoundError("step of this run that has begun", step, near=names[:8])
    last = attempts[-1]
    source = _source(store, last)
    before = source or _before(store, last)
    same = before is not None and before.key is not None and last.key is not None
    changes = changes_between(before.key, last.key) if same and before and before.key and last.key else []
    return Why(
        step=str(last.slot),
        sentence=_sentence(last, before, changes),
        compared=_run_name(before) if before else None,
        fields=tuple(_fields(before, last)),
        changes=tuple(changes),
    )


def _source(store: Store, attempt: Attempt) -> Attempt | None:
    source = attempt.execution.custom_properties.get(tags.SOURCE)
    found = store.executions.get([ExecutionId(source)]) if isinstance(source, int) else []
    return attempt_of(found[0], None) if found else None


def _before(store: Store, attempt: Attempt) -> Attempt | None:
    """Return the newest earlier call of the same step of the same pipeline that has a key."""
    tag = Field(Scope.TAG, tags.STEP)
    earlier = And(
        (
            Comparison(tag, Operator.EQ, str(attempt.slot)),
            Comparison(
                Field(Scope.TAG, tags.PIPELINE),
                Operator.EQ,
                str(attempt.execution.custom_properties.get(tags.PIPELINE)),
            ),
            Comparison(Field(Scope.ATTRIBUTE, "id"), Operator.LT, attempt.execution.id),
        )
    )
    newest = [Order(Field(Scope.ATTRIBUTE, "id"), is_descending=True)]
    found = store.executions.page(Listing(filter=earlier, order_by=newest, limit=20)).items
    attempts = [a for execution in found if (a := attempt_of(execution, None)) and a.key]
    return attempts[0] if attempts else None


def _sentence(last: Attempt, before: Attempt | None, changes: list[FieldChange]) -> str:
    reason = last.execution.custom_properties.get(tags.REASON)
    if last.state is ExecutionState.CACHED:
        return f"reused: {_run_name(before) if before else 'an earlier run'} had made the same of the same"
    if last.key is None:
        return "it waits for a person, and is asked anew in each run"
    if isinstance(reason, str) and reason:
        return f"it ran: {reason}"
    if before is None:
        return "it ran: this step had never run before"
    if changes:
        return f"it ran: {'; '.join(str(change) for change in changes)}"
    if tags.KEY not in last.execution.custom_properties:
        return "it ran: it may not be reused (cache=False, or it read what nobody can check)"
    if not before.is_done:
        return f"it ran: attempt {before.number} in {_run_name(before)} failed or was interrupted"
    return f"it ran: the key is that of {_run_name(before)}, of which nothing could be reused"


def _fields(before: Attempt | None, last: Attempt) -> list[dict[str, Json]]:
    if last.key is None:
        return []
    then = before.key.fields if before and before.key else {}
    return [
        {
            "field": name,
            "before": then.get(name, "")[:12] or None,
            "now": last.key.fields[name][:12],
            "same": then.get(name) == last.key.fields[name] if then else None,
        }
        for name in FIELDS
    ]


def _run_name(attempt: Attempt) -> str:
    found = attempt.execution.custom_properties
    return f"pipelines/{found.get(tags.PIPELINE)}/{found.get(tags.RUN)}"
