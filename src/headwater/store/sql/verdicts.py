"""Verdicts: artifacts that evaluations of a version put out."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from headwater.errors import InvalidError, NotFoundError
from headwater.model import builtin
from headwater.model.graph import (
    Artifact,
    ArtifactState,
    Association,
    Event,
    EventPath,
    EventType,
    Execution,
    ExecutionState,
    NewArtifact,
    NewExecution,
)
from headwater.model.ids import ArtifactId, ContextId, ExecutionId
from headwater.model.refs import DataRef, ModelRef, parse_ref
from headwater.model.values import PropertyValue
from headwater.model.verdicts import Exhibit, NewVerdict, Outcome, Verdict
from headwater.store.sql import versions
from headwater.store.sql.database import Database
from headwater.store.sql.links import Links
from headwater.store.sql.nodes import Artifacts, Executions
from headwater.store.sql.schema import artifact, event, type_, version
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
        for kind in (builtin.EVALUATION, builtin.VERDICT, builtin.ARTIFACT, builtin.DATA_SET):
            self._types.ensure(kind)

    def add(self, conn: sa.Connection, owner: ContextId, new: NewVerdict) -> ArtifactId:
        """Store a verdict with its evaluation and its edges.

        Raises:
            NotFoundError, InvalidError, RefusedError: as in `ReleaseStore.add_verdict`.
        """
        _check(new)
        judged = versions.require_live(conn, owner, new.model, new.version)
        work = NewExecution(
            type_id=self._types.ensure(builtin.EVALUATION),
            state=ExecutionState.COMPLETE,
            properties={"actor": new.actor},
        )
        execution = self._executions.insert(conn, [work])[0]
        inputs: dict[EventPath, ArtifactId] = {("version",): ArtifactId(judged.artifact_id)}
        if new.baseline is not None and new.baseline != new.version:
            baseline = versions.require_row(conn, owner, new.model, new.baseline)
            inputs[("baseline",)] = ArtifactId(baseline.artifact_id)
        for i, ref in enumerate(new.data):
            inputs["data", i] = self._data_version(conn, ref)
        outputs = self._insert_outputs(conn, new)
        self._links.add_missing_events(
            conn,
            [
                Event(artifact_id=artifact_id, execution_id=execution, type=kind, path=path)
                for kind, ends in ((EventType.INPUT, inputs), (EventType.OUTPUT, outputs))
                for path, artifact_id in ends.items()
            ],
        )
        self._links.associate(conn, [Association(owner, execution)])
        return outputs["verdict",]

    def _insert_outputs(self, conn: sa.Connection, new: NewVerdict) -> dict[EventPath, ArtifactId]:
        """Store the verdict and its exhibits; return them by their paths."""
        verdict = NewArtifact(
            type_id=self._types.ensure(builtin.VERDICT),
            state=ArtifactState.LIVE,
            properties=_properties(new),
        )
        exhibits = [
            NewArtifact(
                type_id=self._types.ensure(builtin.ARTIFACT),
                state=ArtifactState.LIVE,
                digest=each.digest,
                size_bytes=each.size_bytes,
                properties={"kind": "exhibit"},
            )
            for each in new.exhibits
        ]
        paths: list[EventPath] = [("verdict",), *((each.name,) for each in new.exhibits)]
        return dict(zip(paths, self._artifacts.insert(conn, [verdict, *exhibits]), strict=True))

    def _data_version(self, conn: sa.Connection, ref: str) -> ArtifactId:
        """Return the artifact of a data version, deleted or not.

        Raises:
            NotFoundError: there is none.
        """
        named = _data_ref(ref)
        kind = self._types.ensure(builtin.DATA_SET)
        owner = versions.require_context(conn, "data set", kind, named.name)
        mine = sa.and_(version.c.context_id == owner, version.c.number == named.version)
        if not (found := versions.rows_of(conn, mine)):
            raise NotFoundError("data version", ref)
        return ArtifactId(found[0].artifact_id)

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


def _check(new: NewVerdict) -> None:
    check_length("gate", new.gate, least=1)
    check_length("actor", new.actor, least=1)
    for ref in new.data:
        _data_ref(ref)
    names = ["verdict", *(each.name for each in new.exhibits)]
    if len(set(names)) < len(names) or not all(names):
        raise InvalidError(f"exhibits need names of their own, none of them empty or 'verdict': {names[1:]}")
    for each in new.exhibits:
        check_length("exhibit", each.name)
        check_length("digest", each.digest, least=1)


def _data_ref(ref: str) -> DataRef:
    found = parse_ref(ref)
    if not isinstance(found, DataRef) or found.version is None:
        raise InvalidError(f"{ref!r} is not a data version: name its number, such as data/flights/2")
    return found


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
    if new.data:
        found["data"] = [*new.data]
    if new.exhibits:
        found["exhibits"] = [asdict(each) for each in new.exhibits]
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
        data=tuple(map(str, _list(facts.get("data")))),
        exhibits=tuple(Exhibit(**each) for each in _list(facts.get("exhibits"))),
        time_ms=found.created_ms,
    )


def _list(value: PropertyValue | None) -> list[Any]:
    return value if isinstance(value, list) else []


def _ref(text: PropertyValue) -> ModelRef:
    found = parse_ref(str(text))
    assert isinstance(found, ModelRef)
    return found
