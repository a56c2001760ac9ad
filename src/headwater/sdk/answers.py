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
        return {"text/plain": str(self)}

    def _name(self, node: Artifact | Execution) -> str:
        return self.names[node_ref(node)]
