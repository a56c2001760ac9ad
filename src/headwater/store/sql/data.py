"""Data sets: a context with numbered artifacts, one for each content."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from headwater.errors import NotFoundError
from headwater.model import builtin
from headwater.model.data import DataSet, DataVersion, NewDataVersion
from headwater.model.graph import Artifact, ArtifactState, Attribution, NewArtifact, NewContext
from headwater.model.ids import ArtifactId, ContextId
from headwater.store.sql import versions
from headwater.store.sql.database import Database
from headwater.store.sql.links import Links
from headwater.store.sql.nodes import Artifacts, Contexts
from headwater.store.sql.schema import artifact, context, version
from headwater.store.sql.text import check_length
from headwater.store.sql.types import Types


class Data:
    """`DataStore` in SQL."""

    def __init__(
        self, db: Database, types: Types, artifacts: Artifacts, contexts: Contexts, links: Links
    ) -> None:
        self._db = db
        self._types = types
        self._artifacts = artifacts
        self._contexts = contexts
        self._links = links

    def add_version(self, new: NewDataVersion, /) -> DataVersion:
        versions.check_name("data set", new.name)
        check_length("digest", new.digest, least=1)
        set_type, data_type = self._types.ensure(builtin.DATA_SET), self._types.ensure(builtin.DATASET)

        def job(conn: sa.Connection) -> ArtifactId:
            owner = self._contexts.ensure(conn, NewContext(type_id=set_type, name=new.name))
            number = versions.next_number(conn, owner)
            same = sa.and_(version.c.context_id == owner, version.c.content == new.digest)
            if stored := versions.rows_of(conn, same):
                found = ArtifactId(stored[0].artifact_id)
                # Whoever records deleted content anew needs it.
                self._artifacts.mark_deleted(conn, [found], None)
                return found
            new_artifact = NewArtifact(
                type_id=data_type,
                uri=new.uri,
                state=ArtifactState.LIVE,
                digest=new.digest,
                size_bytes=new.size_bytes,
                properties=new.properties,
            )
            return self._insert(conn, new_artifact, owner, number)

        return self.by_artifact_ids([self._db.write(job)])[0]

    def version(self, name: str, number: int | None = None, /) -> DataVersion:
        kind = self._types.ensure(builtin.DATA_SET)
        with self._db.read() as conn:
            owner = versions.require_context(conn, "data set", kind, name)
            mine = sa.and_(version.c.context_id == owner, _is_live())
            newest = sa.select(sa.func.max(version.c.number)).where(mine)
            wanted = newest.scalar_subquery() if number is None else sa.literal(number)
            found = self._load(conn, sa.and_(version.c.context_id == owner, version.c.number == wanted))
        if not found:
            raise NotFoundError("data version", f"data/{name}/{number}")
        return found[0]

    def versions(self, name: str, /) -> list[DataVersion]:
        kind = self._types.ensure(builtin.DATA_SET)
        with self._db.read() as conn:
            owner = versions.context_id(conn, kind, name)
            mine = sa.and_(version.c.context_id == owner, _is_live())
            return [] if owner is None else self._load(conn, mine)

    def all(self) -> list[DataSet]:
        kind = self._types.ensure(builtin.DATA_SET)
        count = sa.func.count(version.c.artifact_id)
        statement = (
            sa.select(context.c.id, count)
            .select_from(context)
            .outerjoin(version, sa.and_(version.c.context_id == context.c.id, _is_live()))
            .where(context.c.type_id == kind, context.c.deleted_ms.is_(None))
            .group_by(context.c.id)
        )
        with self._db.read() as conn:
            counts = dict(conn.execute(statement).all())
            found = self._contexts.by_ids(conn, counts)
        sets = [
            DataSet(
                id=ContextId(c.id),
                name=c.name or "",
                description=_text(c.properties.get("description")),
                tags=c.custom_properties,
                version_count=counts[c.id],
                created_ms=c.created_ms,
                updated_ms=c.updated_ms,
            )
            for c in found.values()
        ]
        return sorted(sets, key=lambda s: s.name)

    def by_artifact_ids(self, ids: Sequence[ArtifactId], /) -> list[DataVersion]:
        kind = self._types.ensure(builtin.DATA_SET)
        with self._db.read() as conn:
            mine = self._db.dialect.ids_in(version.c.artifact_id, ids)
            found = self._load(conn, sa.and_(mine, context.c.type_id == kind))
        return versions.in_order(found, ids)

    def _insert(
        self, conn: sa.Connection, artifact: NewArtifact, owner: ContextId, number: int
    ) -> ArtifactId:
        artifact_id = self._artifacts.insert(conn, [artifact])[0]
        row = {"artifact_id": artifact_id, "context_id": owner, "number": number, "content": artifact.digest}
        conn.execute(sa.insert(version).values(row))
        self._links.attribute(conn, [Attribution(owner, artifact_id)])
        return artifact_id

    def _load(self, conn: sa.Connection, condition: sa.ColumnElement[bool]) -> list[DataVersion]:
        rows = versions.rows_of(conn, condition)
        ids = [row.artifact_id for row in rows]
        artifacts = self._artifacts.by_ids(conn, ids, with_removed=True)
        return [_data_version(row, artifacts[row.artifact_id]) for row in rows]


def _is_live() -> sa.ColumnElement[bool]:
    mine = sa.select(artifact.c.id).where(
        artifact.c.id == version.c.artifact_id, artifact.c.deleted_ms.is_(None)
    )
    return mine.exists()


def _data_version(row: Any, artifact: Artifact) -> DataVersion:
    return DataVersion(
        id=artifact.id,
        dataset_id=ContextId(row.context_id),
        name=row.name,
        version=row.number,
        digest=row.content or artifact.digest or "",
        uri=artifact.uri,
        size_bytes=artifact.size_bytes,
        properties=artifact.properties,
        tags=artifact.custom_properties,
        created_ms=artifact.created_ms,
        deleted_ms=artifact.deleted_ms,
        removed_ms=artifact.removed_ms,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
