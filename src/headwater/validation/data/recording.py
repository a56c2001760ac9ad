"""Verdicts on data versions in the graph, each with what it rests on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from headwater.model import builtin
from headwater.model.blobs import Blob
from headwater.model.data import DataVersion
from headwater.model.graph import (
    Artifact,
    ArtifactLink,
    ArtifactState,
    EventPath,
    EventType,
    ExecutionState,
    NewArtifact,
    NewExecution,
    Publication,
)
from headwater.model.ids import ArtifactId, ExecutionId, TypeId
from headwater.model.protocols import BlobStore, Store
from headwater.model.values import PropertyValue
from headwater.model.verdicts import Outcome
from headwater.validation.data.comparing import Comparison
from headwater.validation.data.statistics import Statistics
from headwater.validation.data.verdicts import DataVerdict, Recorded

GATE: Final = "data"
_DATA: Final[EventPath] = ("data",)
_TYPES: Final = (
    builtin.EVALUATION,
    builtin.VERDICT,
    builtin.STATISTICS,
    builtin.SCHEMA,
    builtin.ANOMALIES,
)


class Records(Protocol):
    """Where verdicts are recorded; a client is one."""

    @property
    def store(self) -> Store:
        """The metadata store."""
        ...

    @property
    def blobs(self) -> BlobStore:
        """Where the bytes go."""
        ...

    @property
    def actor(self) -> str:
        """Who judges."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Statistics to compare with, and the artifact that they are, if they are one."""

    statistics: Statistics
    artifact_id: ArtifactId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDataVerdict:
    """A verdict on a data version, as it stands in the graph."""

    id: ArtifactId
    evaluation_id: ExecutionId
    version: str
    outcome: Outcome
    summary: str
    config_digest: str | None
    time_ms: int


def record(
    into: Records, version: DataVersion, verdict: DataVerdict, others: Mapping[Comparison, Reference]
) -> Recorded:
    """Store a verdict with its statistics, schema and anomalies, and the evaluation that ties them together.

    Bytes first, then everything else in one transaction.

    Raises:
        UnavailableError: the store cannot be reached.
    """
    ids = into.store.types.put(_TYPES, can_add=True, can_omit=True)
    types = {t.name: i for t, i in zip(_TYPES, ids, strict=True)}
    counts = {"errors": len(verdict.errors), "warnings": len(verdict.warnings)}
    links = [
        ArtifactLink(artifact=version.id, type=EventType.INPUT, path=_DATA),
        _schema(into, verdict, types),
        *(_reference(into, other, types, comparison) for comparison, other in others.items()),
        _output("statistics", _statistics(into, types, verdict.statistics, version.ref)),
        _output(
            "anomalies",
            _stored(
                types[builtin.ANOMALIES.name],
                into.blobs.put_bytes(json.dumps(verdict.facts(), ensure_ascii=False).encode()),
                {**counts, "data": version.ref},
            ),
        ),
        _output("verdict", _verdict(types[builtin.VERDICT.name], verdict, version, counts)),
    ]
    done = into.store.links.publish(
        Publication(
            execution=NewExecution(
                type_id=types[builtin.EVALUATION.name],
                state=ExecutionState.COMPLETE,
                properties={"actor": into.actor},
            ),
            artifacts=links,
        )
    )
    made = done.artifact_ids[-3:]
    return Recorded(
        evaluation_id=done.execution_id, statistics_id=made[0], anomalies_id=made[1], verdict_id=made[2]
    )


def stored_statistics(into: Records, version: DataVersion) -> Reference | None:
    """Return the newest statistics that were recorded of a data version, if any were."""
    made = _outputs(into.store, [version.id], builtin.STATISTICS.name)
    if not made:
        return None
    _, artifact, _ = made[-1]
    assert artifact.digest is not None
    return Reference(
        statistics=Statistics.from_json(into.blobs.read(artifact.digest)), artifact_id=artifact.id
    )


