"""Verdicts: artifacts that evaluations of a version put out."""

from collections.abc import Mapping

import sqlalchemy as sa

from headwater.model import builtin
from headwater.model.graph import (
    Artifact,
    ArtifactState,
    Association,
    Event,
    EventType,
    Execution,
    ExecutionState,
    NewArtifact,
    NewExecution,
)
from headwater.model.ids import ArtifactId, ContextId, ExecutionId
from headwater.model.refs import ModelRef, parse_ref
from headwater.model.values import PropertyValue
from headwater.model.verdicts import NewVerdict, Outcome, Verdict
from headwater.store.sql import versions
from headwater.store.sql.database import Database
from headwater.store.sql.links import Links
from headwater.store.sql.nodes import Artifacts, Executions
from headwater.store.sql.schema import artifact, event, type_
from headwater.store.sql.text import check_length
from headwater.store.sql.types import Types


class Verdicts:
    """Writes and reads verdicts inside a running transaction."""

    def __init__(
        self, db: Database, types: Types, artifacts: Artifacts, executions: Executions, links: Links
    ) -> None:
        self._db = db
        self._types = types
        self._artifacts = artifacts
        self._executions = executions
        self._links = links

    def ensure_types(self) -> None:
        """Store the types of verdicts; a transaction of its own, before `add`."""
        for kind in (builtin.EVALUATION, builtin.VERDICT):
            self._types.ensure(kind)

    def add(self, conn: sa.Connection, owner: ContextId, new: NewVerdict) -> ArtifactId:
        """Store a verdict with its evaluation and its edges.

        Raises:
            NotFoundError, RefusedError: as in `ReleaseStore.add_verdict`.
        """
        check_length("gate", new.gate, least=1)
        check_length("actor", new.actor, least=1)
        judged = versions.require_live(conn, owner, new.model, new.version)
        work = NewExecution(
            type_id=self._types.ensure(builtin.EVALUATION),
            state=ExecutionState.COMPLETE,
            properties={"actor": new.actor},
        )
        execution = self._executions.insert(conn, [work])[0]
        made = NewArtifact(
            type_id=self._types.ensure(builtin.VERDICT),
            state=ArtifactState.LIVE,
            properties=_properties(new),
        )
        verdict = self._artifacts.insert(conn, [made])[0]
        ends = [(judged.artifact_id, EventType.INPUT, "version"), (verdict, EventType.OUTPUT, "verdict")]
        if new.baseline is not None and new.baseline != new.version:
            baseline = versions.require_row(conn, owner, new.model, new.baseline)
            ends.append((baseline.artifact_id, EventType.INPUT, "baseline"))
        self._links.add_missing_events(
            conn,
            [Event(artifact_id=i, execution_id=execution, type=kind, path=(path,)) for i, kind, path in ends],
        )
        self._links.associate(conn, [Association(owner, execution)])
        return verdict

    def of(self, conn: sa.Connection, artifact_id: int) -> list[Verdict]:
        """Return the verdicts on a version, oldest first; deleted ones are left out."""
        read, made = event.alias("read"), event.alias("made")
        rows = conn.execute(
            sa.select(artifact.c.id, made.c.execution_id)
            .select_from(read)
            .join(made, made.c.execution_id == read.c.execution_id)
            .join(artifact, artifact.c.id == made.c.artifact_id)
            .join(type_, type_.c.id == artifact.c.type_id)
            .where(
                read.c.artifact_id == artifact_id,
                read.c.type == EventType.INPUT,
                # A version that others are compared with is an input too.
                read.c.path == '["version"]',
                made.c.type == EventType.OUTPUT,
                type_.c.name == builtin.VERDICT.name,
                artifact.c.deleted_ms.is_(None),
            )
            .order_by(artifact.c.created_ms, artifact.c.id)
        ).all()
        return self._views(conn, {ArtifactId(row.id): ExecutionId(row.execution_id) for row in rows})

    def one(self, conn: sa.Connection, verdict_id: ArtifactId) -> Verdict:
        """Return a stored verdict."""
        maker = sa.select(event.c.execution_id).where(
            event.c.artifact_id == verdict_id, event.c.type == EventType.OUTPUT
        )
        return self._views(conn, {verdict_id: ExecutionId(conn.execute(maker).scalar_one())})[0]

    def _views(self, conn: sa.Connection, makers: Mapping[ArtifactId, ExecutionId]) -> list[Verdict]:
        found = self._artifacts.by_ids(conn, makers)
        work = self._executions.by_ids(conn, makers.values())
        return [_verdict(found[i], work[execution]) for i, execution in makers.items()]


def _properties(new: NewVerdict) -> dict[str, PropertyValue]:
    found: dict[str, PropertyValue] = {
        "gate": new.gate,
        "outcome": str(Outcome(new.outcome)),
        "summary": new.summary,
        "facts": dict(new.facts),
        "version": str(ModelRef(new.model, new.version)),
    }
    if new.config_digest is not None:
        found["config_digest"] = new.config_digest
    if new.baseline is not None:
        found["baseline"] = str(ModelRef(new.model, new.baseline))
    return found


def _verdict(found: Artifact, evaluation: Execution) -> Verdict:
    facts = found.properties
    judged, baseline = _ref(facts["version"]), facts.get("baseline")
    given = facts.get("facts")
    config = facts.get("config_digest")
    return Verdict(
        id=found.id,
        evaluation_id=evaluation.id,
        model=judged.name,
        version=judged.version or 0,
        gate=str(facts["gate"]),
        outcome=Outcome(str(facts["outcome"])),
        actor=str(evaluation.properties.get("actor", "")),
        summary=str(facts.get("summary", "")),
        facts=given if isinstance(given, dict) else {},
        config_digest=config if isinstance(config, str) else None,
        baseline=None if baseline is None else _ref(baseline).version,
        time_ms=found.created_ms,
    )


def _ref(text: PropertyValue) -> ModelRef:
    found = parse_ref(str(text))
    assert isinstance(found, ModelRef)
    return found
