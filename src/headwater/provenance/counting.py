"""How many paths there are between two nodes."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from headwater.model.graph import EventType, NodeKind, NodeRef
from headwater.model.lineage import Edge

Arrows: TypeAlias = Mapping[NodeRef, set[NodeRef]]
"""Where one can go from each node, along the flow of data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathCount:
    """Paths between two nodes, each a sequence of nodes: two events between the same nodes count once.

    Attributes:
        shortest: Paths of the fewest hops.
        all: All paths; None when a cycle lies between the nodes, for then there is no end of them.
    """

    shortest: int
    all: int | None


def count_paths(edges: Iterable[Edge], source: NodeRef, target: NodeRef) -> PathCount:
    """Count the paths along the flow of data: from inputs to executions, and from these to their outputs.

    Args:
        edges: At least all events between the two nodes.
        source: Where the paths begin.
        target: Where they end.
    """
    arrows = _between(_arrows(edges), source, target)
    if target not in arrows:
        return PathCount(shortest=0, all=0)
    return PathCount(shortest=_shortest(arrows, source, target), all=_all(arrows, source, target))


def _arrows(edges: Iterable[Edge]) -> dict[NodeRef, set[NodeRef]]:
    arrows: dict[NodeRef, set[NodeRef]] = {}
    for execution_id, artifact_id, number in edges:
        kind = EventType(number)
        execution: NodeRef = (NodeKind.EXECUTION, execution_id)
        artifact: NodeRef = (NodeKind.ARTIFACT, artifact_id)
        if kind.is_input:
            arrows.setdefault(artifact, set()).add(execution)
        elif kind.is_output:
            arrows.setdefault(execution, set()).add(artifact)
    return arrows


def _between(arrows: Arrows, source: NodeRef, target: NodeRef) -> dict[NodeRef, set[NodeRef]]:
    """Keep the nodes that lie on the way from one node to the other."""
    back: dict[NodeRef, set[NodeRef]] = {}
    for tail, heads in arrows.items():
        for head in heads:
            back.setdefault(head, set()).add(tail)
    kept = _reachable(arrows, source) & _reachable(back, target)
    return {node: arrows.get(node, set()) & kept for node in kept}


def _reachable(arrows: Arrows, start: NodeRef) -> set[NodeRef]:
    seen, waiting = {start}, [start]
    while waiting:
        new = arrows.get(waiting.pop(), set()) - seen
        seen |= new
        waiting += new
    return seen


def _shortest(arrows: Arrows, source: NodeRef, target: NodeRef) -> int:
    counts: dict[NodeRef, int] = {source: 1}
    level = counts
    while target not in level:
        following: dict[NodeRef, int] = {}
        for node, count in level.items():
            for head in arrows[node] - counts.keys():
                following[head] = following.get(head, 0) + count
        counts |= following
        level = following
    return level[target]


def _all(arrows: Arrows, source: NodeRef, target: NodeRef) -> int | None:
    """Add up the ways to each node in topological order; what never comes up is in a cycle."""
    waiting_for = dict.fromkeys(arrows, 0)
    for heads in arrows.values():
        for head in heads:
            waiting_for[head] += 1
    ready = deque(node for node, count in waiting_for.items() if not count)
    ways = dict.fromkeys(arrows, 0) | {source: 1}
    done = 0
    while ready:
        node = ready.popleft()
        done += 1
        for head in arrows[node]:
            ways[head] += ways[node]
            waiting_for[head] -= 1
            if not waiting_for[head]:
                ready.append(head)
    return ways[target] if done == len(arrows) else None
