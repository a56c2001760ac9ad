"""Reading the history of one thing out of the store, ready to be compared."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from headwater.model.data import DataVersion
from headwater.model.graph import Artifact, Execution, NodeKind, NodeRef
from headwater.model.ids import ArtifactId, ExecutionId
from headwater.model.lineage import Direction, LineageGraph, Walk
from headwater.model.models import ModelVersion
from headwater.model.protocols import Store
from headwater.model.refs import NodeIdRef
from headwater.model.runs import Run
from headwater.model.values import Properties
from headwater.pipelines.tags import SOURCE
from headwater.provenance.changes import Change, FileChange, RowChange
from headwater.provenance.comparing import Evidence, material_changes
from headwater.provenance.history import (
    History,
    Material,
    Step,
    columns_of,
    history_of,
    maker_of,
    shared_name,
)
from headwater.provenance.patches import changed_in
from headwater.sdk.sources import Sources

_NOTHING: Final[Properties] = {}


@dataclass(frozen=True, slots=True)
class Reading:
    """A history with the entities that it was put together from.

    Attributes:
        graph: What a walk upstream found.
        start: Where it began.
        version: The model version that it is of, if it is one.
    """

    history: History
    graph: LineageGraph
    start: NodeRef
    version: ModelVersion | None


def upstream_of(start: NodeRef) -> Walk:
    """Return the question for all that something was made from."""
    kind, node_id = start
    if kind is NodeKind.ARTIFACT:
        return Walk(artifacts=(ArtifactId(node_id),), direction=Direction.UPSTREAM)
    return Walk(executions=(ExecutionId(node_id),), direction=Direction.UPSTREAM)


def read_history(sources: Sources, start: NodeRef) -> Reading:
    """Read where something comes from.

    Raises:
        NotFoundError: there is no such node.
    """
    store = sources.store
    graph = store.lineage.walk(upstream_of(start))
    artifact_ids = [ArtifactId(artifact.id) for artifact in graph.artifacts]
    versions = {version.id: version for version in store.models.by_artifact_ids(artifact_ids)}
    materials = _materials(store, graph, versions)
    steps = _steps(store, graph)
    version = versions.get(ArtifactId(start[1])) if start[0] is NodeKind.ARTIFACT else None
    found = maker_of(graph, start, preferred=version.execution_id if version else None)
    history = history_of(
        graph,
        start,
        _ref(start, materials, steps),
        materials=materials,
        steps=steps,
        maker=_with_bytes(sources, steps[found.id]) if found else None,
        params=version.params if version else None,
        metrics=version.metrics if version else None,
        properties=version.properties if version else _own_properties(graph, start),
    )
    return Reading(history, graph, start, version)


def evidence_for(sources: Sources, before: History, after: History, *, rows: bool) -> Evidence:
    """Ask git for the files between two commits, and where wanted count rows that differ.

    Raises:
        MissingDependencyError: rows are to be counted, and no library reads the tables.
    """
    files, why = _files(sources.folder, before, after)
    counted = _rows(sources, before, after) if rows else {}
    return Evidence(files=files, why_no_files=why, rows=counted)


def _files(folder: Path, before: History, after: History) -> tuple[list[FileChange], str | None]:
    commits = [history.maker.commit if history.maker else None for history in (before, after)]
    one, two = commits
    if one is None or two is None or one == two:
        return [], None
    # Runs git as a program of its own, which most questions do not need.
    from headwater.tracking.git import GitError, changed_files

    try:
        files = changed_files(folder, one, two)
    except GitError as error:
        return [], f"the files between them are not known here: {error}"
    kinds = {"A": Change.ADDED, "D": Change.REMOVED}
    return [FileChange(path=path, change=kinds.get(letter, Change.CHANGED)) for path, letter in files], None


def _rows(sources: Sources, before: History, after: History) -> dict[tuple[int, int], RowChange]:
    from headwater.sdk.tables import row_change

    found: dict[tuple[int, int], RowChange] = {}
    for change in material_changes(before, after, {}):
        one, two = change.before, change.after
        if one and two and (counted := row_change(sources.store, sources.blobs(), one, two)):
            found[one.id, two.id] = counted
    return found


def _materials(
    store: Store, graph: LineageGraph, versions: Mapping[ArtifactId, ModelVersion]
) -> dict[int, Material]:
    data = {d.id: d for d in store.data.by_artifact_ids([ArtifactId(a.id) for a in graph.artifacts])}
    pairs = zip(graph.artifacts, graph.artifact_hops, strict=True)
    return {a.id: _material(a, hops, data.get(a.id), versions.get(a.id)) for a, hops in pairs}


def _material(
    artifact: Artifact, hops: int, data: DataVersion | None, version: ModelVersion | None
) -> Material:
    rows, stored = artifact.properties.get("row_count"), artifact.properties.get("bytes_digest")
    source = artifact.properties.get("source")
    named = data or version
    return Material(
        id=artifact.id,
        ref=named.ref if named else str(NodeIdRef("artifacts", artifact.id)),
        name=data.name if data else version.model if version else shared_name(artifact),
        kind="data" if data else "model" if version else "artifact",
        digest=artifact.digest,
        row_count=rows if isinstance(rows, int) else None,
        columns=columns_of(artifact.properties.get("schema")),
        stored_digest=stored if isinstance(stored, str) else None,
        source=source if isinstance(source, str) else artifact.uri,
        hops=hops,
    )


def _steps(store: Store, graph: LineageGraph) -> dict[int, Step]:
    ids = [ExecutionId(execution.id) for execution in graph.executions]
    runs = {run.id: run for run in store.runs.by_execution_ids(ids)}
    captured = _captured(store, graph.executions)
    pairs = zip(graph.executions, graph.execution_hops, strict=True)
    return {e.id: _step(e, hops, runs.get(ExecutionId(e.id)), captured[e.id]) for e, hops in pairs}


def _captured(store: Store, executions: Sequence[Execution]) -> dict[int, Properties]:
    """Return what was found out of code and environment; of a step that was reused, when it ran."""
    sources = {
        e.id: ExecutionId(s) for e in executions if isinstance(s := e.custom_properties.get(SOURCE), int)
    }
    ran = {found.id: found.properties for found in store.executions.get(sorted({*sources.values()}))}
    return {e.id: ran.get(sources.get(e.id, e.id), e.properties) for e in executions}


def _step(execution: Execution, hops: int, run: Run | None, captured: Properties) -> Step:
    return Step(
        id=execution.id,
        ref=f"runs/{run.run_id}" if run else str(NodeIdRef("executions", execution.id)),
        name=run.experiment if run else execution.type_name,
        label=run.name if run else execution.name,
        params=run.params if run else execution.params,
        captured=captured,
        metrics={key: metric.value for key, metric in run.metrics.items()} if run else {},
        hops=hops,
    )


def _with_bytes(sources: Sources, step: Step) -> Step:
    """Add what the blob store has of a run: its packages, and its uncommitted changes."""
    captured = step.captured
    return Step(
        id=step.id,
        ref=step.ref,
        name=step.name,
        label=step.label,
        params=step.params,
        captured=captured,
        metrics=step.metrics,
        packages=_packages(sources.read(captured.get("packages_digest"))),
        patch=_patch(sources, captured),
        hops=step.hops,
    )


def _packages(data: bytes | None) -> dict[str, str] | None:
    if data is None:
        return None
    try:
        found = json.loads(data)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    return {str(name): str(version) for name, version in cast("dict[str, object]", found).items()}


def _patch(sources: Sources, captured: Properties) -> dict[str, str] | None:
    if captured.get("git_is_dirty") is False:
        return {}
    data = sources.read(captured.get("git_diff_digest"))
    return changed_in(data) if data is not None else None


def _own_properties(graph: LineageGraph, start: NodeRef) -> Properties:
    kind, node_id = start
    found = [a.properties for a in graph.artifacts if a.id == node_id] if kind is NodeKind.ARTIFACT else []
    # Of data there is a format, too, but that of a file says nothing about the content.
    return next((p for p in found if "row_count" not in p and "schema" not in p), _NOTHING)


def _ref(start: NodeRef, materials: Mapping[int, Material], steps: Mapping[int, Step]) -> str:
    kind, node_id = start
    return (materials if kind is NodeKind.ARTIFACT else steps)[node_id].ref
