"""Property rows of nodes: read, written and changed in bulk."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from headwater.model.values import PropertyValue
from headwater.store.sql.database import Database
from headwater.store.sql.dialects import Dialect
from headwater.store.sql.prepared import Prepared, Rows, padded
from headwater.store.sql.text import check_length, decode, encode
from headwater.store.sql.values import VALUE_COLUMNS, Space, value_of, value_row

COLUMNS: Final = ("node_id", "space", "name", *VALUE_COLUMNS)
"""Of a property's row, as it is written."""
_KINDS: Final = 16
"""More than there are kinds: the mark of a row that is read is its space, times this, and its kind."""

LOOKUP_BATCH: Final = 500
"""How many texts one look-up statement may carry."""

_SPACES: Final = {int(space): space for space in Space}

Spaces: TypeAlias = Mapping[Space, Mapping[str, PropertyValue]]
"""A node's properties by space."""


def insert(
    conn: sa.Connection, dialect: Dialect, table: sa.Table, nodes: Iterable[tuple[int, Spaces]]
) -> None:
    """Store the properties of new nodes.

    Raises:
        InvalidError: a name or a value cannot be stored.
    """
    rows = [
        row_of(node_id, space, name, value)
        for node_id, spaces in nodes
        for space, values in spaces.items()
        for name, value in values.items()
    ]
    dialect.insert_rows(conn, table, COLUMNS, rows)


def row_of(node_id: int, space: Space, name: str, value: PropertyValue) -> tuple[Any, ...]:
    """Turn a property into `COLUMNS`.

    Raises:
        InvalidError: the name or the value cannot be stored.
    """
    return (node_id, int(space), _stored_name(name), *value_row(name, value, space))


def as_stored(spaces: Spaces) -> Spaces:
    """Return the properties of a node as they are read once they are stored: copies, names sorted.

    Raises:
        InvalidError: as `insert`.
    """
    rows = [
        _as_read(*row_of(0, space, name, value))
        for space, values in spaces.items()
        for name, value in values.items()
    ]
    return gathered(in_order(rows)).get(0, {})


def read_columns(table: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    """Return what `gathered` takes of a property's row: 7 columns, as a driver takes time for each."""
    c = table.c
    kinds = sa.literal_column(str(_KINDS), sa.SmallInteger())
    mark = (c.space * kinds + c.kind).label("mark")
    text = sa.func.coalesce(c.text_value, c.head).label("text")
    return [c.node_id, mark, c.name, c.int_value, c.number_value, text, c.bytes_value]


def in_order(rows: Rows) -> Rows:
    """Sort one node's rows of `read_columns` by space and name."""
    return sorted(rows, key=lambda row: (row[1] // _KINDS, row[2]))


def _as_read(
    node_id: int, space: int, name: str, kind: int, integer: Any, number: Any, head: Any, text: Any, data: Any
) -> tuple[Any, ...]:
    return (node_id, space * _KINDS + kind, name, integer, number, head if text is None else text, data)


def gathered(rows: Rows) -> dict[int, dict[Space, dict[str, PropertyValue]]]:
    """Return what rows of `read_columns` say, those of one space of one node side by side."""
    found: dict[int, dict[Space, dict[str, PropertyValue]]] = {}
    of_node, of_space = -1, -1
    spaces: dict[Space, dict[str, PropertyValue]] = {}
    values: dict[str, PropertyValue] = {}
    for node_id, mark, name, integer, number, text, data in rows:
        if node_id != of_node:
            of_node, of_space, spaces = node_id, -1, {}
            found[node_id] = spaces
        space = mark // _KINDS
        if space != of_space:
            of_space, values = space, {}
            spaces[_SPACES[space]] = values
        values[decode(name)] = value_of(mark % _KINDS, integer, number, text, data)
    return found


@lru_cache(maxsize=4096)
def _stored_name(name: str) -> str:
    check_length("property name", name, least=1)
    return encode(name)


class PropertyRows:
    """The property table of one kind of node."""

    def __init__(self, db: Database, table: sa.Table) -> None:
        self._db, self._table = db, table
        self._named: dict[int, Prepared] = {}
        self._of_nodes = Prepared(
            db,
            lambda: (
                sa.select(*read_columns(table))
                .where(db.dialect.among(table.c.node_id))
                .order_by(table.c.node_id, table.c.space, table.c.name)
            ),
        )

    def read(
        self, conn: sa.Connection, ids: Sequence[int]
    ) -> dict[int, dict[Space, dict[str, PropertyValue]]]:
        """Return the properties of nodes by node and space, names sorted; nodes without any are left out."""
        return gathered(self._of_nodes.among(conn, ids))

    def named(
        self, conn: sa.Connection, node_id: int, space: Space, names: Iterable[str]
    ) -> dict[str, PropertyValue]:
        """Return those properties of a node that have these names."""
        wanted = [encode(name) for name in names]
        found: dict[str, PropertyValue] = {}
        for start in range(0, len(wanted), LOOKUP_BATCH):
            part = padded(wanted[start : start + LOOKUP_BATCH])
            given = {f"name{i}": name for i, name in enumerate(part)}
            rows = self._of_names(len(part)).rows(conn, node=node_id, space=int(space), **given)
            found |= gathered(rows).get(node_id, {}).get(space, {})
        return found

    def _of_names(self, places: int) -> Prepared:
        c = self._table.c

        def build() -> sa.Select[Any]:
            return sa.select(*read_columns(self._table)).where(
                c.node_id == sa.bindparam("node"),
                c.space == sa.bindparam("space"),
                c.name.in_([sa.bindparam(f"name{i}") for i in range(places)]),
            )

        return self._named.setdefault(places, Prepared(self._db, build))