def newest_verdicts(store: Store, ids: Sequence[ArtifactId]) -> dict[ArtifactId, StoredDataVerdict]:
    """Return the newest verdict of the data gate on each of some data versions that has one."""
    found: dict[ArtifactId, StoredDataVerdict] = {}
    for data_id, artifact, evaluation in _outputs(store, ids, builtin.VERDICT.name):
        facts = artifact.properties
        if facts.get("gate") != GATE:
            continue
        config = facts.get("config_digest")
        found[data_id] = StoredDataVerdict(
            id=artifact.id,
            evaluation_id=evaluation,
            version=str(facts["version"]),
            outcome=Outcome(str(facts["outcome"])),
            summary=str(facts.get("summary", "")),
            config_digest=config if isinstance(config, str) else None,
            time_ms=artifact.created_ms,
        )
    return found


def _outputs(
    store: Store, ids: Sequence[ArtifactId], type_name: str
) -> list[tuple[ArtifactId, Artifact, ExecutionId]]:
    """Return what evaluations made of data versions, oldest first, without what is deleted."""
    read = store.links.events_of_artifacts(ids, are_outputs=False)
    judged = {e.execution_id: e.artifact_id for e in read if e.path == _DATA}
    made = store.links.events_of_executions([*judged], are_outputs=True) if judged else []
    makers = {e.artifact_id: e.execution_id for e in made}
    artifacts = store.artifacts.get([*makers]) if makers else []
    wanted = [a for a in artifacts if a.type_name == type_name and a.deleted_ms is None]
    wanted.sort(key=lambda a: (a.created_ms, a.id))
    return [(judged[makers[a.id]], a, makers[a.id]) for a in wanted]


def _schema(into: Records, verdict: DataVerdict, types: Mapping[str, TypeId]) -> ArtifactLink:
    blob = into.blobs.put_bytes(verdict.rules.encode())
    known = [
        a
        for a in into.store.artifacts.by_digests([blob.digest])
        if a.type_name == builtin.SCHEMA.name and a.deleted_ms is None
    ]
    new = _stored(types[builtin.SCHEMA.name], blob, {"columns": len(verdict.schema.columns)})
    return ArtifactLink(artifact=known[0].id if known else new, type=EventType.INPUT, path=("schema",))


def _reference(
    into: Records, other: Reference, types: Mapping[str, TypeId], comparison: Comparison
) -> ArtifactLink:
    path = ("previous" if comparison is Comparison.DRIFT else "serving",)
    artifact = other.artifact_id or _statistics(into, types, other.statistics, None)
    return ArtifactLink(artifact=artifact, type=EventType.INPUT, path=path)


def statistics_facts(measured: Statistics) -> dict[str, PropertyValue]:
    """Return what an artifact says of the statistics that its bytes are."""
    return {"row_count": measured.row_count, "columns": len(measured.columns)}


def _statistics(
    into: Records, types: Mapping[str, TypeId], measured: Statistics, ref: str | None
) -> NewArtifact:
    facts = {**statistics_facts(measured), **({"data": ref} if ref else {})}
    return _stored(types[builtin.STATISTICS.name], into.blobs.put_bytes(measured.to_json()), facts)


def _verdict(
    type_id: TypeId, verdict: DataVerdict, version: DataVersion, counts: Mapping[str, int]
) -> NewArtifact:
    distances = {f"{d.comparison}/{d.column}": d.value for d in verdict.distances}
    return NewArtifact(
        type_id=type_id,
        state=ArtifactState.LIVE,
        properties={
            "gate": GATE,
            "outcome": str(verdict.outcome),
            "summary": verdict.summary,
            "facts": {"rows": verdict.statistics.row_count, **counts, "distances": {**distances}},
            "config_digest": verdict.config_digest,
            "version": version.ref,
        },
    )


def _stored(type_id: TypeId, blob: Blob, facts: Mapping[str, PropertyValue]) -> NewArtifact:
    return NewArtifact(
        type_id=type_id,
        state=ArtifactState.LIVE,
        digest=blob.digest,
        size_bytes=blob.size_bytes,
        properties=facts,
    )


def _output(name: str, artifact: NewArtifact) -> ArtifactLink:
    return ArtifactLink(artifact=artifact, type=EventType.OUTPUT, path=(name,))
