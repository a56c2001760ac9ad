"""Breadth-first walk over events, a whole frontier at a time."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final, TypeAlias, cast

from headwater.errors import InvalidError
from headwater.model.graph import INPUT_EVENTS, OUTPUT_EVENTS, EventType, NodeKind
from headwater.model.ids import ArtifactId, ExecutionId
from headwater.model.lineage import Direction, Edge, Reached, Walk

Expand: TypeAlias = Callable[[Direction, NodeKind, Sequence[int]], Collection[Edge]]
"""Gives the events through which a walk in a direction leaves nodes of one kind; see `event_types`.

It is called with ids in ascending order, and never twice with the same id in one walk.
"""

Passable: TypeAlias = Callable[[NodeKind, Sequence[int]], Iterable[int]]
"""Gives those of some nodes that a walk may go on from."""

EXECUTION_END: Final = 0
ARTIFACT_END: Final = 1
"""Where in an `Edge` the ids stand."""

_KINDS: Final = (NodeKind.ARTIFACT, NodeKind.EXECUTION)
_OTHER: Final = {NodeKind.ARTIFACT: NodeKind.EXECUTION, NodeKind.EXECUTION: NodeKind.ARTIFACT}
_END: Final = {NodeKind.EXECUTION: EXECUTION_END, NodeKind.ARTIFACT: ARTIFACT_END}


def event_types(direction: Direction, kind: NodeKind) -> frozenset[EventType] | None:
    """Return the types of event through which a walk leaves nodes of a kind; None means every event.

    Upstream goes from an artifact by output events and from an execution by input events,
    so two inputs of one execution are not upstream of each other.
    """
    if direction is Direction.BOTH:
        return None
    is_upstream = direction is Direction.UPSTREAM
    return OUTPUT_EVENTS if is_upstream is (kind is NodeKind.ARTIFACT) else INPUT_EVENTS


def walk(question: Walk, expand: Expand, *, passable: Passable | None = None) -> Reached:
    """Find all that can be reached.

    Args:
        question: Where to start, which way, and the limits. Its `stop_types` are `passable`'s concern.
        expand: Gives the events of one frontier.
        passable: Called once per frontier, with ids in ascending order; without it,
            the walk goes on from every node.

    Returns:
        Everything within the limits. With more than `max_nodes` nodes, the nearest ones and of
        the last hop those with the smallest ids, marked as truncated, with the edges among them.

    Raises:
        InvalidError: the walk starts nowhere, or a limit is negative.
    """
    check_walk(question)
    search = _Search(question, expand, passable)
    search.run()
    return search.answer()


def check_walk(question: Walk) -> None:
    """Check that a walk starts somewhere, and that its limits are none below zero.

    Raises:
        InvalidError: it does not.
    """
    if not question.artifacts and not question.executions:
        raise InvalidError("a walk needs a node to start at")
    if (question.max_hops or 0) < 0 or question.max_nodes < 0:
        raise InvalidError("max_hops and max_nodes cannot be negative")


class _Search:
    """The state of one walk: nodes by kind with their hops, and the edges."""

    def __init__(self, question: Walk, expand: Expand, passable: Passable | None) -> None:
        self._question = question
        self._expand = expand
        self._passable = passable
        starts = {NodeKind.ARTIFACT: question.artifacts, NodeKind.EXECUTION: question.executions}
        self._frontier: dict[NodeKind, list[int]] = {kind: sorted(set(starts[kind])) for kind in _KINDS}
        self._hops = {kind: dict.fromkeys(ids, 0) for kind, ids in self._frontier.items()}
        self._expanded: dict[NodeKind, set[int]] = {kind: set() for kind in _KINDS}
        self._edges: list[Edge] = []
        self._room = question.max_nodes - sum(map(len, self._hops.values()))
        self._is_truncated = False

    def run(self) -> None:
        hops = 0
        while any(self._frontier.values()) and not self._is_truncated:
            hops += 1
            if self._question.max_hops is not None and hops > self._question.max_hops:
                return
            self._take_hop(hops)

    def answer(self) -> Reached:
        return Reached(
            artifacts=cast(dict[ArtifactId, int], self._hops[NodeKind.ARTIFACT]),
            executions=cast(dict[ExecutionId, int], self._hops[NodeKind.EXECUTION]),
            edges=tuple(self._edges),
            is_truncated=self._is_truncated,
        )

    def _take_hop(self, hops: int) -> None:
        frontier, self._frontier = self._frontier, {kind: [] for kind in _KINDS}
        for kind in _KINDS:
            ids: Sequence[int] = frontier[kind]
            if ids and self._passable:
                ids = sorted(self._passable(kind, ids))
            if ids:
                self._leave(kind, ids, hops)

    def _leave(self, kind: NodeKind, ids: Sequence[int], hops: int) -> None:
        """Follow all events out of some nodes of one kind."""
        # This runs once per hop, and everything in it on whole collections: a loop over edges in Python
        # would cost more than the database.
        other = _OTHER[kind]
        end = _END[other]
        known = self._hops[other]
        edges = self._expand(self._question.direction, kind, ids)
        found = sorted({edge[end] for edge in edges}.difference(known))
        if len(found) > self._room:
            self._is_truncated = True
            found = found[: max(self._room, 0)]
        self._room -= len(found)
        known.update(dict.fromkeys(found, hops))
        self._frontier[other] += found
        self._keep(edges, kind, ids)

    def _keep(self, edges: Collection[Edge], kind: NodeKind, ids: Sequence[int]) -> None:
        """Note edges, except to nodes that were cut off, and to those that noted the same edge when left."""
        other = _OTHER[kind]
        end = _END[other]
        if self._is_truncated:
            known = self._hops[other]
            edges = [edge for edge in edges if edge[end] in known]
        if self._question.direction is Direction.BOTH:
            left = self._expanded[other]
            self._expanded[kind].update(ids)
            edges = [edge for edge in edges if edge[end] not in left]
        self._edges += edges
