"""What has happened in a run of a pipeline so far, read from the store."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from headwater.model.graph import Execution, ExecutionState
from headwater.model.ids import ArtifactId, ContextId, ExecutionId
from headwater.model.protocols import Store
from headwater.model.runs import Run
from headwater.pipelines import tags
from headwater.pipelines.contracts import Shape
from headwater.pipelines.keys import CacheKey, key_from
from headwater.pipelines.publishing import OUTPUT
from headwater.pipelines.slots import Slot, parse_slot
from headwater.pipelines.values import Stored, stored_of
from headwater.tracking import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt at a slot: a step that ran, was reused, or waits for a person.

    Attributes:
        run: The run that it is; None for what was reused, and for approvals.
    """

    execution: Execution
    run: Run | None
    slot: Slot
    number: int
    key: CacheKey | None

    @property
    def state(self) -> ExecutionState:
        """How far it has come."""
        return self.execution.state or ExecutionState.UNKNOWN

    @property
    def is_done(self) -> bool:
        """True when it has outputs that can be used."""
        return self.state in {ExecutionState.COMPLETE, ExecutionState.CACHED}

    @property
    def is_bad(self) -> bool:
        """True when it has come to an end without outputs."""
        return self.state in {ExecutionState.FAILED, ExecutionState.CANCELED}

    @property
    def is_approval(self) -> bool:
        """True for a step that waits for a person."""
        return self.execution.custom_properties.get(tags.ROLE) == tags.APPROVAL

    @property
    def error(self) -> str | None:
        """Why it failed."""
        return self.run.error if self.run else None


def attempt_of(execution: Execution, run: Run | None) -> Attempt | None:
    """Return the attempt that an execution is; None for one that is no step."""
    found, step = execution.custom_properties, execution.custom_properties.get(tags.STEP)
    if not isinstance(step, str):
        return None
    number = found.get(tags.ATTEMPT)
    return Attempt(
        execution=execution,
        run=run,
        slot=parse_slot(step),
        number=number if isinstance(number, int) else 1,
        key=key_from(found.get(tags.PARTS)),
    )


def attempts_of(store: Store, run_context: ContextId) -> list[Attempt]:
    """Return all attempts of a run of a pipeline, by slot and number."""
    ids = [link.execution_id for link in store.links.executions_of_contexts([run_context])]
    return attempts_among(store, ids)


def attempts_among(store: Store, ids: Sequence[ExecutionId]) -> list[Attempt]:
    """Return the attempts among some executions, by slot and number."""
    runs = {run.id: run for run in store.runs.by_execution_ids(ids)} if ids else {}
    found = [attempt_of(execution, runs.get(execution.id)) for execution in store.executions.get(ids)]
    return sorted((a for a in found if a), key=lambda a: (str(a.slot), a.number, a.execution.id))


def newest(attempts: Iterable[Attempt]) -> dict[Slot, Attempt]:
    """Return the newest attempt of each slot."""
    return {attempt.slot: attempt for attempt in attempts}


@dataclass(frozen=True, slots=True)
class Product:
    """What an attempt made."""

    outputs: tuple[Stored, ...]
    shape: Shape


def products_of(session: Session, executions: Sequence[Execution]) -> dict[ExecutionId, Product]:
    """Return what executions made, as they recorded it; those of which something is gone are left out."""
    ids = [execution.id for execution in executions]
    events = session.store.links.events_of_executions(ids, are_outputs=True) if ids else []
    made: dict[ExecutionId, dict[int, ArtifactId]] = {i: {} for i in ids}
    for event in events:
        if event.path[:1] == (OUTPUT,):
            place = event.path[1] if len(event.path) > 1 else 0
            made[event.execution_id][int(place)] = event.artifact_id
    wanted = {execution.id: _wanted(execution, made[execution.id]) for execution in executions}
    artifacts = sorted({i for places in wanted.values() for i in places or () if i is not None})
    known = {stored.artifact_id: stored for stored in stored_of(session, artifacts)} if artifacts else {}
    found: dict[ExecutionId, Product] = {}
    for execution in executions:
        places = wanted[execution.id]
        if places is not None and all(i in known for i in places):
            shape = Shape(str(execution.custom_properties[tags.SHAPE]))
            found[execution.id] = Product(tuple(known[i] for i in places if i is not None), shape)
    return found


def _wanted(execution: Execution, made: Mapping[int, ArtifactId]) -> list[ArtifactId | None] | None:
    """Return the artifact of each place; None in it where the edge is gone, None for what has no outputs."""
    shape, recorded = (execution.custom_properties.get(name) for name in (tags.SHAPE, tags.OUTPUTS))
    if not isinstance(shape, str):
        return None
    known = recorded if isinstance(recorded, list) else [None] * (max(made, default=-1) + 1)
    places = [ArtifactId(i) if isinstance(i, int) else made.get(place) for place, i in enumerate(known)]
    return None if shape == Shape.ONE.value and not places else places
