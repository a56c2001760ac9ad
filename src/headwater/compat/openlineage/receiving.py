"""OpenLineage's events, put into the graph."""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from headwater.compat.openlineage.data_states import DataStates, Identify
from headwater.compat.openlineage.events import (
    Dataset,
    DatasetEvent,
    Event,
    Job,
    JobEvent,
    RunEvent,
    decode_event,
)
from headwater.compat.openlineage.facets import Facets, merged, stored_facets, text
from headwater.compat.openlineage.names import address_of, data_set_name, job_name, run_external_id, run_name
from headwater.compat.openlineage.standing import Standing, Use, standing_after
from headwater.compat.openlineage.types import JOB, PARENT, RUN
from headwater.errors import ConflictError, NotFoundError
from headwater.model.data import DataVersion
from headwater.model.graph import (
    Association,
    At,
    ContextChange,
    EventType,
    Execution,
    ExecutionChange,
    NewContext,
    NewExecution,
    Subgraph,
    SubgraphEvent,
)
from headwater.model.ids import ContextId, ExecutionId, TypeId
from headwater.model.protocols import Store
from headwater.model.refs import NodeIdRef
from headwater.model.values import PropertyValue

_TRIES: Final = 20
"""So often an event is put into the graph when others change the same run at that moment."""
_LONGEST_WAIT_S: Final = 0.2
"""Before the last try; shorter before the others, and by chance, so that two do not meet again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What an event was about, as references.

    Attributes:
        about: A run's execution, a job's context, or a version of data.
        inputs: Versions that the event settled that the run has read.
        outputs: Versions that it settled that the run has written.
    """

    about: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


