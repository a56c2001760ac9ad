"""Calls that write nodes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from headwater.compat.mlmd.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
)
from headwater.compat.mlmd.service.edges import event_fields
from headwater.compat.mlmd.service.kinds import ARTIFACT, CONTEXT, EXECUTION, KINDS, Kind, Message, answer
from headwater.compat.mlmd.service.nodes import change_of, new_node
from headwater.model.graph import ArtifactChange, At, NewArtifact, Node, NodeKind, Subgraph, SubgraphEvent
from headwater.model.ids import ArtifactId, ContextId, ExecutionId
from headwater.model.protocols import Store

_NEVER: Final = -1
"""A revision that no node has."""


class WriteCalls:
    """The calls that write nodes, alone or with the edges between them; each is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def calls(self) -> dict[str, Callable[[Any], Any]]:
        """Return the calls by name."""
        return {
            **{f"Put{kind.title}s": partial(self.put_nodes, kind) for kind in KINDS},
            "PutExecution": self.put_execution,
            "PutLineageSubgraph": self.put_lineage_subgraph,
        }

    def put_nodes(self, kind: Kind, request: Message) -> Message:
        """Store new nodes and change stored ones."""
        messages = getattr(request, f"{kind.word}s")
        if not messages:
            return answer(f"Put{kind.title}s")
        expects_time = kind is ARTIFACT and request.options.abort_if_latest_updated_time_changed
        nodes = self._nodes(kind, messages, paths=list(request.update_mask.paths), expects_time=expects_time)
        stored = self._store.links.put(_subgraph(kind, nodes))
        return answer(f"Put{kind.title}s", **{f"{kind.word}_ids": getattr(stored, f"{kind.word}_ids")})

    def put_execution(self, request: Message) -> Message:
        """Store an execution with its artifacts, events and contexts."""
        if not request.HasField("execution"):
            raise InvalidArgumentError("No execution is found: the request has none")
        options, pairs = request.options, request.artifact_event_pairs
        touch = options.force_update_time
        own = [pair.artifact for pair in pairs if pair.HasField("artifact")]
        plan = _Artifacts(
            self._nodes(ARTIFACT, own, touch=touch, reuses=self._reusable(own, options)),
            own,
            pairs,
            reuses=options.reuse_artifact_if_already_exist_by_external_id,
        )
        stored = self._store.links.put(
            Subgraph(
                artifacts=plan.nodes,
                executions=self._nodes(EXECUTION, [request.execution], touch=touch),
                contexts=self._contexts(request.contexts, options, touch=touch),
                events=list(_events(request.execution, pairs, plan)),
                reuses_contexts=options.reuse_context_if_already_exist,
            )
        )
        return answer(
            "PutExecution",
            execution_id=stored.execution_ids[0],
            artifact_ids=[-1 if place is None else stored.artifact_ids[place] for place in plan.places],
            context_ids=stored.context_ids,
        )

    def put_lineage_subgraph(self, request: Message) -> Message:
        """Store nodes and the events between them; all nodes are linked to all contexts."""
        for kind in KINDS:
            for message in getattr(request, f"{kind.word}s"):
                if not message.HasField("type_id"):
                    raise InvalidArgumentError(f"Type id is missing: every {kind.word} here needs it")
        options, own = request.options, list(request.artifacts)
        # What is reused is looked up before anything is stored: of two new ones with one external id the
        # second is a conflict.
        stored = self._store.links.put(
            Subgraph(
                contexts=self._nodes(CONTEXT, request.contexts),
                artifacts=self._nodes(ARTIFACT, own, reuses=self._reusable(own, options)),
                executions=self._nodes(EXECUTION, request.executions),
                events=[_edge(edge, request) for edge in request.event_edges],
                reuses_contexts=options.reuse_context_if_already_exist,
            )
        )
        return answer(
            "PutLineageSubgraph",
            execution_ids=stored.execution_ids,
            artifact_ids=stored.artifact_ids,
            context_ids=stored.context_ids,
        )

    def _nodes(
        self,
        kind: Kind,
        messages: Iterable[Message],
        *,
        paths: Sequence[str] = (),
        touch: bool = False,
        reuses: dict[str, Node] | None = None,
        expects_time: bool = False,
    ) -> list[Any]:
        """Turn messages into new nodes and changes.

        Args:
            kind: Of all of them.
            messages: Those with an id are changes.
            paths: A mask of what changes say.
            touch: Changes move the time of the last update in any case.
            reuses: Stored artifacts by external id, which messages without id change.
            expects_time: A change is refused when the node was changed after the time in its message.
        """
        messages = list(messages)
        expecting = [m.id for m in messages if m.HasField("id")] if expects_time else []
        stored: dict[int, Any] = {node.id: node for node in kind.nodes(self._store).get(expecting)}
        nodes: list[Any] = []
        for message in messages:
            reused: Any = (reuses or {}).get(message.external_id)
            if message.HasField("id"):
                change = change_of(kind, message, paths=paths, touch=touch)
                nodes.append(_expecting(change, message, stored.get(message.id)) if expects_time else change)
            elif reused is not None:
                nodes.append(change_of(kind, message, touch=touch, node_id=reused.id))
            else:
                nodes.append(new_node(kind, message))
        return nodes

    def _contexts(self, messages: Sequence[Message], options: Message, *, touch: bool) -> list[Any]:
        """Turn the contexts of PutExecution into nodes; with `force_reuse_context` an id is just linked."""
        forced = [m.id for m in messages if options.force_reuse_context and m.HasField("id")]
        missing = {*forced} - {context.id for context in self._store.contexts.get(forced)}
        if missing:
            raise NotFoundError(f"No context with the ids {sorted(missing)}")
        found: list[Any] = []
        for message in messages:
            if options.force_reuse_context and message.HasField("id"):
                found.append(ContextId(message.id))
                continue
            for field in ("type_id", "name"):
                if not message.HasField(field):
                    raise InvalidArgumentError(f"Context is missing a {field}: id {message.id}")
            found += self._nodes(CONTEXT, [message], touch=touch)
        return found

    def _reusable(self, artifacts: Iterable[Message], options: Message) -> dict[str, Node] | None:
        if not options.reuse_artifact_if_already_exist_by_external_id:
            return None
        wanted = {a.external_id for a in artifacts if not a.HasField("id") and a.external_id}
        found = self._store.artifacts.by_external_ids(sorted(wanted))
        return {a.external_id: a for a in found if a.external_id is not None}


