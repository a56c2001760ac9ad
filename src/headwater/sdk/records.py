"""Reading what the record of one thing holds beside its history, to tell what it lacks."""

from headwater.model.graph import NodeKind
from headwater.model.ids import ArtifactId, ExecutionId
from headwater.model.lineage import Direction, Walk
from headwater.provenance.completeness import Facts, missing_of
from headwater.provenance.history import Material
from headwater.provenance.missing import Missing
from headwater.sdk.histories import Reading
from headwater.sdk.sources import Sources


def read_missing(sources: Sources, reading: Reading) -> Missing:
    """Tell what the record of something lacks."""
    inputs = inputs_of(reading)
    facts = Facts(
        inputs=inputs,
        evaluations=_evaluations(sources, reading),
        lost=_lost(sources, [material for material, _ in inputs]),
    )
    return missing_of(reading.history, facts)


def inputs_of(reading: Reading) -> list[tuple[Material, str]]:
    """Return what the maker read, with the names that it gave."""
    history = reading.history
    if history.maker is None:
        return []
    known = {material.id: material for material in history.materials}
    return [
        (known[event.artifact_id], str(event.path[0]) if event.path else "")
        for event in reading.graph.events
        if event.execution_id == history.maker.id and event.type.is_input and event.artifact_id in known
    ]


def _evaluations(sources: Sources, reading: Reading) -> list[str]:
    """Return the runs that read the thing and some data."""
    kind, node_id = reading.start
    if kind is not NodeKind.ARTIFACT:
        return []
    store = sources.store
    asked = Walk(artifacts=(ArtifactId(node_id),), direction=Direction.DOWNSTREAM, max_hops=1)
    readers = [ExecutionId(execution) for execution in store.lineage.reach(asked).executions]
    read = [event for event in store.links.events_of_executions(readers) if event.type.is_input]
    data = {version.id for version in store.data.by_artifact_ids(sorted({e.artifact_id for e in read}))}
    return sorted({f"executions/{event.execution_id}" for event in read if event.artifact_id in data})


def _lost(sources: Sources, materials: list[Material]) -> frozenset[int]:
    """Return what has been stored and is no longer there."""
    stored = [material for material in materials if material.stored_digest is not None]
    if not stored:
        return frozenset()
    blobs = sources.blobs()
    return frozenset(each.id for each in stored if not blobs.has(each.stored_digest or ""))
