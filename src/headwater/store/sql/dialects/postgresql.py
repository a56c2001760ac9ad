"""PostgreSQL through psycopg 3: bulk goes through COPY, ids come from the table's sequence."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final, cast

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import Insert

from headwater.errors import MissingDependencyError
from headwater.model.values import INT64_MAX, INT64_MIN
from headwater.store.sql import driver
from headwater.store.sql.dialects import Dialect, Row, insert_statement, pieces, update_each

try:
    import psycopg
    from psycopg import errors
except ImportError as missing:
    raise MissingDependencyError("psycopg", "postgresql", "a PostgreSQL store") from missing

_WRITING: Final = "READ COMMITTED"
COPY_ROWS: Final = 4
"""From this many rows on, COPY is faster than a statement a row."""


def open_engine(url: str) -> sa.Engine:
    """Make an engine for `postgresql://`."""
    return sa.create_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"),
        # Reads take several statements and see one moment; `_begin_write` says what writes do.
        isolation_level="REPEATABLE READ",
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=24,
    )


def _given(column: sa.ColumnElement[Any], ids: sa.BindParameter[Any]) -> sa.ColumnElement[bool]:
    return column == sa.any_(sa.type_coerce(ids, ARRAY(sa.BigInteger)))


@lru_cache(maxsize=1024)
def _for_one(text: str) -> str:
    # Of an array whose length it does not know PostgreSQL expects ten ids, and so it plans each call anew,
    # which can take longer than the look-up. For one id it keeps the plan.
    return text.replace("= ANY (%(ids)s)", "= %(ids)s::BIGINT")


def _packed(ids: Sequence[int]) -> str:
    if ids and (min(ids) < INT64_MIN or max(ids) > INT64_MAX):
        ids = [i for i in ids if INT64_MIN <= i <= INT64_MAX]
    # psycopg takes ten times as long for a list, and Python four times as long for each number by itself.
    return f"{{{msgspec.json.encode(ids)[1:-1].decode()}}}"


def _array(values: Iterable[float | None]) -> str:
    return "{" + ",".join(["NULL" if v is None else repr(v) for v in values]) + "}"


def _insert_nodes(
    conn: sa.Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[Row]
) -> list[int]:
    if len(rows) == 1:
        text = f"{insert_statement(conn, table, columns)} RETURNING id"
        return [i for (i,) in driver.fetch(conn, text, rows[0])]
    statement = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
    ids = [i for (i,) in driver.fetch(conn, statement, (f'"{table.name}"', len(rows)))]
    _insert_rows(conn, table, ("id", *columns), [(i, *row) for i, row in zip(ids, rows, strict=True)])
    return ids


def _insert_rows(conn: sa.Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
    if len(rows) < COPY_ROWS:
        if rows:
            driver.execute_many(conn, insert_statement(conn, table, columns), rows)
        return
    quote = conn.dialect.identifier_preparer.quote
    names = ", ".join(quote(c) for c in columns)
    _copy(conn, f"COPY {quote(table.name)} ({names}) FROM STDIN", rows)


def _update_numbers(
    conn: sa.Connection, table: sa.Table, key: str, columns: Sequence[str], rows: Sequence[Row]
) -> None:
    if len(rows) == 1:
        update_each(conn, table, key, columns, rows)
    elif rows:
        arrays = [_array(column) for column in zip(*rows, strict=True)]
        driver.execute(conn, _update_statement(conn.dialect, table, key, tuple(columns)), arrays)


@lru_cache(maxsize=64)
def _update_statement(dialect: sa.Dialect, table: sa.Table, key: str, columns: tuple[str, ...]) -> str:
    # One statement with an array for each column: a statement a row is four times the work for the driver.
    quote = dialect.identifier_preparer.quote
    names = [quote(c) for c in (*columns, key)]
    changes = ", ".join(f"{name} = given.{name}" for name in names[:-1])
    arrays = ", ".join(f"%s::{table.c[name].type.compile(dialect)}[]" for name in (*columns, key))
    where = f"{quote(table.name)}.{names[-1]} = given.{names[-1]}"
    given = f"unnest({arrays}) AS given({', '.join(names)})"
    return f"UPDATE {quote(table.name)} SET {changes} FROM {given} WHERE {where}"


def _copy(conn: sa.Connection, statement: str, rows: Sequence[Row]) -> None:
    cursor = cast("psycopg.Cursor[Any]", conn.connection.cursor())
    try:
        with cursor, cursor.copy(statement.encode()) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        # As SQLAlchemy does for all that goes through its own hands.
        raise DBAPIError.instance(statement, None, error, psycopg.Error, dialect=conn.dialect) from error


def _reserve_ids(conn: sa.Connection, table: sa.Table, last: int) -> None:
    sequence = driver.fetch(conn, "SELECT pg_get_serial_sequence(%s, 'id')", (f'"{table.name}"',))[0][0]
    # Never back: one that is further already stays.
    driver.execute(
        conn, f"SELECT setval(%s, %s) FROM {sequence} WHERE last_value < %s", (sequence, last, last)
    )


def _insert_missing(table: sa.Table, key: Sequence[str]) -> Insert:
    return insert(table).on_conflict_do_nothing(index_elements=list(key))


def _upsert(table: sa.Table, key: Sequence[str]) -> Insert:
    statement = insert(table)
    others = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in key}
    return statement.on_conflict_do_update(index_elements=list(key), set_=others)


@contextmanager
def _alone(conn: sa.Connection) -> Generator[None]:
    connection = _driver(conn)
    connection.autocommit = True
    try:
        yield
    finally:
        if not connection.closed:
            connection.autocommit = False


def _begin_write(conn: sa.Connection) -> sa.RootTransaction:
    # In a snapshot, two writers of one row would make the second fail, and not wait.
    if conn.get_execution_options().get("isolation_level") != _WRITING:
        conn.execution_options(isolation_level=_WRITING)
    return conn.begin()


@contextmanager
def _setup_turn(engine: sa.Engine) -> Generator[None]:
    with engine.begin() as conn:
        conn.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('headwater setup'))")
        yield


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, (errors.SerializationFailure, errors.DeadlockDetected, errors.LockNotAvailable))


def _is_unreachable(error: BaseException) -> bool:
    if isinstance(error, psycopg.OperationalError):
        # No code: the connection broke. 08: the same, told; 53: out of something; 57P: shut down.
        return error.sqlstate is None or error.sqlstate.startswith(("08", "53", "57P"))
    return isinstance(error, psycopg.InterfaceError)


def _driver(conn: sa.Connection) -> Any:
    return conn.connection.dbapi_connection


def _stream(conn: sa.Connection, statement: str) -> Iterator[Sequence[Row]]:
    # A cursor with a name stays on the server; any other one would send all rows at once.
    with _driver(conn).cursor("headwater_stream", binary=True) as cursor:
        cursor.execute(statement)
        yield from pieces(cursor)


POSTGRESQL: Final = Dialect(
    name="postgresql",
    open_engine=open_engine,
    shares_commits=False,
    sorts_uris=False,
    given=_given,
    for_one=_for_one,
    given_ids="unnest(%s::bigint[]) AS given(id) JOIN",
    pack_ids=_packed,
    pack_joined=_packed,
    insert_nodes=_insert_nodes,
    insert_rows=_insert_rows,
    update_numbers=_update_numbers,
    reserve_ids=_reserve_ids,
    insert_missing=_insert_missing,
    upsert=_upsert,
    stream=_stream,
    alone=_alone,
    begin_write=_begin_write,
    setup_turn=_setup_turn,
    is_transient=_is_transient,
    is_unreachable=_is_unreachable,
)
