"""MySQL and MariaDB through pymysql: ids come from AUTO_INCREMENT, contiguous within one statement."""

import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import insert
from sqlalchemy.sql.dml import Insert

from headwater.errors import MissingDependencyError, UnavailableError
from headwater.model.values import INT64_MAX, INT64_MIN
from headwater.store.sql import driver
from headwater.store.sql.dialects import Dialect, Row, insert_statement, pieces, update_each

try:
    import pymysql
except ImportError as missing:
    raise MissingDependencyError("pymysql", "mysql", "a MySQL or MariaDB store") from missing

ROWS_PER_STATEMENT: Final = 500
BYTES_PER_STATEMENT: Final = 4_000_000
"""Kept well under the server's default `max_allowed_packet` of 16 MB."""

SETUP_WAIT_S: Final = 60
# A lock's name has at most 64 characters, and a database's name alone can have as many.
_SETUP_LOCK: Final = "CONCAT('headwater setup ', SHA1(DATABASE()))"
_LOCK_WAIT, _DEADLOCK = 1205, 1213
_SERVER_GONE = {1040, 1043, 1053, 1129, 1158, 1159, 1160, 1161, 2002, 2003, 2006, 2013, 2014, 2055}


def open_engine(url: str) -> sa.Engine:
    """Make an engine for `mysql://` (or `mariadb://`)."""
    return sa.create_engine(
        sa.make_url(url).set(drivername="mysql+pymysql").update_query_dict({"charset": "utf8mb4"}),
        # Reads take several statements and see one moment; `_begin_write` says what writes do.
        isolation_level="REPEATABLE READ",
        pool_pre_ping=True,
        pool_recycle=3600,
        pool_size=8,
        max_overflow=24,
    )


def _given(column: sa.ColumnElement[Any], ids: sa.BindParameter[Any]) -> sa.ColumnElement[bool]:
    # The driver writes the ids out. From a subquery of them MariaDB likes to start at the other table, and
    # reads all of it.
    return column.op("IN", is_comparison=True)(ids)


def _listed(ids: Sequence[int]) -> tuple[int, ...]:
    # An empty list is no SQL; no id is 0.
    return tuple(i for i in ids if INT64_MIN <= i <= INT64_MAX) or (0,)


def _packed(ids: Sequence[int]) -> str:
    return json.dumps([i for i in ids if INT64_MIN <= i <= INT64_MAX])


def _insert_nodes(
    conn: sa.Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[Row]
) -> list[int]:
    # An INSERT of a known number of rows takes its ids as one block, a step apart, in every
    # innodb_autoinc_lock_mode; clusters count in steps above 1.
    step = int(conn.exec_driver_sql("SELECT @@auto_increment_increment").scalar_one())
    head, values, one = insert_statement(conn, table, columns).partition(" VALUES ")
    ids: list[int] = []
    for part in _parts(rows):
        text = head + values + ", ".join([one] * len(part))
        result = conn.exec_driver_sql(text, tuple(value for row in part for value in row))
        ids += [result.lastrowid + i * step for i in range(len(part))]
    return ids


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    start, size = 0, 0
    for i, row in enumerate(rows):
        # The longest values are texts and bytes; 100 covers the rest of a row.
        grown = size + 100 + sum(len(v) for v in row if isinstance(v, (str, bytes)))
        if i > start and (grown > BYTES_PER_STATEMENT or i - start == ROWS_PER_STATEMENT):
            yield rows[start:i]
            start, grown = i, 0
        size = grown
    if rows:
        yield rows[start:]


def _insert_rows(conn: sa.Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
    if rows:
        driver.execute_many(conn, insert_statement(conn, table, columns), rows)


def _reserve_ids(conn: sa.Connection, table: sa.Table, last: int) -> None:
    # A row with an id moves the counter past it, and the counter stays when the row goes. ALTER TABLE would
    # end the transaction, wait for all others, and could set the counter back.
    quoted = conn.dialect.identifier_preparer.quote(table.name)
    if driver.fetch(conn, f"SELECT 1 FROM {quoted} WHERE id = %s", (last,)):
        return
    filled = {c.name: _filler(c) for c in table.columns if not c.nullable} | {"id": last}
    driver.execute(conn, insert_statement(conn, table, tuple(filled)), tuple(filled.values()))
    driver.execute(conn, f"DELETE FROM {quoted} WHERE id = %s", (last,))


def _filler(column: sa.Column[Any]) -> int | str:
    return 0 if isinstance(column.type, sa.Integer) else ""


def _insert_missing(table: sa.Table, key: Sequence[str]) -> Insert:
    # Not INSERT IGNORE, which hides other faults as well: setting a key column to itself changes nothing.
    statement = insert(table)
    return statement.on_duplicate_key_update({key[0]: table.c[key[0]]})


def _upsert(table: sa.Table, key: Sequence[str]) -> Insert:
    statement = insert(table)
    return statement.on_duplicate_key_update(
        {c.name: statement.inserted[c.name] for c in table.columns if c.name not in key}
    )


def _begin_write(conn: sa.Connection) -> sa.RootTransaction:
    begun = conn.begin()
    # The default, REPEATABLE READ, locks the gaps between rows and deadlocks writers that never meet.
    conn.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
    return begun


@contextmanager
def _setup_turn(engine: sa.Engine) -> Generator[None]:
    # On a connection of its own, and not for a transaction: making tables ends any transaction here.
    with engine.connect() as conn:
        if conn.exec_driver_sql(f"SELECT GET_LOCK({_SETUP_LOCK}, {SETUP_WAIT_S})").scalar() != 1:
            raise UnavailableError(f"another process has been making the tables for {SETUP_WAIT_S} s")
        try:
            yield
        finally:
            conn.exec_driver_sql(f"SELECT RELEASE_LOCK({_SETUP_LOCK})")


def _code(error: BaseException) -> int:
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, pymysql.MySQLError) and _code(error) in {_LOCK_WAIT, _DEADLOCK}


def _is_unreachable(error: BaseException) -> bool:
    return isinstance(error, pymysql.err.InterfaceError) or (
        isinstance(error, pymysql.MySQLError) and _code(error) in _SERVER_GONE
    )


def _driver(conn: sa.Connection) -> Any:
    return conn.connection.dbapi_connection


def _stream(conn: sa.Connection, statement: str) -> Iterator[Sequence[Row]]:
    from pymysql.cursors import SSCursor

    # Its usual cursor takes all rows at once.
    with _driver(conn).cursor(SSCursor) as cursor:
        cursor.execute(statement)
        yield from pieces(cursor)


MYSQL: Final = Dialect(
    name="mysql",
    open_engine=open_engine,
    shares_commits=False,
    sorts_uris=False,
    given=_given,
    given_ids="JSON_TABLE(%s, '$[*]' COLUMNS (id BIGINT PATH '$')) AS given STRAIGHT_JOIN",
    pack_ids=_listed,
    pack_joined=_packed,
    insert_nodes=_insert_nodes,
    insert_rows=_insert_rows,
    update_numbers=update_each,
    reserve_ids=_reserve_ids,
    insert_missing=_insert_missing,
    upsert=_upsert,
    stream=_stream,
    begin_write=_begin_write,
    setup_turn=_setup_turn,
    is_transient=_is_transient,
    is_unreachable=_is_unreachable,
)
