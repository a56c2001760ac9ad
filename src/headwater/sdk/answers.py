"""A lineage graph that can be shown."""

from dataclasses import dataclass

from headwater.model.graph import Artifact, Execution, NodeRef
from headwater.model.lineage import Direction, LineageGraph
from headwater.model.values import Json
from headwater.provenance import as_dict, to_dot, to_mermaid, tree_lines
from headwater.sdk.naming import node_ref


@dataclass(frozen=True, slots=True)
class Answer:
    """A lineage graph that knows the names of its nodes.

    Attributes:
        graph: Nodes and edges.
        direction: Which way it was walked.
        names: Text of every node: its reference where it has one, and what marks it out.
    """

    graph: LineageGraph
    direction: Direction
    names: dict[NodeRef, str]

    def lines(self) -> list[str]:
        """Return the graph as an indented tree."""
        return [str(line) for line in tree_lines(self.graph, self.direction, label=self._name)]

    def mermaid(self) -> str:
        """Return the graph in Mermaid's language."""
        return to_mermaid(self.graph, label=self._name)

    def dot(self) -> str:
        """Return the graph in Graphviz's language."""
        return to_dot(self.graph, label=self._name)

    def json(self) -> dict[str, Json]:
        """Return the graph as JSON; `labels` are the texts of the tree, aligned with `nodes`."""
        found = as_dict(self.graph)
        nodes = (*self.graph.artifacts, *self.graph.executions)
        labels: list[Json] = [self._name(node) for node in nodes]
        return {**found, "labels": labels}

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from headwater.provenance.html import tree_html

        lines = tree_lines(self.graph, self.direction, label=self._name)
        return {"text/plain": str(self), "text/html": tree_html(lines)}

    def _name(self, node: Artifact | Execution) -> str:
        return self.names[node_ref(node)]


@dataclass(frozen=True, slots=True)
class Route(Answer):
    """A shortest path, and how many others there are.

    A path is a sequence of nodes along the flow of data; two events between the same nodes are one way.

    Attributes:
        shortest_count: Paths with as few hops as this one, it included; None when the part of the
            graph between the two nodes was too large to read.
        count: All paths from the one node to the other; None also when a cycle lies between them,
            for then there is no end of them.
    """

    shortest_count: int | None
    count: int | None

    def json(self) -> dict[str, Json]:
        """Return the path as JSON, with `shortest_count` and `count`."""
        found = Answer.json(self)
        return {**found, "shortest_count": self.shortest_count, "count": self.count}

    def sentence(self) -> str:
        """Say how many paths there are."""
        hops = max((*self.graph.artifact_hops, *self.graph.execution_hops))
        if self.shortest_count is None:
            return f"A shortest path has {hops} hops; there is too much between the two to count the others."
        shortest = (
            "the shortest path" if self.shortest_count == 1 else f"one of {self.shortest_count:,} shortest"
        )
        total = (
            "there is no end of paths, as there is a cycle"
            if self.count is None
            else f"{self.count:,} in all"
        )
        return f"{hops} hops, {shortest}; {total}."
