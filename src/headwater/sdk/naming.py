"""From a reference to a node of the graph, and from nodes to what people call them."""

from collections.abc import Sequence

from headwater.errors import InvalidError, NotFoundError
from headwater.model.data import DataVersion
from headwater.model.graph import Artifact, Execution, NodeKind, NodeRef
from headwater.model.ids import ArtifactId, ExecutionId
from headwater.model.lineage import LineageGraph
from headwater.model.models import NO_STAGE, ModelVersion
from headwater.model.protocols import Store
from headwater.model.refs import DataRef, ModelRef, NodeIdRef, Ref, RunRef
from headwater.model.runs import Run
from headwater.provenance.labels import default_label
from headwater.registry import version_of


def start_of(store: Store, ref: Ref) -> NodeRef:
    """Return the node that a reference names.

    Raises:
        InvalidError: it names no artifact or execution.
        NotFoundError: there is no such thing.
    """
    match ref:
        case ModelRef():
            return (NodeKind.ARTIFACT, version_of(store, str(ref)).id)
        case DataRef():
            return (NodeKind.ARTIFACT, _data_version(store, ref).id)
        case RunRef():
            return (NodeKind.EXECUTION, _execution_of(store, ref))
        case NodeIdRef("artifacts", node_id):
            return (NodeKind.ARTIFACT, node_id)
        case NodeIdRef("executions", node_id):
            return (NodeKind.EXECUTION, node_id)
        case _:
            raise InvalidError(f"{ref} has no lineage of its own: name one of its artifacts or executions")


def _data_version(store: Store, ref: DataRef) -> DataVersion:
    return store.data.version(ref.name, ref.version)


def _execution_of(store: Store, ref: RunRef) -> int:
    ids = store.runs.with_prefix(ref.run_id, limit=2)
    if len(ids) > 1:
        raise InvalidError(f"several runs begin with {ref.run_id!r}, such as {ids[0]} and {ids[1]}")
    if ids:
        return store.runs.get(ids)[0].id
    # Lineage stays readable after a run was removed for good.
    removed = store.upkeep.removed_runs(ref.run_id, limit=2)
    if len(removed) != 1:
        raise NotFoundError("run", str(ref))
    return removed[0].node_id


def names_of(store: Store, graph: LineageGraph) -> dict[NodeRef, str]:
    """Name all nodes: versions and runs by their references, the rest by type and name."""
    names: dict[NodeRef, str] = {
        node_ref(node): default_label(node) for node in (*graph.artifacts, *graph.executions)
    }
    artifacts = [ArtifactId(a.id) for a in graph.artifacts]
    names |= {(NodeKind.ARTIFACT, v.id): _version_name(v) for v in store.models.by_artifact_ids(artifacts)}
    names |= {(NodeKind.ARTIFACT, d.id): _data_name(d) for d in store.data.by_artifact_ids(artifacts)}
    executions = [ExecutionId(e.id) for e in graph.executions]
    names |= {(NodeKind.EXECUTION, r.id): _run_name(r) for r in store.runs.by_execution_ids(executions)}
    return names


def _version_name(version: ModelVersion) -> str:
    stage = "" if version.stage == NO_STAGE else version.stage
    removed = "" if version.removed_ms is None else "removed"
    return _with_facts(version.ref, [removed, stage, *_numbers(dict(version.metrics))])


def _data_name(version: DataVersion) -> str:
    rows = version.properties.get("row_count")
    removed = "" if version.removed_ms is None else "removed"
    return _with_facts(version.ref, [removed, f"{rows:,} rows" if isinstance(rows, int) else ""])


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


def node_ref(node: Artifact | Execution) -> NodeRef:
    """Return the kind and id of a node."""
    return (NodeKind.ARTIFACT if isinstance(node, Artifact) else NodeKind.EXECUTION, node.id)
