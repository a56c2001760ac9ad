"""Nodes that come from another store, with the ids and times that they have there."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from headwater.errors import ConflictError, InvalidError, NotFoundError
from headwater.model.graph import (
    Artifact,
    Association,
    Attribution,
    Context,
    Event,
    Execution,
    NodeKind,
    NodeType,
    ParentContext,
)
from headwater.model.ids import TypeId
from headwater.model.transfer import Claim, LastIds, NodeKey, Standing, Taken
from headwater.model.values import Properties
from headwater.store.sql import properties, tombstones
from headwater.store.sql.database import Database
from headwater.store.sql.node_fields import storable
from headwater.store.sql.node_tables import ARTIFACTS, CONTEXTS, EXECUTIONS, NodeTable
from headwater.store.sql.properties import Spaces
from headwater.store.sql.schema import type_
from headwater.store.sql.text import check_length
from headwater.store.sql.transfer_edges import EdgeTransfer
from headwater.store.sql.transfer_types import TypeTransfer
from headwater.store.sql.types import Types
from headwater.store.sql.values import Space

Node: TypeAlias = Artifact | Execution | Context
Row: TypeAlias = tuple[Any, ...]

LOOKUP_BATCH: Final = 500
"""How many texts one look-up statement may carry."""
_TABLES: Final = {table.kind: table for table in (ARTIFACTS, EXECUTIONS, CONTEXTS)}
_REPLACED: Final = (Space.PROPERTY, Space.CUSTOM, Space.PARAM)
_DECLARED_OR_CUSTOM: Final = (Space.PROPERTY, Space.CUSTOM)


class Transfers:
    """`TransferStore` in SQL."""

    def __init__(self, db: Database, types: Types) -> None:
        self._db, self._types = db, types
        self._type_transfer = TypeTransfer(db, types)
        self._edges = EdgeTransfer(db)

    def reserve(self, last: LastIds, /) -> None:
        def job(conn: sa.Connection) -> None:
            wanted = [(type_, last.types), *((t.table, last.of(kind)) for kind, t in _TABLES.items())]
            for table, last_id in wanted:
                if last_id > 0:
                    self._db.dialect.reserve_ids(conn, table, last_id)

        self._db.write(job)

    def clashes(self, types: Sequence[NodeType], /) -> list[str]:
        return self._type_transfer.clashes(types)

    def take_types(self, types: Sequence[NodeType], /) -> Taken:
        return self._type_transfer.take(types)

    def compare(self, kind: NodeKind, keys: Sequence[NodeKey], /) -> list[Standing]:
        with self._db.read() as conn:
            return self._compare(conn, _TABLES[kind], keys)

    def claims(self, kind: NodeKind, keys: Sequence[NodeKey], /) -> list[Claim]:
        table = _TABLES[kind].table
        by_type: dict[int, dict[str, int]] = {}
        for key in keys:
            if key.name is not None:
                by_type.setdefault(key.type_id, {})[key.name] = key.id
        external = {key.external_id: key.id for key in keys if key.external_id is not None}
        with self._db.read() as conn:
            found = [*_held(conn, table.c.external_id, external)]
            for type_id, names in by_type.items():
                found += _held(conn, table.c.name, names, table.c.type_id == type_id)
        return found

    def take_nodes(self, kind: NodeKind, nodes: Sequence[Node], /) -> Taken:
        table = _TABLES[kind]
        for node in nodes:
            _check(table, node)
        return self._db.write(lambda conn: self._take(conn, table, nodes))

    def take_events(self, events: Sequence[Event], /) -> int:
        return self._edges.take_events(events)

    def take_memberships(
        self,
        attributions: Sequence[Attribution] = (),
        associations: Sequence[Association] = (),
        parents: Sequence[ParentContext] = (),
    ) -> int:
        return self._edges.take_memberships((*attributions, *associations, *parents))

    def date(self, kind: NodeKind, times: Mapping[int, tuple[int, int]], /) -> None:
        table = _TABLES[kind].table

        def job(conn: sa.Connection) -> None:
            for node_id, (created_ms, updated_ms) in times.items():
                values = {"created_ms": created_ms, "updated_ms": updated_ms}
                conn.execute(sa.update(table).where(table.c.id == node_id).values(values))

        self._db.write(job)

    def count_properties(self, kind: NodeKind, ids: Sequence[int], /) -> int:
        rows = _TABLES[kind].properties
        mine = self._db.dialect.ids_in(rows.c.node_id, ids)
        counted = sa.select(sa.func.count()).where(mine, rows.c.space.in_(_DECLARED_OR_CUSTOM))
        with self._db.read() as conn:
            return conn.execute(counted.select_from(rows)).scalar_one()

    def _take(self, conn: sa.Connection, table: NodeTable, nodes: Sequence[Node]) -> Taken:
        self._require_types(conn, table, {node.type_id for node in nodes})
        standings = self._compare(conn, table, [_key_of(node) for node in nodes], locks=True)
        pairs = [*zip(nodes, standings, strict=True)]
        others = [node.id for node, standing in pairs if standing is Standing.OTHER]
        if others:
            raise ConflictError(f"{table.name} {others[0]} is another one here ({len(others)} such in all)")
        new = [node for node, standing in pairs if standing is Standing.NEW]
        older = [node for node, standing in pairs if standing is Standing.OLDER]
        rows = [*self._taken_out(conn, table, older), *(_row(table, node) for node in new)]
        self._db.dialect.insert_rows(conn, table.table, _columns(table), rows)
        if new:
            # PostgreSQL does not notice ids that it did not give itself.
            self._db.dialect.reserve_ids(conn, table.table, max(node.id for node in new))
        spaces = ((node.id, _spaces(node)) for node in (*older, *new))
        properties.insert(conn, self._db.dialect, table.properties, spaces)
        return Taken(added=len(new), changed=len(older))

    def _taken_out(
        self, conn: sa.Connection, table: NodeTable, nodes: Sequence[Node]
    ) -> list[tuple[Any, ...]]:
        """Take nodes out and return their rows as they are to be put in again.

        Taken out all at once, so that a name which one gives up is free for another.
        """
        if not nodes:
            return []
        column, ids = table.table.c, [node.id for node in nodes]
        mine = self._db.dialect.ids_in(column.id, ids)
        kept = conn.execute(sa.select(column.id, column.deleted_ms, column.revision).where(mine))
        marks = {row.id: (row.deleted_ms, row.revision + 1) for row in kept}
        owner, space = table.properties.c.node_id, table.properties.c.space
        # An artifact's params and metrics are this store's own.
        replaced = _REPLACED if table is EXECUTIONS else _DECLARED_OR_CUSTOM
        owned = sa.and_(self._db.dialect.ids_in(owner, ids), space.in_(replaced))
        conn.execute(sa.delete(table.properties).where(owned))
        conn.execute(sa.delete(table.table).where(mine))
        return [(*_row(table, node)[:-2], *marks[node.id]) for node in nodes]

    def _require_types(self, conn: sa.Connection, table: NodeTable, ids: Iterable[TypeId]) -> None:
        found = self._types.by_ids(conn, ids)
        for type_id in sorted(ids):
            if type_id not in found or found[type_id].kind is not table.kind:
                raise NotFoundError(f"{table.name} type", type_id)

    def _compare(
        self, conn: sa.Connection, table: NodeTable, keys: Sequence[NodeKey], *, locks: bool = False
    ) -> list[Standing]:
        ids = [key.id for key in keys]
        columns = [table.table.c[name] for name in ("id", "type_id", "name", "created_ms", "updated_ms")]
        wanted = (
            sa.select(*columns).where(self._db.dialect.ids_in(table.table.c.id, ids)).order_by(columns[0])
        )
        here = {row[0]: row for row in conn.execute(wanted.with_for_update() if locks else wanted)}
        stones = tombstones.rows_of(conn, self._db.dialect, table.kind, [i for i in ids if i not in here])
        gone = {stone.node_id: stone for stone in stones}
        return [_standing(table, key, here.get(key.id), gone.get(key.id)) for key in keys]


def _standing(table: NodeTable, key: NodeKey, here: Any, gone: Any) -> Standing:
    if here is None and gone is None:
        return Standing.NEW
    found = gone if here is None else here
    # Only contexts get other names, and the tombstone of an execution may have that of its run.
    is_named = here is not None and table.kind is not NodeKind.CONTEXT
    is_other = (found.type_id, found.created_ms) != (key.type_id, key.created_ms)
    if is_other or (is_named and found.name != key.name):
        return Standing.OTHER
    if here is None:
        return Standing.REMOVED
    if here.updated_ms == key.updated_ms:
        return Standing.SAME
    return Standing.OLDER if here.updated_ms < key.updated_ms else Standing.NEWER


def _held(
    conn: sa.Connection,
    column: sa.Column[Any],
    wanted: Mapping[str, int],
    *conditions: sa.ColumnElement[bool],
) -> Iterable[Claim]:
    """Yield the values of a column that nodes other than those that want them have."""
    texts, table = [*wanted], column.table
    for start in range(0, len(texts), LOOKUP_BATCH):
        among = column.in_(texts[start : start + LOOKUP_BATCH])
        for value, holder in conn.execute(sa.select(column, table.c.id).where(among, *conditions)):
            if holder != wanted[value]:
                yield Claim(id=wanted[value], holder_id=holder, field=column.name, value=value)


def _columns(table: NodeTable) -> Sequence[str]:
    own = ("external_id", *table.own, "created_ms", "updated_ms", "deleted_ms", "revision")
    return ("id", "type_id", "name", *own)


def _row(table: NodeTable, node: Node) -> Row:
    own = tuple(storable(getattr(node, name)) for name in ("name", "external_id", *table.own))
    times = (node.created_ms, node.updated_ms)
    return (node.id, node.type_id, *own, *times, node.deleted_ms, node.revision)


def _spaces(node: Node) -> Spaces:
    found: dict[Space, Properties] = {
        Space.PROPERTY: node.properties,
        Space.CUSTOM: node.custom_properties,
    }
    if isinstance(node, Execution):
        found[Space.PARAM] = node.params
    return found


def _key_of(node: Node) -> NodeKey:
    return NodeKey(
        id=node.id,
        type_id=node.type_id,
        name=node.name,
        external_id=node.external_id,
        created_ms=node.created_ms,
        updated_ms=node.updated_ms,
    )


def _check(table: NodeTable, node: Node) -> None:
    if table.kind is NodeKind.CONTEXT and not node.name:
        raise InvalidError(f"context {node.id} has no name: give it one where it comes from")
    try:
        check_length("name", node.name)
        check_length("external id", node.external_id)
        check_length("digest", getattr(node, "digest", None))
        for name in (*node.properties, *node.custom_properties):
            check_length("property name", name, least=1)
    except InvalidError as error:
        raise InvalidError(f"{table.name} {node.id} cannot be stored: {error}") from error