class OpenLineage:
    """Takes events; the same one again changes nothing.

    Args:
        store: The graph.
        identify: Gives the digests of states of data; see `Identify`.
    """

    def __init__(self, store: Store, identify: Identify) -> None:
        self._store = store
        self._data = DataStates(store, identify)
        self._known_types: _Types | None = None

    def receive(self, body: bytes | str) -> Received:
        """Read an event and put it into the graph.

        Raises:
            InvalidError: it is no event of OpenLineage.
            ConflictError: others changed the same run all the time; send it again.
            UnavailableError: the store cannot be reached.
        """
        return self.record(decode_event(body))

    def record(self, event: Event) -> Received:
        """Put an event into the graph.

        Raises:
            ConflictError, UnavailableError: as in `receive`.
        """
        tries = 0
        while True:
            try:
                return self._record(event)
            except (ConflictError, NotFoundError):
                # Another event of this run or job came at the same moment, or what was found is gone, such as
                # the types, when a backup was restored. Once more, with what there is now.
                self._known_types = None
                tries += 1
                if tries == _TRIES:
                    raise
                time.sleep(random.uniform(0, _LONGEST_WAIT_S * tries / _TRIES))

    def _record(self, event: Event) -> Received:
        match event:
            case RunEvent():
                return self._record_run(event)
            case JobEvent():
                return self._record_job(event)
            case DatasetEvent():
                dataset = self._data.without_password(event.dataset)
                return Received(about=self._data.current(dataset, event.time_ms).ref)

    def _record_job(self, event: JobEvent) -> Received:
        said = {"inputs": self._addresses(event.inputs), "outputs": self._addresses(event.outputs)}
        told: dict[str, PropertyValue] = {name: [*found] for name, found in said.items() if found}
        for dataset in (*said["inputs"].values(), *said["outputs"].values()):
            if dataset.all_facets:
                self._data.current(dataset, event.time_ms)
        job = self._job(event.job, told)
        stored = self._store.links.put(Subgraph(contexts=[job], reuses_contexts=True))
        return Received(about=str(NodeIdRef("contexts", stored.context_ids[0])))

    def _record_run(self, event: RunEvent) -> Received:
        found = self._store.executions.by_external_ids([run_external_id(event.run.run_id)])
        stored = found[0] if found else None
        standing = standing_after(
            stored, event, self._addresses(event.inputs), self._addresses(event.outputs)
        )
        own = self._store.links.events_of_executions([stored.id]) if stored is not None else []
        read = [self._data.read(use.dataset, use.time_ms, own) for use in standing.inputs]
        made = [self._data.written(use.dataset, event.run.run_id) for use in standing.outputs]
        edges = [
            *self._edges(standing.inputs, read, EventType.INPUT),
            *self._edges(standing.outputs, made, EventType.OUTPUT),
        ]
        known = {(edge.artifact_id, edge.type) for edge in own}
        new = [edge for edge in edges if (edge.artifact, edge.type) not in known]
        execution = self._put(event, stored, standing, new)
        return Received(
            about=str(NodeIdRef("executions", execution)),
            inputs=tuple(version.ref for version in read),
            outputs=tuple(version.ref for version in made),
        )

    def _edges(
        self, uses: Sequence[Use], versions: Sequence[DataVersion], kind: EventType
    ) -> list[SubgraphEvent]:
        """Return the edges from versions to the only execution of a write, each version once."""
        edges = {
            version.id: SubgraphEvent(
                artifact=version.id,
                execution=At(0),
                type=kind,
                path=(data_set_name(address_of(use.dataset)),),
                time_ms=use.time_ms,
            )
            for use, version in zip(uses, versions, strict=True)
        }
        return [*edges.values()]

    def _put(
        self,
        event: RunEvent,
        stored: Execution | None,
        standing: Standing,
        edges: Sequence[SubgraphEvent],
    ) -> ExecutionId:
        """Store a run with its edges, its job, and the run that it is a part of, all or none."""
        name = run_name(event.job, event.run.run_id)
        if stored is not None:
            execution = _change(stored, standing)
        else:
            execution = NewExecution(
                type_id=self._types().run,
                name=name,
                external_id=run_external_id(event.run.run_id),
                state=standing.state,
                properties={key: value for key, value in standing.properties.items() if value is not None},
            )
        contexts: list[NewContext | ContextChange | ContextId] = [self._job(event.job)]
        if own := self._store.contexts.find(self._types().parent, name):
            contexts.append(own.id)
        if parent := _parent_of(event):
            contexts.append(NewContext(type_id=self._types().parent, name=run_name(*parent)))
        done = self._store.links.put(
            Subgraph(contexts=contexts, executions=[execution], events=edges, reuses_contexts=True)
        )
        if parent:
            self._tie_parent(parent[1], done.context_ids[-1])
        return done.execution_ids[0]

    def _tie_parent(self, parent: UUID, context: ContextId) -> None:
        """Let the execution of a parent belong to its own context, if it came before its parts."""
        ties = [
            Association(context, execution.id)
            for execution in self._store.executions.by_external_ids([run_external_id(parent)])
        ]
        self._store.links.add_memberships(associations=ties)

    def _job(
        self, job: Job, told: Mapping[str, PropertyValue] | None = None
    ) -> NewContext | ContextChange | ContextId:
        """Return a job as a context of a write, with what an event tells of it."""
        stored = self._store.contexts.find(self._types().job, job_name(job))
        old: Mapping[str, Any] = stored.properties if stored is not None else {}
        facts = {**(told or {}), **_job_facts(merged(stored_facets(old), job.facets or {}))}
        if stored is None:
            return NewContext(type_id=self._types().job, name=job_name(job), properties=facts)
        changes = {name: value for name, value in facts.items() if old.get(name) != value}
        if not changes:
            return stored.id
        return ContextChange(id=stored.id, properties=changes, expect_revision=stored.revision)

    def _types(self) -> "_Types":
        # Asked for at the first event: most stores never see one.
        if self._known_types is None:
            self._known_types = _Types(
                *self._store.types.put([JOB, PARENT, RUN], can_add=True, can_omit=True)
            )
        return self._known_types

    def _addresses(self, datasets: Sequence[Dataset] | None) -> Mapping[str, Dataset]:
        plain = [self._data.without_password(dataset) for dataset in datasets or ()]
        return {address_of(dataset): dataset for dataset in plain}


class _Types(NamedTuple):
    job: TypeId
    parent: TypeId
    run: TypeId


def _change(stored: Execution, standing: Standing) -> ExecutionChange | ExecutionId:
    old = stored.properties
    changes = {name: value for name, value in standing.properties.items() if old.get(name) != value}
    if not changes and standing.state == stored.state:
        return stored.id
    return ExecutionChange(
        id=stored.id, state=standing.state, properties=changes, expect_revision=stored.revision
    )


def _job_facts(facets: Facets) -> dict[str, PropertyValue]:
    facts: dict[str, PropertyValue | None] = {
        "description": text(facets, "documentation", "description"),
        "source": text(facets, "sourceCodeLocation", "url"),
        "facets": dict(facets) or None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _parent_of(event: RunEvent) -> tuple[Job, UUID] | None:
    """Return job and id of the run that a run is a part of; a facet that does not say so is left as it is."""
    match (event.run.facets or {}).get("parent"):
        case {
            "run": {"runId": str(run_id)},
            "job": {"namespace": str(namespace), "name": str(name)},
        } if namespace and name:
            try:
                return Job(namespace=namespace, name=name), UUID(run_id)
            except ValueError:
                return None
        case _:
            return None
