"""What differs between the databases, one module each; the rest of the store sees only `Dialect`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias

import msgspec
import sqlalchemy as sa
from sqlalchemy.sql.dml import Insert

from headwater.store.sql import driver

Row: TypeAlias = tuple[Any, ...]
STREAM_ROWS: Final = 50_000
"""Rows in a piece of a streamed answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one kind of database is spoken to.

    Attributes:
        name: `sqlite`, `postgresql` or `mysql`.
        open_engine: Makes the engine for a store URL.
        shares_commits: One writer at a time is all the database allows, so
            waiting writes are committed together.
        sorts_uris: The index of URIs has them in order, so that it leads to those that begin alike.
        given: A condition that a column is among the ids in a parameter, however many there are;
            the parameter is named `ids`, its value comes from `pack_ids`.
        for_one: Rewrites the text of a statement with such a condition for a single id, where that pays;
            its parameter is the id itself then.
        given_ids: The beginning of a driver's own FROM clause that joins a table to the ids
            in a parameter, as `given.id`, starting from the ids.
        pack_joined: Makes that parameter.
        json_list: The name of the aggregate that lists numbers as JSON, where a driver takes longer for rows.
        insert_nodes: Inserts rows without id and returns their new ids, in order.
        insert_rows: Inserts rows the fastest way; parameters as `insert_nodes`.
        update_numbers: Sets columns of numbers of the rows with some keys the fastest way; what it is
            given has the columns' values, and then the key.
        reserve_ids: Makes a table hand out only ids above one from now on.
        insert_missing: An INSERT that leaves out rows whose key is there.
        upsert: An INSERT that overwrites the columns that are not in the key.
        stream: Runs the driver's own text of a query and yields its own rows in pieces, so that a
            large answer is never in memory as a whole.
        alone: Keeps the statements of a connection out of transactions, where beginning and ending one for
            each of them would take two questions more to the server.
        begin_write: Begins a transaction that sees what others commit meanwhile; reads see one moment.
        setup_turn: Keeps other processes from making or upgrading tables.
        is_transient: The statement may succeed when the transaction is tried again.
        is_unreachable: The database did not answer, or stayed locked.
    """

    name: str
    open_engine: Callable[[str], sa.Engine]
    shares_commits: bool
    sorts_uris: bool
    given: Callable[[sa.ColumnElement[Any], sa.BindParameter[Any]], sa.ColumnElement[bool]]
    for_one: Callable[[str], str] | None = None
    given_ids: str
    pack_ids: Callable[[Sequence[int]], Any]
    pack_joined: Callable[[Sequence[int]], Any]
    json_list: str | None = None
    insert_nodes: Callable[[sa.Connection, sa.Table, Sequence[str], Sequence[Row]], list[int]]
    insert_rows: Callable[[sa.Connection, sa.Table, Sequence[str], Sequence[Row]], None]
    update_numbers: Callable[[sa.Connection, sa.Table, str, Sequence[str], Sequence[Row]], None]
    reserve_ids: Callable[[sa.Connection, sa.Table, int], None]
    insert_missing: Callable[[sa.Table, Sequence[str]], Insert]
    upsert: Callable[[sa.Table, Sequence[str]], Insert]
    stream: Callable[[sa.Connection, str], Iterator[Sequence[Row]]]
    alone: Callable[[sa.Connection], AbstractContextManager[None]] | None = None
    begin_write: Callable[[sa.Connection], sa.RootTransaction]
    setup_turn: Callable[[sa.Engine], AbstractContextManager[None]]
    is_transient: Callable[[BaseException], bool]
    is_unreachable: Callable[[BaseException], bool]

    def among(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """Build the condition that a column is among the ids that `Prepared.among` is given."""
        return self.given(column, sa.bindparam("ids", required=False))

    def ids_in(self, column: sa.ColumnElement[Any], ids: Sequence[int]) -> sa.ColumnElement[bool]:
        """Build the condition that a column is among ids, given as one parameter."""
        # The type of what is packed is not that of ids.
        packed = sa.bindparam("ids", self.pack_ids(ids), type_=sa.types.NullType(), unique=True)
        return self.given(column, packed)

    def listing(self, ids: sa.Select[int]) -> sa.Select[Any]:
        """Build the statement that gives the ids of another one in the rows that `unpack_ids` takes."""
        if self.json_list is None:
            return ids
        (column,) = ids.subquery("listed").columns
        return sa.select(sa.Function(self.json_list, column))

    def unpack_ids(self, rows: Sequence[Sequence[Any]]) -> list[int]:
        """Return the ids that a statement of `listing` gave."""
        if self.json_list is None:
            return [row[0] for row in rows]
        return msgspec.json.decode(rows[0][0], type=list[int])


def dialect_for(url: str) -> Dialect:
    """Return the dialect that a store URL names; its driver is imported only now."""
    match url.partition(":")[0].partition("+")[0]:
        case "memory" | "sqlite":
            from headwater.store.sql.dialects.sqlite import SQLITE

            return SQLITE
        case "postgresql" | "postgres":
            from headwater.store.sql.dialects.postgresql import POSTGRESQL

            return POSTGRESQL
        case _:
            from headwater.store.sql.dialects.mysql import MYSQL

            return MYSQL


def insert_statement(conn: sa.Connection, table: sa.Table, columns: Sequence[str]) -> str:
    """Return the driver's own text of an INSERT of these columns, to be run with tuples.

    Tuples handed to the driver are 2 to 4 times faster than SQLAlchemy's
    dictionaries; text has to be encoded by the caller then.
    """
    return _insert_statement(conn.dialect, table, tuple(columns))


@lru_cache(maxsize=256)
def _insert_statement(dialect: sa.Dialect, table: sa.Table, columns: tuple[str, ...]) -> str:
    quote = dialect.identifier_preparer.quote
    names = ", ".join(quote(column) for column in columns)
    mark = "?" if dialect.paramstyle == "qmark" else "%s"
    return f"INSERT INTO {quote(table.name)} ({names}) VALUES ({', '.join([mark] * len(columns))})"


def update_each(
    conn: sa.Connection, table: sa.Table, key: str, columns: Sequence[str], rows: Sequence[Row]
) -> None:
    """`Dialect.update_numbers` by a statement a row."""
    if rows:
        driver.execute_many(conn, _update_statement(conn.dialect, table, key, tuple(columns)), rows)


@lru_cache(maxsize=256)
def _update_statement(dialect: sa.Dialect, table: sa.Table, key: str, columns: tuple[str, ...]) -> str:
    quote = dialect.identifier_preparer.quote
    mark = "?" if dialect.paramstyle == "qmark" else "%s"
    changes = ", ".join(f"{quote(column)} = {mark}" for column in columns)
    return f"UPDATE {quote(table.name)} SET {changes} WHERE {quote(key)} = {mark}"


def pieces(cursor: Any) -> Iterator[Sequence[Row]]:
    """Yield the rows of a driver's cursor in pieces."""
    while rows := cursor.fetchmany(STREAM_ROWS):
        yield rows
