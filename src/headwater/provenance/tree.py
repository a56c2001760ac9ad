"""A lineage graph as an indented tree, each shared part written out once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from headwater.model.graph import Artifact, Event, Execution, NodeKind, NodeRef
from headwater.model.lineage import Direction, LineageGraph
from headwater.provenance.labels import Label, default_label, printable
from headwater.provenance.walk import event_types

SHOWN_ABOVE: Final = "↑ shown above"


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeLine:
    """One node of the tree, as one line.

    Attributes:
        guide: The lines that lead to it, such as `│  └─ `; empty at a root.
        node: What it is.
        label: Its text.
        is_repeat: What is below it is written out further up, under the same node.
    """

    guide: str
    node: NodeRef
    label: str
    is_repeat: bool = False

    def __str__(self) -> str:
        return f"{self.guide}{self.label}" + (f" {SHOWN_ABOVE}" if self.is_repeat else "")


def tree_lines(
    graph: LineageGraph, direction: Direction = Direction.UPSTREAM, *, label: Label = default_label
) -> list[TreeLine]:
    """Lay a lineage graph out as a tree from where its walk started.

    Args:
        graph: What a walk in `direction` found.
        direction: Which way the tree grows.
        label: Gives the text of a node; characters that do not print become blanks.

    Returns:
        Lines from top to bottom; below a node stand what the direction leads to,
        by hops and then id. A node with something below it is written out the first
        time only; cycles end the same way.
    """
    nodes = _nodes(graph)
    lines = _Layout(nodes, _below(graph, nodes, direction), label, is_both=direction is Direction.BOTH)
    roots = [ref for ref, (_, hops) in nodes.items() if hops == 0]
    return list(lines.of(roots))


_Nodes = dict[NodeRef, tuple[Artifact | Execution, int]]
"""Every node with its hops, by hops and then id."""


def _nodes(graph: LineageGraph) -> _Nodes:
    nodes: _Nodes = {}
    for artifact, hops in zip(graph.artifacts, graph.artifact_hops, strict=True):
        nodes[NodeKind.ARTIFACT, artifact.id] = artifact, hops
    for execution, hops in zip(graph.executions, graph.execution_hops, strict=True):
        nodes[NodeKind.EXECUTION, execution.id] = execution, hops
    return dict(sorted(nodes.items(), key=lambda item: (item[1][1], item[0])))


def _below(graph: LineageGraph, nodes: _Nodes, direction: Direction) -> dict[NodeRef, list[NodeRef]]:
    """Return what stands below each node, in the order of `nodes`."""
    ranks = {ref: rank for rank, ref in enumerate(nodes)}
    below: dict[NodeRef, set[NodeRef]] = {ref: set() for ref in nodes}
    for event in graph.events:
        artifact: NodeRef = (NodeKind.ARTIFACT, event.artifact_id)
        execution: NodeRef = (NodeKind.EXECUTION, event.execution_id)
        for upper, lower in ((artifact, execution), (execution, artifact)):
            if upper in ranks and lower in ranks and _leads(event, direction, upper[0]):
                below[upper].add(lower)
    return {ref: sorted(refs, key=ranks.__getitem__) for ref, refs in below.items()}


def _leads(event: Event, direction: Direction, kind: NodeKind) -> bool:
    types = event_types(direction, kind)
    return types is None or event.type in types


class _Layout:
    """Lines of a tree, kept on a stack of our own: a chain of runs can be thousands long."""

    def __init__(
        self, nodes: _Nodes, below: dict[NodeRef, list[NodeRef]], label: Label, *, is_both: bool
    ) -> None:
        self._nodes = nodes
        self._below = below
        self._label = label
        self._is_both = is_both
        self._shown: set[NodeRef] = set()

    def of(self, roots: Sequence[NodeRef]) -> Iterator[TreeLine]:
        """Yield the lines of several trees."""
        # A node with its own guide, that of what stands below it, and the node above it.
        waiting: list[tuple[NodeRef, str, str, NodeRef | None]] = [
            (ref, "", "", None) for ref in reversed(roots)
        ]
        while waiting:
            ref, guide, inner, above = waiting.pop()
            # In a walk both ways the edge back up is no news.
            below = [each for each in self._below[ref] if not (self._is_both and each == above)]
            is_repeat = ref in self._shown and bool(below)
            yield TreeLine(guide=guide, node=ref, label=self._text(ref), is_repeat=is_repeat)
            if ref not in self._shown:
                self._shown.add(ref)
                waiting += _branches(below, inner, ref)

    def _text(self, ref: NodeRef) -> str:
        return printable(self._label(self._nodes[ref][0]))


def _branches(
    refs: Sequence[NodeRef], inner: str, above: NodeRef
) -> Iterator[tuple[NodeRef, str, str, NodeRef | None]]:
    """Yield what stands below a node, last one first, as the stack needs it."""
    for index, ref in enumerate(reversed(refs)):
        corner, rail = ("└─ ", "   ") if index == 0 else ("├─ ", "│  ")
        yield ref, inner + corner, inner + rail, above
