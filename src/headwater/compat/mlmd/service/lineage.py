"""The call that walks lineage."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Final

from headwater.compat.mlmd.errors import InvalidArgumentError, NotFoundError
from headwater.compat.mlmd.service.edges import fill_event
from headwater.compat.mlmd.service.filters import filter_of
from headwater.compat.mlmd.service.kinds import ARTIFACT, EXECUTION, KINDS, Kind, Message, answer
from headwater.compat.mlmd.service.options import read_options
from headwater.compat.mlmd.service.types import type_message
from headwater.model.filters import And, Field, Filter, In, Scope
from headwater.model.graph import Event, NodeKind
from headwater.model.ids import ArtifactId, ExecutionId
from headwater.model.listing import MAX_PAGE, Listing
from headwater.model.protocols import Store
from headwater.query.limits import MAX_VALUES

MAX_HOPS: Final = 100
"""Without `exact_limits` a walk goes no further."""
MAX_STARTS: Final = 10_000
_UPSTREAM, _DOWNSTREAM = 1, 2
_OTHER: Final = {NodeKind.ARTIFACT: EXECUTION, NodeKind.EXECUTION: ARTIFACT}


class LineageCalls:
    """The call that walks lineage."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def calls(self) -> dict[str, Callable[[Any], Any]]:
        """Return the calls by name."""
        return {"GetLineageSubgraph": self.get_subgraph}

    def get_subgraph(self, request: Message) -> Message:
        """Return what is connected to some nodes: nodes by id, and the edges between them."""
        options = request.lineage_subgraph_query_options
        start = options.WhichOneof("starting_nodes")
        if start is None:
            raise InvalidArgumentError("Missing arguments for listing starting nodes.")
        hops = _hops(options, is_exact=read_options(request).exact_limits)
        kind = ARTIFACT if start == "starting_artifacts" else EXECUTION
        ids = self._starts(kind, getattr(options, start).filter_query)
        walk = _Walk(self._store, options)
        walk.run(kind, ids, hops)
        response = answer("GetLineageSubgraph")
        response.lineage_subgraph.SetInParent()
        self._fill(response.lineage_subgraph, walk, set(request.read_mask.paths))
        return response

    def _starts(self, kind: Kind, query: str) -> list[int]:
        if not query:
            raise InvalidArgumentError("Cannot list starting nodes if `filter_query` is unspecified.")
        # Lineage shows deleted nodes, so it has to be possible to start at one.
        listing = Listing(filter=filter_of(kind.entity, query), limit=MAX_STARTS + 1, with_deleted=True)
        ids = [node.id for node in kind.nodes(self._store).page(listing).items]
        if not ids:
            raise NotFoundError("Cannot find qualified nodes to start the traversal.")
        if len(ids) > MAX_STARTS:
            raise InvalidArgumentError(f"more than {MAX_STARTS:,} nodes to start at: narrow the filter")
        return ids

    def _fill(self, graph: Message, walk: "_Walk", paths: set[str]) -> None:
        """Put into a graph what a mask asks for; an empty mask asks for all."""
        wanted = paths or {field.name for field in graph.DESCRIPTOR.fields}
        for kind in (ARTIFACT, EXECUTION):
            if f"{kind.word}s" in wanted:
                messages = getattr(graph, f"{kind.word}s")
                for i in sorted(walk.found[kind.kind]):
                    messages.add(id=i)
        for kind in KINDS:
            if f"{kind.word}_types" in wanted:
                stored = self._store.types.all(kind.kind)
                getattr(graph, f"{kind.word}_types").extend(type_message(kind, each) for each in stored)
        if "events" in wanted:
            for event in walk.events.values():
                fill_event(graph.events.add(), event)
        if wanted & {"contexts", "attributions", "associations"}:
            self._fill_contexts(graph, walk, wanted)

    def _fill_contexts(self, graph: Message, walk: "_Walk", wanted: Collection[str]) -> None:
        artifacts = sorted(ArtifactId(i) for i in walk.found[NodeKind.ARTIFACT])
        executions = sorted(ExecutionId(i) for i in walk.found[NodeKind.EXECUTION])
        attributions = self._store.links.contexts_of_artifacts(artifacts) if artifacts else []
        associations = self._store.links.contexts_of_executions(executions) if executions else []
        if "contexts" in wanted:
            ids = sorted({link.context_id for link in (*attributions, *associations)})
            for i in ids:
                graph.contexts.add(id=i)
        if "attributions" in wanted:
            for link in attributions:
                graph.attributions.add(artifact_id=link.artifact_id, context_id=link.context_id)
        if "associations" in wanted:
            for link in associations:
                graph.associations.add(execution_id=link.execution_id, context_id=link.context_id)


