"""MySQL and MariaDB through pymysql: ids come from AUTO_INCREMENT, contiguous within one statement."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import insert
from sqlalchemy.sql.dml import Insert

from headwater.errors import MissingDependencyError
from headwater.store.sql.dialects import Dialect, Row, insert_statement

try:
    import pymysql
except ImportError as missing:
    raise MissingDependencyError("pymysql", "mysql", "a MySQL or MariaDB store") from missing

ROWS_PER_STATEMENT: Final = 500
BYTES_PER_STATEMENT: Final = 4_000_000
"""Kept well under the server's default `max_allowed_packet` of 16 MB."""

_LOCK_WAIT, _DEADLOCK = 1205, 1213
_SERVER_GONE = {1040, 1043, 1053, 1129, 1158, 1159, 1160, 1161, 2002, 2003, 2006, 2013, 2014, 2055}


def open_engine(url: str) -> sa.Engine:
    """Make an engine for `mysql://` (or `mariadb://`)."""
    return sa.create_engine(
        sa.make_url(url).set(drivername="mysql+pymysql").update_query_dict({"charset": "utf8mb4"}),
        # The default, REPEATABLE READ, locks the gaps between rows and deadlocks writers that never meet.
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_recycle=3600,
        pool_size=8,
        max_overflow=24,
    )


def _ids_in(column: sa.ColumnElement[Any], ids: Sequence[int]) -> sa.ColumnElement[bool]:
    values = sa.text("SELECT v FROM JSON_TABLE(:ids, '$[*]' COLUMNS (v BIGINT PATH '$')) AS given")
    given = values.bindparams(sa.bindparam("ids", json.dumps(list(ids)), unique=True))
    return column.in_(given.columns(sa.column("v", sa.BigInteger)))


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
        conn.exec_driver_sql(insert_statement(conn, table, columns), list(rows))


def _insert_missing(table: sa.Table, key: Sequence[str]) -> Insert:
    # Not INSERT IGNORE, which would hide other faults as well: setting a key column to itself changes nothing.
    statement = insert(table)
    return statement.on_duplicate_key_update({key[0]: table.c[key[0]]})


def _upsert(table: sa.Table, key: Sequence[str]) -> Insert:
    statement = insert(table)
    return statement.on_duplicate_key_update(
        {c.name: statement.inserted[c.name] for c in table.columns if c.name not in key}
    )


def _lock_setup(conn: sa.Connection) -> None:
    # Held until the connection is reset on its return to the pool: tables are made outside transactions here.
    conn.exec_driver_sql("SELECT GET_LOCK(CONCAT('headwater setup ', DATABASE()), 60)")


def _code(error: BaseException) -> int:
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, pymysql.MySQLError) and _code(error) in {_LOCK_WAIT, _DEADLOCK}


def _is_unreachable(error: BaseException) -> bool:
    return isinstance(error, pymysql.err.InterfaceError) or (
        isinstance(error, pymysql.MySQLError) and _code(error) in _SERVER_GONE
    )


MYSQL: Final = Dialect(
    name="mysql",
    open_engine=open_engine,
    shares_commits=False,
    ids_in=_ids_in,
    insert_nodes=_insert_nodes,
    insert_rows=_insert_rows,
    insert_missing=_insert_missing,
    upsert=_upsert,
    lock_setup=_lock_setup,
    is_transient=_is_transient,
    is_unreachable=_is_unreachable,
)
