"""Shortest routes between two nodes, searched from both ends."""

from collections.abc import Iterable, Sequence
from math import inf
from operator import itemgetter
from typing import Final

from headwater.model.graph import NodeKind, NodeRef
from headwater.model.ids import ArtifactId, ExecutionId
from headwater.model.lineage import Direction, Edge, Reached
from headwater.provenance.walk import ARTIFACT_END, EXECUTION_END, Expand

_BACK: Final = {Direction.UPSTREAM: Direction.DOWNSTREAM, Direction.DOWNSTREAM: Direction.UPSTREAM}
_END: Final = {NodeKind.EXECUTION: EXECUTION_END, NodeKind.ARTIFACT: ARTIFACT_END}
_OTHER: Final = {NodeKind.ARTIFACT: NodeKind.EXECUTION, NodeKind.EXECUTION: NodeKind.ARTIFACT}


def shortest_route(start: NodeRef, end: NodeRef, expand: Expand) -> Reached | None:
    """Find one shortest route between two nodes, along edges of one direction.

    Args:
        start: First node; it is taken as stored.
        end: Last node.
        expand: Gives the events of one frontier; see `headwater.provenance.walk`.

    Returns:
        The nodes of the route with their hops from `start`, and the edges between them in
        that order; None when neither node is upstream of the other. Of several routes the
        one with the smallest ids, compared node by node from `start`; upstream before downstream.
    """
    if start == end:
        return _reached([start], [])
    up = _directed(start, end, Direction.UPSTREAM, expand)
    # Only a graph with cycles has both; then the second one counts if it is shorter.
    down = _directed(start, end, Direction.DOWNSTREAM, expand, shorter_than=len(up) if up else inf)
    edges = down or up
    return _reached(_nodes_along(start, edges), edges) if edges else None


def _directed(
    start: NodeRef, end: NodeRef, direction: Direction, expand: Expand, *, shorter_than: float = inf
) -> list[Edge] | None:
    near, far = _Side(start, direction, expand), _Side(end, _BACK[direction], expand)
    while not (meeting := near.meets(far)):
        side = near if len(near.frontier) <= len(far.frontier) else far
        if near.depth + far.depth + 1 >= shorter_than or not side.advance():
            return None
    edges = near.edges_to(meeting)
    last = _nodes_along(start, edges)[-1]
    return edges + far.edges_from(last)


class _Side:
    """Breadth-first levels from one of the two nodes, with the edges between each level and the next."""

    def __init__(self, node: NodeRef, direction: Direction, expand: Expand) -> None:
        self.kind: NodeKind = node[0]
        self.frontier = {node[1]}
        self._first = node
        self._direction = direction
        self._expand = expand
        self._seen: dict[NodeKind, set[int]] = {NodeKind.ARTIFACT: set(), NodeKind.EXECUTION: set()}
        self._seen[self.kind].add(node[1])
        self._levels: list[Sequence[Edge]] = []

    @property
    def depth(self) -> int:
        """Hops from the first node to the frontier."""
        return len(self._levels)

    def meets(self, other: "_Side") -> set[int]:
        """Return the nodes that are in both frontiers."""
        return self.frontier & other.frontier if self.kind is other.kind else set()

    def advance(self) -> bool:
        """Go to the next level; False when there is none."""
        edges = self._expand(self._direction, self.kind, sorted(self.frontier))
        self.kind = _OTHER[self.kind]
        end = _END[self.kind]
        seen = self._seen[self.kind]
        self._levels.append([edge for edge in edges if edge[end] not in seen])
        self.frontier = {edge[end] for edge in self._levels[-1]}
        seen |= self.frontier
        return bool(self.frontier)

    def edges_to(self, targets: set[int]) -> list[Edge]:
        """Return the route with the smallest ids from the first node to any of the targets."""
        alive, kind = targets, self.kind
        useful: list[list[Edge]] = []
        for level in reversed(self._levels):
            useful.append([edge for edge in level if edge[_END[kind]] in alive])
            kind = _OTHER[kind]
            alive = {edge[_END[kind]] for edge in useful[-1]}
        return _smallest(self._first, reversed(useful))

    def edges_from(self, node: NodeRef) -> list[Edge]:
        """Return the route with the smallest ids from a node of the last level back to the first one."""
        return _smallest(node, reversed(self._levels))


def _smallest(node: NodeRef, levels: Iterable[Sequence[Edge]]) -> list[Edge]:
    """Follow edges level by level, each time to the smallest id, and of parallel ones the smallest type."""
    kind: NodeKind = node[0]
    place = node[1]
    edges: list[Edge] = []
    for level in levels:
        here, there = _END[kind], _END[_OTHER[kind]]
        edges.append(min((edge for edge in level if edge[here] == place), key=itemgetter(there, 2)))
        kind, place = _OTHER[kind], edges[-1][there]
    return edges


def _nodes_along(start: NodeRef, edges: Sequence[Edge]) -> list[NodeRef]:
    nodes = [start]
    for edge in edges:
        if nodes[-1][0] is NodeKind.ARTIFACT:
            nodes.append((NodeKind.EXECUTION, edge[EXECUTION_END]))
        else:
            nodes.append((NodeKind.ARTIFACT, edge[ARTIFACT_END]))
    return nodes


def _reached(nodes: Sequence[NodeRef], edges: Sequence[Edge]) -> Reached:
    hops = {node: place for place, node in enumerate(nodes)}
    return Reached(
        artifacts={ArtifactId(node[1]): hops[node] for node in nodes if node[0] is NodeKind.ARTIFACT},
        executions={ExecutionId(node[1]): hops[node] for node in nodes if node[0] is NodeKind.EXECUTION},
        edges=tuple(edges),
    )
