"""Lineage of one thing, as its users ask for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from headwater.errors import InvalidError, NotFoundError
from headwater.model.data import DataVersion
from headwater.model.graph import Artifact, Execution, NodeKind, NodeRef
from headwater.model.ids import ArtifactId, ExecutionId
from headwater.model.lineage import Direction, LineageGraph, Walk
from headwater.model.models import NO_STAGE, ModelVersion
from headwater.model.protocols import Store
from headwater.model.refs import DataRef, ModelRef, NodeIdRef, Ref, RunRef, parse_ref
from headwater.model.runs import Run
from headwater.model.values import Json
from headwater.provenance import as_dict, to_dot, to_mermaid, tree_lines
from headwater.provenance.labels import default_label
from headwater.registry import version_of


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
        return self.names[_ref(node)]


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where one thing comes from and what came of it."""

    store: Store
    ref: str
    start: NodeRef

    @classmethod
    def of(cls, store: Store, ref: str) -> Self:
        """Find what a reference names.

        Raises:
            InvalidError: it names no artifact or execution.
            NotFoundError: there is no such thing.
        """
        return cls(store, ref, _start(store, parse_ref(ref)))

    def upstream(self, max_hops: int | None = None) -> Answer:
        """Return what it was made from; one hop goes from an artifact to an execution or back."""
        return self._walk(Direction.UPSTREAM, max_hops)

    def downstream(self, max_hops: int | None = None) -> Answer:
        """Return what came of it."""
        return self._walk(Direction.DOWNSTREAM, max_hops)

    def connected(self, max_hops: int | None = None) -> Answer:
        """Return all that it is connected with, both ways at every step."""
        return self._walk(Direction.BOTH, max_hops)

    def path(self, to: str) -> Answer | None:
        """Return a shortest path to something else, up or down, or None."""
        found = self.store.lineage.path(self.start, _start(self.store, parse_ref(to)))
        return None if found is None else self._answer(found, Direction.BOTH)

    def _walk(self, direction: Direction, max_hops: int | None) -> Answer:
        kind, node_id = self.start
        is_artifact = kind is NodeKind.ARTIFACT
        question = Walk(
            artifacts=(ArtifactId(node_id),) if is_artifact else (),
            executions=() if is_artifact else (ExecutionId(node_id),),
            direction=direction,
            max_hops=max_hops,
        )
        return self._answer(self.store.lineage.walk(question), direction)

    def _answer(self, graph: LineageGraph, direction: Direction) -> Answer:
        return Answer(graph, direction, _names(self.store, graph))


def _start(store: Store, ref: Ref) -> NodeRef:
    match ref:
        case ModelRef():
            return (NodeKind.ARTIFACT, version_of(store, str(ref)).id)
        case DataRef():
            return (NodeKind.ARTIFACT, _data_version(store, ref).id)
        case RunRef():
            return (NodeKind.EXECUTION, _run(store, ref).id)
        case NodeIdRef("artifacts", node_id):
            return (NodeKind.ARTIFACT, node_id)
        case NodeIdRef("executions", node_id):
            return (NodeKind.EXECUTION, node_id)
        case _:
            raise InvalidError(f"{ref} has no lineage of its own: name one of its artifacts or executions")


def _data_version(store: Store, ref: DataRef) -> DataVersion:
    return store.data.version(ref.name, ref.version)


def _run(store: Store, ref: RunRef) -> Run:
    ids = store.runs.with_prefix(ref.run_id, limit=2)
    if not ids:
        raise NotFoundError("run", str(ref))
    if len(ids) > 1:
        raise InvalidError(f"several runs begin with {ref.run_id!r}, such as {ids[0]} and {ids[1]}")
    return store.runs.get(ids)[0]


def _names(store: Store, graph: LineageGraph) -> dict[NodeRef, str]:
    """Name all nodes: versions and runs by their references, the rest by type and name."""
    names: dict[NodeRef, str] = {
        _ref(node): default_label(node) for node in (*graph.artifacts, *graph.executions)
    }
    artifacts = [ArtifactId(a.id) for a in graph.artifacts]
    names |= {(NodeKind.ARTIFACT, v.id): _version_name(v) for v in store.models.by_artifact_ids(artifacts)}
    names |= {(NodeKind.ARTIFACT, d.id): _data_name(d) for d in store.data.by_artifact_ids(artifacts)}
    executions = [ExecutionId(e.id) for e in graph.executions]
    names |= {(NodeKind.EXECUTION, r.id): _run_name(r) for r in store.runs.by_execution_ids(executions)}
    return names


def _version_name(version: ModelVersion) -> str:
    stage = "" if version.stage == NO_STAGE else version.stage
    return _with_facts(version.ref, [stage, *_numbers(dict(version.metrics))])


def _data_name(version: DataVersion) -> str:
    rows = version.properties.get("row_count")
    return _with_facts(version.ref, [f"{rows:,} rows"] if isinstance(rows, int) else [])


def _run_name(run: Run) -> str:
    commit = run.properties.get("git_commit")
    facts = [run.name or "", run.status.name.lower(), *_numbers(dict(run.params))]
    return _with_facts(
        f"runs/{run.run_id[:8]} {run.experiment}",
        [*facts, f"commit {commit[:10]}" if isinstance(commit, str) else ""],
    )


def _with_facts(ref: str, facts: Sequence[str]) -> str:
    shown = ", ".join(fact for fact in facts if fact)
    return f"{ref} ({shown})" if shown else ref


def _numbers(values: dict[str, object]) -> list[str]:
    return [f"{k}={v:.4g}" for k, v in values.items() if isinstance(v, (int, float))][:4]


def _ref(node: Artifact | Execution) -> NodeRef:
    return (NodeKind.ARTIFACT if isinstance(node, Artifact) else NodeKind.EXECUTION, node.id)