def _hops(options: Message, *, is_exact: bool) -> int | None:
    """Return how many hops a walk may go; None for any number."""
    if not options.HasField("max_num_hops"):
        return None if is_exact else MAX_HOPS
    hops: int = options.max_num_hops
    if hops < 0:
        raise InvalidArgumentError(f"max_num_hops cannot be negative: max_num_hops = {hops}")
    return hops if is_exact else min(hops, MAX_HOPS)


@dataclass(slots=True)
class _Ending:
    """Where the walk ends: nodes of one kind that meet a filter, and without a condition all of them."""

    condition: Filter | None
    is_shown: bool


@dataclass(slots=True)
class _Walk:
    """One walk, a hop at a time.

    Attributes:
        found: The ids of the answer's nodes.
        events: Its events, each once.
    """

    store: Store
    options: Message
    found: dict[NodeKind, set[int]] = field(default_factory=dict[NodeKind, set[int]])
    events: dict[tuple[int, int, int], Event] = field(default_factory=dict[tuple[int, int, int], Event])

    def run(self, kind: Kind, ids: Iterable[int], hops: int | None) -> None:
        """Walk from nodes of one kind, so many hops, or for None to the end."""
        endings = {each.kind: self._ending(each) for each in (ARTIFACT, EXECUTION)}
        self.found = {NodeKind.ARTIFACT: set(), NodeKind.EXECUTION: set()}
        ended: dict[NodeKind, set[int]] = {NodeKind.ARTIFACT: set(), NodeKind.EXECUTION: set()}
        frontier = self._arrive(kind, ids, endings[kind.kind], ended[kind.kind])
        for _ in repeat(None) if hops is None else repeat(None, hops):
            if not frontier:
                return
            events = self._leave(kind, frontier)
            kind = _OTHER[kind.kind]
            ends = {_end(event, kind) for event in events}
            fresh = ends - self.found[kind.kind] - ended[kind.kind]
            frontier = self._arrive(kind, fresh, endings[kind.kind], ended[kind.kind])
            for event in events:
                # An edge to a node where the walk ended is shown when the node is.
                if _end(event, kind) in self.found[kind.kind]:
                    self.events[event.execution_id, event.artifact_id, event.type] = event

    def _ending(self, kind: Kind) -> _Ending | None:
        ending = getattr(self.options, f"ending_{kind.word}s")
        # A query that is there and empty is one that every node meets.
        if not ending.HasField("filter_query"):
            return None
        query = ending.filter_query
        return _Ending(filter_of(kind.entity, query) if query else None, ending.include_ending_nodes)

    def _arrive(self, kind: Kind, ids: Iterable[int], ending: _Ending | None, ended: set[int]) -> list[int]:
        """Note nodes that were reached, and return those from which the walk goes on."""
        fresh, ends = set(ids), set[int]()
        if ending is not None:
            ends = fresh if ending.condition is None else self._matching(kind, fresh, ending.condition)
        ended |= ends
        self.found[kind.kind] |= fresh if ending is not None and ending.is_shown else fresh - ends
        return sorted(fresh - ends)

    def _matching(self, kind: Kind, ids: Collection[int], condition: Filter) -> set[int]:
        own, ordered, matching = Field(Scope.ATTRIBUTE, "id"), sorted(ids), set[int]()
        for place in range(0, len(ordered), MAX_VALUES):
            among = In(own, tuple(ordered[place : place + MAX_VALUES]))
            listing = Listing(filter=And((among, condition)), limit=MAX_PAGE, with_deleted=True)
            matching |= {node.id for node in kind.nodes(self.store).page(listing).items}
        return matching

    def _leave(self, kind: Kind, ids: list[int]) -> list[Event]:
        """Return the events through which the walk leaves nodes."""
        direction, links = self.options.direction, self.store.links
        is_one_way = direction in {_UPSTREAM, _DOWNSTREAM}
        by_outputs = (direction == _UPSTREAM) is (kind is ARTIFACT) if is_one_way else None
        if kind is ARTIFACT:
            return links.events_of_artifacts([ArtifactId(i) for i in ids], are_outputs=by_outputs)
        return links.events_of_executions([ExecutionId(i) for i in ids], are_outputs=by_outputs)


def _end(event: Event, kind: Kind) -> int:
    return event.artifact_id if kind is ARTIFACT else event.execution_id
