"""Registered models and model versions, read from their rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from headwater.model.graph import Artifact, Context, EventType
from headwater.model.ids import ContextId, ExecutionId
from headwater.model.models import NO_STAGE, Deprecation, ModelVersion, RegisteredModel
from headwater.store.sql import properties, versions
from headwater.store.sql.database import Database
from headwater.store.sql.nodes import Artifacts, Contexts
from headwater.store.sql.schema import alias, artifact, deprecation, event, version
from headwater.store.sql.values import Space


class ModelViews:
    """Puts entities together inside a running transaction."""

    def __init__(self, db: Database, artifacts: Artifacts, contexts: Contexts) -> None:
        self._db = db
        self._artifacts = artifacts
        self._contexts = contexts

    def models(self, conn: sa.Connection, ids: Sequence[ContextId]) -> list[RegisteredModel]:
        """Return registered models by id, in that order; unknown ids are left out."""
        found = self._contexts.by_ids(conn, ids)
        counts, stages = self._stages(conn, ids)
        aliases = self._aliases_of_models(conn, ids)
        return [
            _model(found[i], aliases.get(i, {}), stages.get(i, {}), counts.get(i, 0))
            for i in ids
            if i in found
        ]

    def versions(self, conn: sa.Connection, condition: sa.ColumnElement[bool]) -> list[ModelVersion]:
        """Return the versions whose rows meet a condition, by model and number."""
        rows = versions.rows_of(conn, condition)
        ids = [row.artifact_id for row in rows]
        artifacts = self._artifacts.by_ids(conn, ids, with_removed=True)
        spaces = self._artifacts.properties_of(conn, ids)
        named = self._aliases(conn, ids)
        makers = self._makers(conn, ids)
        deprecated = self._deprecations(conn, ids)
        return [
            _version(
                row,
                artifacts[row.artifact_id],
                spaces.get(row.artifact_id, {}),
                named.get(row.artifact_id, ()),
                makers.get(row.artifact_id),
                deprecated.get(row.artifact_id),
            )
            for row in rows
        ]

    def _aliases(self, conn: sa.Connection, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
        mine = self._db.dialect.ids_in(alias.c.artifact_id, ids)
        found: dict[int, tuple[str, ...]] = {}
        for artifact_id, name in conn.execute(
            sa.select(alias.c.artifact_id, alias.c.name).where(mine).order_by(alias.c.name)
        ):
            found[artifact_id] = (*found.get(artifact_id, ()), name)
        return found

    def _makers(self, conn: sa.Connection, ids: Sequence[int]) -> dict[int, ExecutionId]:
        mine = self._db.dialect.ids_in(event.c.artifact_id, ids)
        made = sa.select(event.c.artifact_id, sa.func.min(event.c.execution_id)).where(
            mine, event.c.type == EventType.OUTPUT
        )
        return {a: ExecutionId(e) for a, e in conn.execute(made.group_by(event.c.artifact_id))}

    def _deprecations(self, conn: sa.Connection, ids: Sequence[int]) -> dict[int, Deprecation]:
        mine = self._db.dialect.ids_in(deprecation.c.artifact_id, ids)
        return {
            row.artifact_id: Deprecation(reason=row.reason, actor=row.actor, time_ms=row.time_ms)
            for row in conn.execute(sa.select(deprecation).where(mine))
        }

    def _stages(
        self, conn: sa.Connection, ids: Sequence[ContextId]
    ) -> tuple[dict[int, int], dict[int, dict[str, int]]]:
        """Return the count of live versions, and the newest number in each stage (also `none`), by model."""
        owner, stage = version.c.context_id, version.c.stage
        grouped = (
            sa.select(owner, stage, sa.func.count(), sa.func.max(version.c.number))
            .join(artifact, artifact.c.id == version.c.artifact_id)
            .where(self._db.dialect.ids_in(owner, ids), artifact.c.deleted_ms.is_(None))
        )
        counts: dict[int, int] = {}
        stages: dict[int, dict[str, int]] = {}
        for model, name, count, newest in conn.execute(grouped.group_by(owner, stage)):
            counts[model] = counts.get(model, 0) + count
            stages.setdefault(model, {})[name] = newest
        return counts, stages

    def _aliases_of_models(self, conn: sa.Connection, ids: Sequence[ContextId]) -> dict[int, dict[str, int]]:
        named = (
            sa.select(alias.c.context_id, alias.c.name, version.c.number)
            .join(version, version.c.artifact_id == alias.c.artifact_id)
            .where(self._db.dialect.ids_in(alias.c.context_id, ids))
            .order_by(alias.c.name)
        )
        found: dict[int, dict[str, int]] = {}
        for model, name, number in conn.execute(named):
            found.setdefault(model, {})[name] = number
        return found


def _model(
    found: Context, aliases: Mapping[str, int], stages: Mapping[str, int], count: int
) -> RegisteredModel:
    return RegisteredModel(
        id=found.id,
        name=found.name or "",
        description=_text(found.properties.get("description")),
        owner=_text(found.properties.get("owner")),
        tags=found.custom_properties,
        aliases=aliases,
        stages={name: number for name, number in stages.items() if name != NO_STAGE},
        unstaged=stages.get(NO_STAGE),
        version_count=count,
        created_ms=found.created_ms,
        updated_ms=found.updated_ms,
        deleted_ms=found.deleted_ms,
    )


def _version(
    row: Any,
    found: Artifact,
    spaces: properties.Spaces,
    aliases: tuple[str, ...],
    maker: ExecutionId | None,
    deprecated: Deprecation | None,
) -> ModelVersion:
    metrics = {k: v for k, v in spaces.get(Space.METRIC, {}).items() if isinstance(v, float)}
    return ModelVersion(
        id=found.id,
        model_id=ContextId(row.context_id),
        model=row.name,
        version=row.number,
        stage=row.stage,
        aliases=aliases,
        description=_text(found.properties.get("description")),
        uri=found.uri,
        digest=found.digest,
        size_bytes=found.size_bytes,
        properties=found.properties,
        metrics=metrics,
        params=spaces.get(Space.PARAM, {}),
        tags=found.custom_properties,
        execution_id=maker,
        deprecation=deprecated,
        created_ms=found.created_ms,
        updated_ms=found.updated_ms,
        deleted_ms=found.deleted_ms,
        removed_ms=found.removed_ms,
        revision=found.revision,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
