"""One node together with its properties, in one statement.

A server that has to be asked twice, in a transaction so that both answers are of one moment, is asked four
times: half of what a small call costs there.
"""

from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from headwater.model.graph import Artifact, Context, Execution
from headwater.model.ids import TypeId
from headwater.model.values import INT64_MAX, INT64_MIN
from headwater.store.sql.database import Database
from headwater.store.sql.entities import ENTITIES
from headwater.store.sql.node_tables import NodeTable
from headwater.store.sql.prepared import Prepared, Rows
from headwater.store.sql.properties import gathered, in_order, read_columns
from headwater.store.sql.text import encode
from headwater.store.sql.types import Types

N = TypeVar("N", Artifact, Execution, Context)


class SingleNodes(Generic[N]):
    """Reads single nodes of one kind, inside a transaction or alone."""

    def __init__(self, db: Database, types: Types, nodes: NodeTable) -> None:
        """Take where they and their types are kept."""
        self._types = types
        self._width = len(nodes.stored)
        self._entity_of = ENTITIES[nodes.kind]
        self._by_id = Prepared(db, lambda: _with_id(nodes))
        self._named = Prepared(db, lambda: _with_name(nodes))

    def by_id(self, conn: sa.Connection, node_id: int) -> N | None:
        """Return the node with an id, if there is one."""
        if not INT64_MIN <= node_id <= INT64_MAX:
            return None
        return self._entity(conn, self._by_id.rows(conn, id=node_id))

    def named(self, conn: sa.Connection, type_id: TypeId, name: str) -> N | None:
        """Return the node with a type and a name, deleted or not, if there is one."""
        return self._entity(conn, self._named.rows(conn, type_id=type_id, name=encode(name)))

    def _entity(self, conn: sa.Connection, rows: Rows) -> N | None:
        width = self._width
        # In its own row the node has no property, and in theirs only its id.
        node = next((row[:width] for row in rows if row[width] is None), None)
        if node is None:
            return None
        node_id, type_id = node[:2]
        parts = in_order([(node_id, *row[width:]) for row in rows if row[width] is not None])
        type_name = self._types.by_ids(conn, [type_id])[type_id].name
        return self._entity_of(node, type_name, gathered(parts).get(node_id, {}))


def is_named(table: sa.Table) -> sa.ColumnElement[bool]:
    """Build the condition that a node has the type `type_id` and the name `name`."""
    return sa.and_(table.c.type_id == sa.bindparam("type_id"), table.c.name == sa.bindparam("name"))


def _with_id(nodes: NodeTable) -> sa.CompoundSelect[*tuple[Any, ...]]:
    given = sa.bindparam("id", type_=sa.BigInteger())
    return _whole(nodes, nodes.table.c.id == given, given)


def _with_name(nodes: NodeTable) -> sa.CompoundSelect[*tuple[Any, ...]]:
    named = is_named(nodes.table)
    return _whole(nodes, named, sa.select(nodes.table.c.id).where(named).scalar_subquery())


def _whole(
    nodes: NodeTable, condition: sa.ColumnElement[bool], node_id: sa.ColumnElement[int]
) -> sa.CompoundSelect[*tuple[Any, ...]]:
    """Build a row of the node that meets a condition, and one of each property of that with an id.

    A join would repeat the node in each of them, and its URI can be long.
    """
    key, *places = read_columns(nodes.properties)
    _, *others = nodes.table.columns
    node = sa.select(*nodes.table.columns, *map(_null, places)).where(condition)
    return node.union_all(sa.select(key, *map(_null, others), *places).where(key == node_id))


def _null(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    # Of its own type, which PostgreSQL does not guess within a UNION.
    return sa.cast(sa.null(), column.type)
