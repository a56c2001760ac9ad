"""SQLite: WAL, one writer at a time, ids counted up by AUTOINCREMENT."""

import random
import sqlite3
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.event import listen
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool
from sqlalchemy.sql.dml import Insert

from headwater.errors import InvalidError, UnavailableError
from headwater.store.sql import driver
from headwater.store.sql.dialects import Dialect, Row, insert_statement, pieces, update_each

BUSY_TIMEOUT_S: Final = 30
TURN_POLL_S: Final = 0.001
"""Wait for another process's transaction between two looks. SQLite's own waits grow to 100 ms, in which the
others take turn after turn."""
PAGE_CACHE_KIB: Final = 64_000
CHECKPOINT_PAGES: Final = 4_000
"""Pages of 4 KiB after which the log goes into the file, with a sync of both: the bulk of a small write."""


def open_engine(url: str) -> sa.Engine:
    """Make an engine for `memory://` or `sqlite:///PATH`."""
    if url.startswith("memory:"):
        arguments = {"check_same_thread": False}
        engine = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args=arguments)
        return _with_events(engine)
    path = database_path(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"the folder of {path} cannot be made: {error}") from error
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_S},
    )
    return _with_events(engine)


def database_path(url: str) -> Path:
    """Return the file of a `sqlite:///` URL.

    Raises:
        InvalidError: the URL names no file.
    """
    database = sa.make_url(url).database
    if not database or database == ":memory:":
        raise InvalidError(f"{url!r} names no file: write sqlite:///PATH, or memory:// for a store in memory")
    return Path(database)


def read_only(path: Path) -> sqlite3.Connection:
    """Connect to a file in such a way that nothing can be written, not even its journal mode."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)


def _with_events(engine: sa.Engine) -> sa.Engine:
    listen(engine, "connect", _on_connect)
    listen(engine, "begin", _on_begin)
    listen(engine, "handle_error", _on_error)
    return engine


def _on_error(context: ExceptionContext) -> None:
    # SQLAlchemy would close a connection whose statement Ctrl-C interrupted. In memory the database goes
    # with it, and in a file the lock stays: SQLite closes for good only when the last cursor is collected
    # as garbage. The connection is fine, and a rollback is all it needs.
    if not isinstance(context.original_exception, Exception):
        context.is_disconnect = False


def _on_connect(connection: sqlite3.Connection, _: object) -> None:
    # The driver must not open transactions by itself: `_on_begin` says how they start.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(f"PRAGMA cache_size=-{PAGE_CACHE_KIB}")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    # LIKE respects case as on the other databases; ILIKE lowers both sides.
    connection.execute("PRAGMA case_sensitive_like=ON")


def _on_begin(conn: sa.Connection) -> None:
    # `Database` begins its transactions itself, through the driver, before SQLAlchemy notices one.
    if not driver.driver_connection(conn).in_transaction:
        conn.exec_driver_sql("BEGIN")


def _given(column: sa.ColumnElement[Any], ids: sa.BindParameter[Any]) -> sa.ColumnElement[bool]:
    values = sa.func.json_each(ids).table_valued("value")
    return column.in_(sa.select(values.c.value))


def _packed(ids: Sequence[int]) -> str:
    return msgspec.json.encode(ids).decode()


def _insert_nodes(
    conn: sa.Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[Row]
) -> list[int]:
    # Nobody else writes while this transaction runs, so the first id tells the others.
    first = driver.insert(conn, insert_statement(conn, table, columns), rows[0])
    _insert_rows(conn, table, columns, rows[1:])
    return list(range(first, first + len(rows)))


def _insert_rows(conn: sa.Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
    if rows:
        driver.execute_many(conn, insert_statement(conn, table, columns), rows)


def _reserve_ids(conn: sa.Connection, table: sa.Table, last: int) -> None:
    # The table's row comes with its first insert.
    has_row = "SELECT 1 FROM sqlite_sequence WHERE name = ?1"
    driver.execute(
        conn,
        f"INSERT INTO sqlite_sequence (name, seq) SELECT ?1, 0 WHERE NOT EXISTS ({has_row})",
        (table.name,),
    )
    driver.execute(conn, "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (last, table.name))


def _insert_missing(table: sa.Table, key: Sequence[str]) -> Insert:
    return insert(table).on_conflict_do_nothing(index_elements=list(key))


def _upsert(table: sa.Table, key: Sequence[str]) -> Insert:
    statement = insert(table)
    others = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in key}
    return statement.on_conflict_do_update(index_elements=list(key), set_=others)


def _begin_write(conn: sa.Connection) -> sa.RootTransaction:
    # Deferred transactions that read first and write later fail under load however long they may wait.
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while not _has_turn(conn, deadline):
        time.sleep(random.uniform(0.5, 1.5) * TURN_POLL_S)
    return conn.begin()


def _has_turn(conn: sa.Connection, deadline: float) -> bool:
    try:
        driver.execute(conn, "BEGIN IMMEDIATE")
    except DBAPIError as error:
        # The low byte of an extended code is the primary one.
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        if code != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
            raise
        return False
    return True


@contextmanager
def _setup_turn(_: sa.Engine) -> Generator[None]:
    # A write transaction keeps all other writers out.
    yield


def _is_busy(error: BaseException) -> bool:
    words = (
        "locked",
        "busy",
        "unable to open",
        "disk I/O",
        "is full",
        "readonly",
        "not a database",
        "malformed",
    )
    is_general = isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError
    return is_general and any(word in str(error) for word in words)


def _never(_: BaseException) -> bool:
    # `_begin_write` has waited BUSY_TIMEOUT_S already, and writers do not deadlock.
    return False


def _stream(conn: sa.Connection, statement: str) -> Iterator[Sequence[Row]]:
    with conn.exec_driver_sql(statement) as result:
        yield from pieces(result.cursor)


SQLITE: Final = Dialect(
    name="sqlite",
    open_engine=open_engine,
    shares_commits=True,
    sorts_uris=True,
    given=_given,
    # CROSS JOIN is an inner join whose order SQLite keeps.
    given_ids="(SELECT value AS id FROM json_each(?)) AS given CROSS JOIN",
    pack_ids=_packed,
    pack_joined=_packed,
    json_list="json_group_array",
    insert_nodes=_insert_nodes,
    insert_rows=_insert_rows,
    update_numbers=update_each,
    reserve_ids=_reserve_ids,
    insert_missing=_insert_missing,
    upsert=_upsert,
    stream=_stream,
    begin_write=_begin_write,
    setup_turn=_setup_turn,
    is_transient=_never,
    is_unreachable=_is_busy,
)