class _Artifacts:
    """The artifacts that an execution's request stores, once each, and where its pairs find theirs.

    Attributes:
        nodes: What is stored.
        places: For each pair the place of its artifact, None where it has none.
    """

    def __init__(
        self, nodes: list[Any], messages: Sequence[Message], pairs: Iterable[Message], *, reuses: bool
    ) -> None:
        self._reuses = reuses
        self.nodes: list[Any] = []
        self._of_external_id: dict[str, int] = {}
        own = iter([self._place(node, message) for node, message in zip(nodes, messages, strict=True)])
        self.places = [self._of_pair(pair, own) for pair in pairs]

    def _place(self, node: Any, message: Message) -> int:
        place = self._of_external_id.get(message.external_id)
        if place is not None and isinstance(node, NewArtifact):
            # The one before is stored by then, so this is an update of it: name and type stay.
            first = self.nodes[place]
            self.nodes[place] = replace(node, name=first.name, type_id=first.type_id)
            return place
        self.nodes.append(node)
        if self._reuses and isinstance(node, NewArtifact) and node.external_id:
            self._of_external_id[node.external_id] = len(self.nodes) - 1
        return len(self.nodes) - 1

    def _of_pair(self, pair: Message, own: Any) -> int | None:
        if pair.HasField("artifact"):
            return next(own)
        if not pair.HasField("event"):
            return None
        if not pair.event.HasField("artifact_id"):
            raise InvalidArgumentError("If no artifact is present, given event must have an artifact_id")
        self.nodes.append(ArtifactId(pair.event.artifact_id))
        return len(self.nodes) - 1


def _subgraph(kind: Kind, nodes: Sequence[Any]) -> Subgraph:
    match kind.kind:
        case NodeKind.ARTIFACT:
            return Subgraph(artifacts=nodes)
        case NodeKind.EXECUTION:
            return Subgraph(executions=nodes)
        case NodeKind.CONTEXT:
            return Subgraph(contexts=nodes)


def _expecting(change: Any, message: Message, stored: Any) -> Any:
    if stored is None:
        # If there will be one, this request itself makes it, and nobody can have read its time.
        return replace(change, expect_revision=_NEVER)
    if message.last_update_time_since_epoch != stored.updated_ms:
        raise FailedPreconditionError(
            f"`abort_if_latest_updated_time_changed` is set, and the stored artifact with id = {stored.id} "
            f"has a different last_update_time_since_epoch: {stored.updated_ms} "
            f"from the one in the given artifact: {message.last_update_time_since_epoch}"
        )
    return replace(change, expect_revision=stored.revision)


def _events(execution: Message, pairs: Iterable[Message], plan: _Artifacts) -> Iterable[SubgraphEvent]:
    for pair, place in zip(pairs, plan.places, strict=True):
        if not pair.HasField("event") or place is None:
            continue
        event = pair.event
        if event.HasField("execution_id") and event.execution_id != execution.id:
            raise InvalidArgumentError("Request's event.execution_id does not match with the given execution")
        if event.HasField("artifact_id") and event.artifact_id != _stored_id(plan.nodes[place]):
            raise InvalidArgumentError("Given event.artifact_id is not aligned with the artifact")
        yield SubgraphEvent(artifact=At(place), execution=At(0), **event_fields(event))


def _stored_id(artifact: NewArtifact | ArtifactChange | ArtifactId) -> int | None:
    if isinstance(artifact, NewArtifact):
        return None
    return artifact.id if isinstance(artifact, ArtifactChange) else artifact


def _edge(edge: Message, request: Message) -> SubgraphEvent:
    if not edge.HasField("event"):
        raise InvalidArgumentError("No event found for event_edge")
    execution = _end(edge, "execution", request.executions)
    artifact = _end(edge, "artifact", request.artifacts)
    return SubgraphEvent(
        artifact=artifact if isinstance(artifact, At) else ArtifactId(artifact),
        execution=execution if isinstance(execution, At) else ExecutionId(execution),
        **event_fields(edge.event),
    )


def _end(edge: Message, word: str, nodes: Sequence[Message]) -> At | int:
    """Return one end of an event edge: a place in the request's list, or an id."""
    event, field = edge.event, f"{word}_id"
    if not edge.HasField(f"{word}_index"):
        if not event.HasField(field):
            raise InvalidArgumentError(
                f"Event_edge is missing an {word}. Could not find either an {word}_index or an event.{field}"
            )
        return getattr(event, field)
    index = getattr(edge, f"{word}_index")
    if not 0 <= index < len(nodes):
        raise OutOfRangeError(
            f"The event_edge has an {word}_index {index} that is outside the bounds of the request's "
            f"{word}s list, [0, {len(nodes)})"
        )
    if event.HasField(field) and getattr(event, field) != nodes[index].id:
        raise InvalidArgumentError(
            f"{word.capitalize()} ID mismatch: at {word}_index {index} stands the id {nodes[index].id}"
        )
    return At(index)
