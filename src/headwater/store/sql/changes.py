"""Changes of nodes: gathered, then written with a few statements however many there are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from headwater.model.values import PropertyValue
from headwater.store.sql import properties
from headwater.store.sql.database import Database
from headwater.store.sql.node_tables import NodeTable
from headwater.store.sql.prepared import Prepared
from headwater.store.sql.text import encode
from headwater.store.sql.values import Space, same_value

_KEY = ("node_id", "space", "name")


@dataclass(slots=True)
class Changes:
    """What is to be written.

    Attributes:
        rows: Of the node's table, each with the columns that change.
        gone: Keys of property rows.
        kept: Property rows, new and changed.
    """

    rows: list[tuple[tuple[str, ...], dict[str, Any]]] = field(
        default_factory=list[tuple[tuple[str, ...], dict[str, Any]]]
    )
    gone: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    kept: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def set_fields(self, node_id: int, fields: Mapping[str, Any]) -> None:
        """Set columns of a node, to values as the driver takes them."""
        self.rows.append((tuple(fields), {"of_node": node_id, **{f"new_{n}": v for n, v in fields.items()}}))

    def set_properties(
        self,
        node_id: int,
        space: Space,
        *,
        stored: Mapping[str, PropertyValue],
        wanted: Mapping[str, PropertyValue | None],
        replaces: bool = False,
    ) -> bool:
        """Bring the properties of one space to what is wanted; None deletes a key.

        Returns:
            Whether anything differs.
        """
        if not stored and not wanted:
            return False
        gone = [name for name in stored if wanted.get(name, None if replaces else stored[name]) is None]
        self.gone += ({"of_node": node_id, "of_space": int(space), "of_name": encode(name)} for name in gone)
        before = len(self.kept)
        for name, value in wanted.items():
            if value is not None and not (name in stored and same_value(name, stored[name], value)):
                row = properties.row_of(node_id, space, name, value)
                self.kept.append(dict(zip(properties.COLUMNS, row, strict=True)))
        return bool(gone) or len(self.kept) > before


class ChangeWriter:
    """Writes the changes of one kind of node."""

    def __init__(self, db: Database, nodes: NodeTable) -> None:
        self._db, self._table = db, nodes.table
        rows = nodes.properties
        places: dict[str, Any] = {name: sa.bindparam(name) for name in properties.COLUMNS}
        same = (rows.c[name] == sa.bindparam(f"of_{name.removesuffix('_id')}") for name in _KEY)
        is_it = sa.and_(*same)
        self._delete = Prepared(db, lambda: sa.delete(rows).where(is_it))
        self._upsert = Prepared(db, lambda: db.dialect.upsert(rows, _KEY).values(places))
        self._updates: dict[tuple[str, ...], Prepared] = {}

    def write(self, conn: sa.Connection, changes: Changes) -> None:
        """Write changes inside a transaction that holds the nodes' rows locked."""
        if changes.gone:
            self._delete.run_many(conn, changes.gone)
        if changes.kept:
            self._upsert.run_many(conn, changes.kept)
        # In their order: an id that one node gives up is free for the next.
        for names, rows in groupby(changes.rows, key=itemgetter(0)):
            self._update(names).run_many(conn, [row for _, row in rows])

    def _update(self, names: tuple[str, ...]) -> Prepared:
        """Return the statement that sets some columns; those that stay need no index touched."""
        if names not in self._updates:
            values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in names}
            update = sa.update(self._table).where(self._table.c.id == sa.bindparam("of_node"))
            self._updates[names] = Prepared(self._db, lambda: update.values(values))
        return self._updates[names]
