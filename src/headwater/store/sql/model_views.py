"""Registered models and model versions, read from their rows."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from headwater.errors import NotFoundError
from headwater.model.graph import Artifact, Context
from headwater.model.ids import ArtifactId, ContextId, ExecutionId, TypeId
from headwater.model.models import NO_STAGE, Deprecation, ModelVersion, RegisteredModel
from headwater.model.refs import ModelRef
from headwater.store.sql import versions
from headwater.store.sql.database import Database
from headwater.store.sql.model_rows import ModelRows
from headwater.store.sql.nodes import Artifacts, Contexts
from headwater.store.sql.prepared import Rows
from headwater.store.sql.text import decode, decode_optional, encode

LATEST: Final = "latest"


class ModelViews:
    """Puts entities together inside a running transaction."""

    def __init__(self, db: Database, artifacts: Artifacts, contexts: Contexts) -> None:
        self._artifacts = artifacts
        self._contexts = contexts
        self._rows = ModelRows(db)

    def model(self, conn: sa.Connection, type_id: TypeId, name: str) -> RegisteredModel:
        """Return a registered model.

        Raises:
            NotFoundError: there is none; with near names.
        """
        found = self._contexts.single.named(conn, type_id, name)
        if found is None or found.deleted_ms is not None:
            # Looked for once more only for the sake of the error.
            raise versions.no_context(conn, "registered model", type_id, name)
        return self._models(conn, [found])[0]

    def models(self, conn: sa.Connection, ids: Sequence[ContextId]) -> list[RegisteredModel]:
        """Return registered models by id, in that order; unknown ids are left out."""
        found = self._contexts.by_ids(conn, ids)
        return self._models(conn, [found[i] for i in ids if i in found])

    def _models(self, conn: sa.Connection, found: Sequence[Context]) -> list[RegisteredModel]:
        counts: dict[int, int] = {}
        stages: dict[int, dict[str, int]] = {}
        aliases: dict[int, dict[str, int]] = {}
        for model, label, number, count in self._rows.labels.among(conn, [model.id for model in found]):
            # Only a stage counts the versions that are in it.
            if count is None:
                aliases.setdefault(model, {})[decode(label)] = number
            else:
                counts[model] = counts.get(model, 0) + count
                stages.setdefault(model, {})[decode(label)] = number
        return [
            _model(model, aliases.get(model.id, {}), stages.get(model.id, {}), counts.get(model.id, 0))
            for model in found
        ]

    def version(self, conn: sa.Connection, type_id: TypeId, name: str, number: int) -> ModelVersion:
        """Return a version, deleted or not.

        Raises:
            NotFoundError: there is no such model or version.
        """
        rows = self._rows.numbered.rows(conn, type_id=type_id, name=encode(name), number=number)
        if not rows:
            versions.require_context(conn, "registered model", type_id, name)
            raise NotFoundError("model version", str(ModelRef(name, number)))
        return self._versions(conn, rows)[0]

    def labelled(self, conn: sa.Connection, type_id: TypeId, name: str, label: str) -> ModelVersion:
        """Return the version with an alias, or the newest in a stage, or of all.

        Raises:
            NotFoundError: there is no such model, or no such version; with the labels that there are.
        """
        given = {"type_id": type_id, "name": encode(name)}
        if label == LATEST:
            rows = self._rows.latest.rows(conn, **given)
        else:
            given["label"] = encode(label)
            rows = self._rows.aliased.rows(conn, **given)
            if not rows and label != NO_STAGE:
                rows = self._rows.staged.rows(conn, **given)
        if not rows:
            model = self.model(conn, type_id, name)
            near = [*model.aliases, *model.stages]
            raise NotFoundError("model version", str(ModelRef(name, label=label)), near=near)
        return self._versions(conn, rows)[0]

    def newest(self, conn: sa.Connection, ids: Sequence[ContextId]) -> list[ModelVersion]:
        """Return the newest live version of each stage of some models, by model and number."""
        return self._versions(conn, self._rows.newest.among(conn, ids))

    def by_artifacts(
        self, conn: sa.Connection, type_id: TypeId, ids: Sequence[ArtifactId]
    ) -> list[ModelVersion]:
        """Return the versions that some artifacts are, in that order; other artifacts are left out."""
        rows = self._rows.given.among(conn, ids, type_id=type_id)
        return versions.in_order(self._versions(conn, rows), ids)

    def _versions(self, conn: sa.Connection, rows: Rows) -> list[ModelVersion]:
        ids = [row[0] for row in rows]
        artifacts = self._artifacts.by_ids(conn, ids, with_removed=True)
        aliases: dict[int, tuple[str, ...]] = {}
        for artifact_id, name in self._rows.aliases.among(conn, ids) if ids else ():
            aliases[artifact_id] = (*aliases.get(artifact_id, ()), decode(name))
        return [_version(row, artifacts[row[0]], aliases.get(row[0], ())) for row in rows]


def _model(
    found: Context, aliases: Mapping[str, int], stages: Mapping[str, int], count: int
) -> RegisteredModel:
    return RegisteredModel(
        id=found.id,
        name=found.name or "",
        description=_text(found.properties.get("description")),
        owner=_text(found.properties.get("owner")),
        tags=found.custom_properties,
        aliases=dict(sorted(aliases.items())),
        stages={name: number for name, number in stages.items() if name != NO_STAGE},
        unstaged=stages.get(NO_STAGE),
        version_count=count,
        created_ms=found.created_ms,
        updated_ms=found.updated_ms,
        deleted_ms=found.deleted_ms,
    )


def _version(row: Sequence[Any], found: Artifact, aliases: tuple[str, ...]) -> ModelVersion:
    _, model_id, model, number, stage, maker, reason, actor, time_ms = row
    return ModelVersion(
        id=found.id,
        model_id=ContextId(model_id),
        model=decode(model),
        version=number,
        stage=decode(stage),
        aliases=aliases,
        description=_text(found.properties.get("description")),
        uri=found.uri,
        digest=found.digest,
        size_bytes=found.size_bytes,
        properties=found.properties,
        metrics=found.metrics,
        params=found.params,
        tags=found.custom_properties,
        execution_id=None if maker is None else ExecutionId(maker),
        deprecation=_deprecation(decode_optional(reason), actor, time_ms),
        created_ms=found.created_ms,
        updated_ms=found.updated_ms,
        deleted_ms=found.deleted_ms,
        removed_ms=found.removed_ms,
        revision=found.revision,
    )


def _deprecation(reason: str | None, actor: str, time_ms: int) -> Deprecation | None:
    return None if reason is None else Deprecation(reason=reason, actor=decode(actor), time_ms=time_ms)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
