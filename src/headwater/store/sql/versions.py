"""Numbered versions of a named thing: what registered models and data sets have in common."""

from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa

from headwater.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from headwater.model.graph import MAX_NAME_CHARS, NodeKind
from headwater.model.ids import ArtifactId, ContextId, TypeId
from headwater.model.refs import ModelRef
from headwater.model.upkeep import date_words
from headwater.model.values import INT64_MAX
from headwater.store.sql import tombstones
from headwater.store.sql.schema import artifact, context, tombstone, version
from headwater.store.sql.text import check_length

NEAR: Final = 3
"""How many near names an error offers."""
REMOVED_MS: Final = 0
"""Stands for the time of deletion of a version that was removed for good."""


def check_name(kind: str, name: str) -> None:
    """Check the name of a model or data set.

    Raises:
        InvalidError: it is empty, too long, or has characters that references use.
    """
    # Half the width of a name: references with version and stage have to fit into one as well.
    check_length(f"{kind} name", name, least=1, most=MAX_NAME_CHARS // 2)
    # Escapes make a reference longer than its name.
    check_length("reference", str(ModelRef(name, INT64_MAX)))
    if name != name.strip() or name.strip("/") != name or any(not c.isprintable() for c in name):
        raise InvalidError(
            f"{kind} name {name!r} may not begin or end with a space or slash, nor hold control characters"
        )


def context_id(conn: sa.Connection, type_id: TypeId, name: str, *, locks: bool = False) -> ContextId | None:
    """Return the context of this type and name, if there is one, deleted ones left out."""
    statement = sa.select(context.c.id).where(
        context.c.type_id == type_id, context.c.name == name, context.c.deleted_ms.is_(None)
    )
    found = conn.execute(statement.with_for_update() if locks else statement).scalar()
    return None if found is None else ContextId(found)


def near_names(conn: sa.Connection, type_id: TypeId, name: str) -> list[str]:
    """Return stored names like `name`, the likest first."""
    import difflib

    names = conn.execute(
        sa.select(context.c.name).where(context.c.type_id == type_id, context.c.deleted_ms.is_(None))
    )
    return difflib.get_close_matches(name, [*names.scalars()], n=NEAR, cutoff=0.5)


def require_context(
    conn: sa.Connection, kind: str, type_id: TypeId, name: str, *, locks: bool = False
) -> ContextId:
    """Return the context of this type and name.

    Raises:
        NotFoundError: there is none; with near names.
    """
    found = context_id(conn, type_id, name, locks=locks)
    if found is None:
        raise no_context(conn, kind, type_id, name)
    return found


def no_context(conn: sa.Connection, kind: str, type_id: TypeId, name: str) -> NotFoundError:
    """Return the error for a context that is not there: what became of it, or near names."""
    gone = _obituary(conn, type_id, name)
    return NotFoundError(kind, name, near=[] if gone else near_names(conn, type_id, name), gone=gone)


def _obituary(conn: sa.Connection, type_id: TypeId, name: str) -> str:
    """Say what became of a name; nothing when it was never used."""
    mine = sa.select(context.c.deleted_ms).where(context.c.type_id == type_id, context.c.name == name)
    deleted_ms = conn.execute(mine).scalar()
    if deleted_ms is not None:
        return f"it was deleted on {date_words(deleted_ms)} and can be restored"
    stones = sa.select(tombstone).where(
        tombstone.c.kind == NodeKind.CONTEXT, tombstone.c.type_id == type_id, tombstone.c.name == name
    )
    rows = conn.execute(stones.order_by(tombstone.c.removed_ms.desc()).limit(1)).all()
    return next((stone.obituary for stone in tombstones.entities(conn, rows)), "")


def lock_live(conn: sa.Connection, owner: ContextId) -> None:
    """Lock the row of a context until the commit.

    Raises:
        ConflictError: the context is deleted.
    """
    columns = sa.select(context.c.name, context.c.deleted_ms)
    row = conn.execute(columns.where(context.c.id == owner).with_for_update()).one()
    if row.deleted_ms is not None:
        raise ConflictError(f"{row.name!r} is deleted: restore it, or take another name")


def next_number(conn: sa.Connection, owner: ContextId) -> int:
    """Take the next version number; the row of the context stays locked until the commit.

    Numbers are never used twice, because version rows are never deleted.

    Raises:
        ConflictError: the context is deleted.
    """
    lock_live(conn, owner)
    newest = sa.select(sa.func.max(version.c.number)).where(version.c.context_id == owner)
    return (conn.execute(newest).scalar() or 0) + 1


def rows_of(conn: sa.Connection, condition: sa.ColumnElement[bool]) -> list[Any]:
    """Return version rows with the name of what they are versions of, by number.

    Their `deleted_ms` is `REMOVED_MS` where only the number is left.
    """
    # Under a name of its own, as a condition may look at artifacts itself.
    node = artifact.alias("node")
    deleted_ms = sa.case((node.c.id.is_(None), REMOVED_MS), else_=node.c.deleted_ms)
    statement = (
        sa.select(version, context.c.name.label("name"), deleted_ms.label("deleted_ms"))
        .join(context, context.c.id == version.c.context_id)
        .outerjoin(node, node.c.id == version.c.artifact_id)
        .where(condition)
        .order_by(version.c.context_id, version.c.number)
    )
    return [*conn.execute(statement)]


def require_row(conn: sa.Connection, owner: ContextId, name: str, number: int) -> Any:
    """Return the row of a version, deleted or not.

    Raises:
        NotFoundError: there is no such version.
    """
    mine = sa.and_(version.c.context_id == owner, version.c.number == number)
    found = rows_of(conn, mine)
    if not found:
        raise NotFoundError("model version", str(ModelRef(name, number)))
    return found[0]


def require_live(conn: sa.Connection, owner: ContextId, name: str, number: int) -> Any:
    """Return the row of a version that is not deleted.

    Raises:
        NotFoundError: there is no such version.
        RefusedError: it is deleted.
    """
    row = require_row(conn, owner, name, number)
    refuse_deleted(row)
    return row


def refuse_deleted(row: Any) -> None:
    """Check that a version is not deleted.

    Raises:
        RefusedError: it is.
    """
    if row.deleted_ms is not None:
        way_out = "only its number is left" if row.deleted_ms == REMOVED_MS else "restore it first"
        raise RefusedError(f"{ModelRef(row.name, row.number)} is deleted: {way_out}")


def refuse_held(conn: sa.Connection, mine: sa.ColumnElement[bool]) -> None:
    """Check that none of some versions is in a stage that one version at a time holds.

    Raises:
        RefusedError: naming the first that is.
    """
    for row in rows_of(conn, sa.and_(mine, version.c.exclusive_stage.is_not(None))):
        raise RefusedError(
            f"{ModelRef(row.name, row.number)} is in {row.exclusive_stage}: "
            "nothing that is there can be deleted; move another version there first"
        )


def in_order(found: Iterable[Any], ids: Iterable[ArtifactId]) -> list[Any]:
    """Return entities aligned with ids; those without one are left out."""
    by_id = {entity.id: entity for entity in found}
    return [by_id[i] for i in ids if i in by_id]
