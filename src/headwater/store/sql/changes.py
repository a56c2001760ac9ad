"""Changes of nodes: gathered, then written with a few statements however many there are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from headwater.model.values import PropertyValue
from headwater.store.sql import properties
from headwater.store.sql.database import Database
from headwater.store.sql.dialects import Row
from headwater.store.sql.node_tables import NodeTable
from headwater.store.sql.prepared import Prepared
from headwater.store.sql.text import encode
from headwater.store.sql.values import Space

_KEY = ("node_id", "space", "name")
_OF_KEY = ("of_node", "of_space", "of_name")


@dataclass(slots=True)
class Changes:
    """What is to be written.

    Attributes:
        rows: Of the node's table: the columns that change, their values, and last the node's id.
        gone: Keys of property rows.
        kept: Property rows, new and changed.
    """

    rows: list[tuple[tuple[str, ...], Row]] = field(default_factory=list[tuple[tuple[str, ...], Row]])
    gone: list[Row] = field(default_factory=list[Row])
    kept: list[Row] = field(default_factory=list[Row])

    def set_fields(self, node_id: int, fields: Mapping[str, Any]) -> None:
        """Set columns of a node, to values as the driver takes them."""
        self.rows.append((tuple(fields), (*fields.values(), node_id)))

    def set_properties(
        self, node_id: int, space: Space, *, kept: Mapping[str, PropertyValue], gone: Iterable[str]
    ) -> None:
        """Set properties of one space of a node, and delete others."""
        self.kept += [properties.row_of(node_id, space, name, value) for name, value in kept.items()]
        self.gone += [(node_id, int(space), encode(name)) for name in gone]


class ChangeWriter:
    """Writes the changes of one kind of node."""

    def __init__(self, db: Database, nodes: NodeTable) -> None:
        self._db, self._table = db, nodes.table
        rows = nodes.properties
        places: dict[str, Any] = {name: sa.bindparam(name) for name in properties.COLUMNS}
        is_it = sa.and_(*(rows.c[name] == sa.bindparam(of) for name, of in zip(_KEY, _OF_KEY, strict=True)))
        self._delete = Prepared(db, lambda: sa.delete(rows).where(is_it))
        self._upsert = Prepared(db, lambda: db.dialect.upsert(rows, _KEY).values(places))
        self._updates: dict[tuple[str, ...], Prepared] = {}

    def write(self, conn: sa.Connection, changes: Changes) -> None:
        """Write changes inside a transaction that holds the nodes' rows locked."""
        self._delete.run_many(conn, _OF_KEY, changes.gone)
        self._upsert.run_many(conn, properties.COLUMNS, changes.kept)
        # In their order: an id that one node gives up is free for the next.
        for names, rows in groupby(changes.rows, key=itemgetter(0)):
            columns = (*map(_new, names), "of_node")
            self._update(names).run_many(conn, columns, [row for _, row in rows])

    def _update(self, names: tuple[str, ...]) -> Prepared:
        """Return the statement that sets some columns; those that stay need no index touched."""
        if names not in self._updates:
            values: dict[str, Any] = {name: sa.bindparam(_new(name)) for name in names}
            update = sa.update(self._table).where(self._table.c.id == sa.bindparam("of_node"))
            self._updates[names] = Prepared(self._db, lambda: update.values(values))
        return self._updates[names]


def _new(column: str) -> str:
    return f"new_{column}"
