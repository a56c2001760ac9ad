"""What happens to models and versions beside their stages: described, deprecated, deleted, restored."""

from typing import Any

import sqlalchemy as sa

from headwater.errors import NotFoundError, RefusedError
from headwater.model.approvals import RequestStatus
from headwater.model.graph import ArtifactChange, ContextChange
from headwater.model.ids import ArtifactId, ContextId
from headwater.model.models import Description
from headwater.model.refs import ModelRef
from headwater.model.values import Json, PropertyValue
from headwater.store.sql import holders, versions
from headwater.store.sql.database import Database
from headwater.store.sql.ledger import Ledger
from headwater.store.sql.names import RENAME
from headwater.store.sql.nodes import Artifacts, Contexts
from headwater.store.sql.processes import Processes
from headwater.store.sql.requests import close_requests
from headwater.store.sql.schema import alias, artifact, context, deprecation, version


class Lifecycle:
    """Changes models and versions inside a running transaction; the caller holds the model's row locked."""

    def __init__(
        self, db: Database, artifacts: Artifacts, contexts: Contexts, ledger: Ledger, processes: Processes
    ) -> None:
        self._db = db
        self._artifacts = artifacts
        self._contexts = contexts
        self._ledger = ledger
        self._processes = processes

    def describe(self, conn: sa.Connection, owner: ContextId, new: Description) -> None:
        """Set description, owner and tags of a model or version; the first two are decisions."""
        wanted: dict[str, PropertyValue | None] = dict(new.facts)
        if new.version is None:
            stored = self._contexts.by_ids(conn, [owner])[owner].properties
            change = ContextChange(id=owner, properties=wanted, custom_properties=new.tags)
            self._contexts.change(conn, [change])
        else:
            row = versions.require_live(conn, owner, new.model, new.version)
            stored = self._artifacts.by_ids(conn, [row.artifact_id])[row.artifact_id].properties
            of_version = ArtifactChange(
                id=ArtifactId(row.artifact_id), properties=wanted, custom_properties=new.tags
            )
            self._artifacts.change(conn, [of_version])
        changed: dict[str, Json] = {
            name: {"before": _text(stored.get(name)), "after": _text(value)}
            for name, value in wanted.items()
            if stored.get(name) != value
        }
        if changed:
            self._note(conn, new.actor, "describe", ModelRef(new.model, new.version), new.reason, changed)

    def rename(
        self, conn: sa.Connection, owner: ContextId, name: str, new_name: str, *, actor: str, reason: str
    ) -> None:
        """Give a model another name; noted under both, so that each name's history says so."""
        if new_name == name:
            raise RefusedError(f"{ModelRef(name)} is called so already")
        self._contexts.change(conn, [ContextChange(id=owner, name=new_name)])
        for subject in (name, new_name):
            self._note(conn, actor, RENAME, ModelRef(subject), reason, {"before": name, "after": new_name})

    def deprecate(
        self, conn: sa.Connection, owner: ContextId, name: str, number: int, *, actor: str, reason: str
    ) -> None:
        """Say that nobody should use a version any more."""
        row = versions.require_live(conn, owner, name, number)
        subject = ModelRef(name, number)
        if self._is_deprecated(conn, row):
            raise RefusedError(f"{subject} is deprecated already")
        values = {
            "artifact_id": row.artifact_id,
            "reason": reason,
            "actor": actor,
            "time_ms": self._db.clock_ms(),
        }
        conn.execute(sa.insert(deprecation).values(values))
        self._note(conn, actor, "deprecate", subject, reason, {})

    def undeprecate(
        self, conn: sa.Connection, owner: ContextId, name: str, number: int, *, actor: str, reason: str
    ) -> None:
        """Take a deprecation back."""
        row = versions.require_live(conn, owner, name, number)
        subject = ModelRef(name, number)
        if not self._is_deprecated(conn, row):
            raise RefusedError(f"{subject} is not deprecated")
        conn.execute(sa.delete(deprecation).where(deprecation.c.artifact_id == row.artifact_id))
        self._note(conn, actor, "undeprecate", subject, reason, {})

    def delete_version(
        self,
        conn: sa.Connection,
        owner: ContextId,
        name: str,
        number: int,
        *,
        actor: str,
        reason: str,
        force: bool,
    ) -> None:
        """Mark a version as deleted; its aliases and open requests go too."""
        row = versions.require_row(conn, owner, name, number)
        if row.deleted_ms is not None:
            raise RefusedError(f"{ModelRef(name, number)} is deleted already")
        self._check_delete(conn, owner, [row], force=force)
        self._remove(conn, owner, row, self._db.clock_ms(), actor=actor, reason=reason)
        details: dict[str, Json] = {"stage": row.stage, "forced": force}
        self._note(conn, actor, "delete", ModelRef(name, number), reason, details)

    def restore_version(
        self, conn: sa.Connection, owner: ContextId, name: str, number: int, *, actor: str, reason: str
    ) -> None:
        """Take the deletion of a version back; its aliases do not come back."""
        row = versions.require_row(conn, owner, name, number)
        if row.deleted_ms is None:
            raise RefusedError(f"{ModelRef(name, number)} is not deleted")
        if row.deleted_ms == versions.REMOVED_MS:
            raise NotFoundError("model version", str(ModelRef(name, number)))
        self._set_deleted(conn, artifact, [row.artifact_id], None)
        self._note(conn, actor, "restore", ModelRef(name, number), reason, {"stage": row.stage})

    def delete(
        self, conn: sa.Connection, owner: ContextId, name: str, *, actor: str, reason: str, force: bool
    ) -> None:
        """Mark a model with all its versions as deleted."""
        live = [
            row for row in versions.rows_of(conn, version.c.context_id == owner) if row.deleted_ms is None
        ]
        self._check_delete(conn, owner, live, force=force)
        now = self._db.clock_ms()
        for row in live:
            self._remove(conn, owner, row, now, actor=actor, reason=reason)
        self._set_deleted(conn, context, [owner], now)
        details: dict[str, Json] = {"versions": [row.number for row in live], "forced": force}
        self._note(conn, actor, "delete", ModelRef(name), reason, details)

    def restore(self, conn: sa.Connection, kind: int, name: str, *, actor: str, reason: str) -> None:
        """Take the deletion of a model back, and that of the versions that were deleted with it."""
        gone = sa.select(context.c.id, context.c.deleted_ms).where(
            context.c.type_id == kind, context.c.name == name
        )
        found = conn.execute(gone.with_for_update()).one_or_none()
        if found is None:
            raise NotFoundError("registered model", name)
        if found.deleted_ms is None:
            raise RefusedError(f"{ModelRef(name)} is not deleted")
        mine = versions.rows_of(conn, version.c.context_id == found.id)
        together = [row for row in mine if row.deleted_ms == found.deleted_ms]
        self._set_deleted(conn, context, [found.id], None)
        self._set_deleted(conn, artifact, [row.artifact_id for row in together], None)
        details: dict[str, Json] = {"versions": [row.number for row in together]}
        self._note(conn, actor, "restore", ModelRef(name), reason, details)

    def _check_delete(self, conn: sa.Connection, owner: ContextId, rows: list[Any], *, force: bool) -> None:
        ids = [row.artifact_id for row in rows]
        versions.refuse_held(conn, self._db.dialect.ids_in(version.c.artifact_id, ids))
        if force or not rows:
            return
        exclusive = self._processes.of(conn, owner).stages.exclusive | self._processes.fallback_exclusive
        held = [
            str(row.number)
            for row in rows
            if holders.has_held(conn, self._ledger, row.name, row.number, exclusive)
        ]
        if held:
            raise RefusedError(
                f"{ModelRef(rows[0].name)}: version {', '.join(held)} was in "
                f"{' or '.join(sorted(exclusive))} once; to delete it all the same, force it"
            )

    def _remove(
        self, conn: sa.Connection, owner: ContextId, row: Any, now: int, *, actor: str, reason: str
    ) -> None:
        mine = sa.and_(alias.c.context_id == owner, alias.c.artifact_id == row.artifact_id)
        names = conn.execute(sa.select(alias.c.name).where(mine).order_by(alias.c.name)).scalars().all()
        conn.execute(sa.delete(alias).where(mine))
        for label in names:
            details: dict[str, Json] = {"alias": label, "from": row.number, "to": None}
            self._note(conn, actor, "alias", ModelRef(row.name), reason, details)
        close_requests(conn, row.artifact_id, None, now_ms=now, status=RequestStatus.WITHDRAWN)
        self._set_deleted(conn, artifact, [row.artifact_id], now)

    def _set_deleted(
        self, conn: sa.Connection, table: sa.Table, ids: list[int], deleted_ms: int | None
    ) -> None:
        conn.execute(
            sa.update(table)
            .where(self._db.dialect.ids_in(table.c.id, ids))
            .values(deleted_ms=deleted_ms, revision=table.c.revision + 1)
        )

    def _is_deprecated(self, conn: sa.Connection, row: Any) -> bool:
        mine = sa.select(deprecation.c.artifact_id).where(deprecation.c.artifact_id == row.artifact_id)
        return conn.execute(mine).first() is not None

    def _note(
        self,
        conn: sa.Connection,
        actor: str,
        action: str,
        subject: ModelRef,
        reason: str,
        details: dict[str, Json],
    ) -> None:
        self._ledger.append(
            conn, actor=actor, action=action, subject=str(subject), reason=reason, details=details
        )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
