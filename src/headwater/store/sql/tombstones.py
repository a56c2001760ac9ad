"""What is left of nodes that were removed for good."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from headwater.model.graph import NodeKind
from headwater.model.upkeep import Tombstone
from headwater.store.sql.dialects import Dialect
from headwater.store.sql.schema import tombstone, type_

COLUMNS: Final = tuple(c.name for c in tombstone.columns)


def rows_of(conn: sa.Connection, dialect: Dialect, kind: NodeKind, ids: Sequence[int]) -> list[Any]:
    """Return the tombstones of nodes, by id."""
    if not ids:
        return []
    mine = dialect.ids_in(tombstone.c.node_id, ids)
    statement = sa.select(tombstone).where(tombstone.c.kind == kind, mine).order_by(tombstone.c.node_id)
    return [*conn.execute(statement)]


def obituary(conn: sa.Connection, dialect: Dialect, kind: NodeKind, node_id: int) -> str:
    """Say when a node was deleted and removed; nothing when there never was one."""
    stones = entities(conn, rows_of(conn, dialect, kind, [node_id]))
    return stones[0].obituary if stones else ""


def entities(conn: sa.Connection, rows: Sequence[Any]) -> list[Tombstone]:
    """Turn rows into tombstones, which name their types."""
    named = sa.select(type_.c.id, type_.c.name).where(type_.c.id.in_({row.type_id for row in rows}))
    names = {row.id: row.name for row in conn.execute(named)} if rows else {}
    return [
        Tombstone(
            kind=NodeKind(row.kind),
            type_name=names.get(row.type_id, ""),
            **{name: getattr(row, name) for name in COLUMNS if name not in {"kind", "type_id"}},
        )
        for row in rows
    ]
