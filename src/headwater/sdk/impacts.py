"""Reading what came from a thing, and what lies between two."""

from collections.abc import Iterator

from headwater.model.graph import NodeKind, NodeRef
from headwater.model.ids import ArtifactId, ExecutionId
from headwater.model.lineage import Direction, LineageGraph, Reached, Walk
from headwater.model.protocols import Store
from headwater.model.refs import NodeIdRef
from headwater.provenance.counting import PathCount, count_paths
from headwater.provenance.impact import Affected, Impact, impact_of


def read_impact(store: Store, start: NodeRef) -> Impact:
    """Read everything that came from something.

    Raises:
        NotFoundError: there is no such node.
    """
    origin = store.lineage.walk(_walk(start, Direction.DOWNSTREAM, max_hops=0))
    reached = store.lineage.reach(_walk(start, Direction.DOWNSTREAM))
    found = [*_artifacts(store, reached), *_executions(store, reached)]
    own = _ref_of(store, origin)
    return impact_of(own, (each for each in found if each.hops), is_truncated=reached.is_truncated)


def count_between(store: Store, start: NodeRef, end: NodeRef, route: LineageGraph) -> PathCount | None:
    """Count the paths between the ends of a shortest one; None when too much lies upstream to read it."""
    source, target = (start, end) if _goes_down(start, route) else (end, start)
    reached = store.lineage.reach(_walk(target, Direction.UPSTREAM))
    return None if reached.is_truncated else count_paths(reached.edges, source, target)


def _goes_down(start: NodeRef, route: LineageGraph) -> bool:
    """Tell whether a route follows the flow of data: whether its first event leads away from its start."""
    kind, node_id = start
    for event in route.events:
        if (event.artifact_id if kind is NodeKind.ARTIFACT else event.execution_id) == node_id:
            return event.type.is_input is (kind is NodeKind.ARTIFACT)
    return True


def _walk(start: NodeRef, direction: Direction, max_hops: int | None = None) -> Walk:
    kind, node_id = start
    is_artifact = kind is NodeKind.ARTIFACT
    return Walk(
        artifacts=(ArtifactId(node_id),) if is_artifact else (),
        executions=() if is_artifact else (ExecutionId(node_id),),
        direction=direction,
        max_hops=max_hops,
    )


def _artifacts(store: Store, reached: Reached) -> Iterator[Affected]:
    ids = list(reached.artifacts)
    hops = reached.artifacts
    versions = {version.id: version for version in store.models.by_artifact_ids(ids)}
    data = {version.id: version for version in store.data.by_artifact_ids(ids)}
    for version in versions.values():
        yield Affected(
            ref=version.ref,
            kind="model",
            name=version.model,
            stage=version.stage,
            aliases=version.aliases,
            hops=hops[version.id],
        )
    for version in data.values():
        yield Affected(ref=version.ref, kind="data", name=version.name, hops=hops[version.id])
    others = [each for each in ids if each not in versions and each not in data]
    for artifact in store.artifacts.get(others):
        name = artifact.name or artifact.uri or artifact.type_name
        ref = str(NodeIdRef("artifacts", artifact.id))
        yield Affected(ref=ref, kind="artifact", name=name, hops=hops[artifact.id])


def _executions(store: Store, reached: Reached) -> Iterator[Affected]:
    ids = list(reached.executions)
    runs = {run.id: run for run in store.runs.by_execution_ids(ids)}
    for run in runs.values():
        hops = reached.executions[run.id]
        yield Affected(ref=f"runs/{run.run_id}", kind="run", name=run.experiment, hops=hops)
    for execution in store.executions.get([each for each in ids if each not in runs]):
        ref, hops = str(NodeIdRef("executions", execution.id)), reached.executions[execution.id]
        yield Affected(ref=ref, kind="run", name=execution.type_name, hops=hops)


def _ref_of(store: Store, origin: LineageGraph) -> str:
    """Return the reference of the one node of a graph."""
    ids = Reached(
        artifacts={ArtifactId(artifact.id): 0 for artifact in origin.artifacts},
        executions={ExecutionId(execution.id): 0 for execution in origin.executions},
    )
    return next(each.ref for each in (*_artifacts(store, ids), *_executions(store, ids)))
