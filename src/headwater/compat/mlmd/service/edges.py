"""Events and memberships: the calls that write and read them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from headwater.compat.mlmd.errors import InvalidArgumentError, NotFoundError
from headwater.compat.mlmd.service.kinds import ARTIFACT, CONTEXT, EXECUTION, Message, answer
from headwater.compat.mlmd.service.nodes import message_of
from headwater.compat.mlmd.service.values import text_of
from headwater.model.graph import Association, Attribution, Event, EventType, ParentContext
from headwater.model.ids import ArtifactId, ContextId, ExecutionId
from headwater.model.protocols import Store


class EdgeCalls:
    """The calls about edges."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def calls(self) -> dict[str, Callable[[Any], Any]]:
        """Return the calls by name."""
        return {
            "PutEvents": self.put_events,
            "PutAttributionsAndAssociations": self.put_memberships,
            "PutParentContexts": self.put_parents,
            "GetEventsByArtifactIDs": self.events_of_artifacts,
            "GetEventsByExecutionIDs": self.events_of_executions,
            "GetContextsByArtifact": self.contexts_of_artifact,
            "GetContextsByExecution": self.contexts_of_execution,
            "GetParentContextsByContext": self.parents_of_one,
            "GetChildrenContextsByContext": self.children_of_one,
            "GetParentContextsByContexts": self.parents_of_many,
            "GetChildrenContextsByContexts": self.children_of_many,
        }

    def put_events(self, request: Message) -> Message:
        """Store events; every one has to be new."""
        events: list[Event] = []
        for event in request.events:
            _require(event, "artifact_id", "No artifact id is specified.")
            _require(event, "execution_id", "No execution id is specified.")
            events.append(
                Event(
                    artifact_id=ArtifactId(event.artifact_id),
                    execution_id=ExecutionId(event.execution_id),
                    **event_fields(event),
                )
            )
        self._store.links.add_events(events)
        return answer("PutEvents")

    def put_memberships(self, request: Message) -> Message:
        """Store attributions and associations; those that are there stay."""
        for link in (*request.attributions, *request.associations):
            _require(link, "context_id", "Context id not found.")
        for link in request.attributions:
            _require(link, "artifact_id", "Artifact id not found.")
        for link in request.associations:
            _require(link, "execution_id", "Execution id not found.")
        self._store.links.add_memberships(
            [Attribution(ContextId(a.context_id), ArtifactId(a.artifact_id)) for a in request.attributions],
            [Association(ContextId(a.context_id), ExecutionId(a.execution_id)) for a in request.associations],
        )
        return answer("PutAttributionsAndAssociations")

    def put_parents(self, request: Message) -> Message:
        """Make contexts part of others."""
        for link in request.parent_contexts:
            _require(link, "child_id", "Missing parent / child id in the parent_context")
            _require(link, "parent_id", "Missing parent / child id in the parent_context")
        self._store.links.add_parents(
            [ParentContext(ContextId(p.child_id), ContextId(p.parent_id)) for p in request.parent_contexts]
        )
        return answer("PutParentContexts")

    def events_of_artifacts(self, request: Message) -> Message:
        """Return the events of artifacts: of one after the other, by execution and type."""
        ids = sorted({ArtifactId(i) for i in request.artifact_ids})
        events = self._store.links.events_of_artifacts(ids) if ids else []
        events.sort(key=lambda event: (event.artifact_id, event.execution_id, event.type))
        return _answer_of_events("GetEventsByArtifactIDs", events)

    def events_of_executions(self, request: Message) -> Message:
        """Return the events of executions: of one after the other, as they happened."""
        ids = sorted({ExecutionId(i) for i in request.execution_ids})
        events = self._store.links.events_of_executions(ids) if ids else []
        # An output is announced before it is there, be it in the same millisecond.
        events.sort(key=lambda e: (e.execution_id, e.time_ms, e.type is not EventType.PENDING_OUTPUT))
        return _answer_of_events("GetEventsByExecutionIDs", events)

    def contexts_of_artifact(self, request: Message) -> Message:
        """Return the contexts that an artifact belongs to."""
        links = self._store.links.contexts_of_artifacts([request.artifact_id])
        if not links:
            raise NotFoundError(f"No contexts found for {ARTIFACT.word}_id: {request.artifact_id}")
        return answer("GetContextsByArtifact", contexts=self._contexts([link.context_id for link in links]))

    def contexts_of_execution(self, request: Message) -> Message:
        """Return the contexts that an execution belongs to."""
        links = self._store.links.contexts_of_executions([request.execution_id])
        if not links:
            raise NotFoundError(f"No contexts found for {EXECUTION.word}_id: {request.execution_id}")
        return answer("GetContextsByExecution", contexts=self._contexts([link.context_id for link in links]))

    def parents_of_one(self, request: Message) -> Message:
        """Return what a context is part of."""
        links = self._store.links.parents([request.context_id])
        return answer("GetParentContextsByContext", contexts=self._contexts([p.parent_id for p in links]))

    def children_of_one(self, request: Message) -> Message:
        """Return the parts of a context."""
        links = self._store.links.children([request.context_id])
        return answer("GetChildrenContextsByContext", contexts=self._contexts([p.child_id for p in links]))

    def parents_of_many(self, request: Message) -> Message:
        """Return what contexts are part of, by context."""
        links = self._store.links.parents(sorted(set(request.context_ids)))
        response = answer("GetParentContextsByContexts")
        found = self._by_id([link.parent_id for link in links])
        for link in links:
            if link.parent_id in found:
                response.contexts[link.child_id].parent_contexts.append(found[link.parent_id])
        return response

    def children_of_many(self, request: Message) -> Message:
        """Return the parts of contexts, by context."""
        links = self._store.links.children(sorted(set(request.context_ids)))
        response = answer("GetChildrenContextsByContexts")
        found = self._by_id([link.child_id for link in links])
        for link in links:
            if link.child_id in found:
                response.contexts[link.parent_id].children_contexts.append(found[link.child_id])
        return response

    def _contexts(self, ids: Sequence[ContextId]) -> list[Message]:
        return [message_of(CONTEXT, context) for context in self._store.contexts.get(ids)]

    def _by_id(self, ids: Sequence[ContextId]) -> dict[int, Message]:
        return {message.id: message for message in self._contexts(sorted(set(ids)))}


def event_fields(event: Message) -> dict[str, Any]:
    """Return what an event says beside its ends.

    Raises:
        InvalidArgumentError: it has no type.
    """
    if not event.type:
        raise InvalidArgumentError("No event type is specified.")
    steps = ((step, step.WhichOneof("value")) for step in event.path.steps)
    return {
        "type": EventType(event.type),
        "path": tuple(getattr(step, field) for step, field in steps if field is not None),
        "time_ms": event.milliseconds_since_epoch if event.HasField("milliseconds_since_epoch") else None,
    }


def fill_event(message: Message, event: Event) -> None:
    """Put a stored event into an empty message."""
    message.artifact_id = event.artifact_id
    message.execution_id = event.execution_id
    message.type = event.type
    # A stored event has a time.
    message.milliseconds_since_epoch = event.time_ms
    for step in event.path:
        if isinstance(step, int):
            message.path.steps.add(index=step)
        else:
            message.path.steps.add(key=text_of(step))


def _answer_of_events(call: str, events: Iterable[Event]) -> Message:
    response = answer(call)
    for event in events:
        fill_event(response.events.add(), event)
    return response


def _require(message: Message, field: str, text: str) -> None:
    if not message.HasField(field):
        raise InvalidArgumentError(text)
