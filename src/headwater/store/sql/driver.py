"""The driver's own cursors, for statements that every call needs.

SQLAlchemy takes some 100 µs to run a statement and wrap its rows, SQLite a
tenth of that. Values go in and rows come out as the driver has them: text has
to be encoded and decoded by the caller.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]

ROWS_AT_ONCE: Final = 64
"""Of many rows, so many come in one INSERT of SQLite: a fifth cheaper than one each; more gain little."""

_ONE_ROW: Final = re.compile(r"(INSERT [^?]* VALUES )(\(\?(?:, \?)*\))([^?]*)")


def fetch(
    conn: sa.Connection, text: str, parameters: Parameters = (), *, replans: bool = False
) -> Sequence[Sequence[Any]]:
    """Run a statement and return its rows.

    Args:
        conn: In a transaction, unless the statement is alone.
        text: The statement.
        parameters: Its values.
        replans: Have the database plan it for these values, where it would keep a plan for any.

    Raises:
        DBAPIError: as SQLAlchemy raises it.
    """
    cursor = _reading(conn)
    try:
        if replans and conn.dialect.name == "postgresql":
            cursor.execute(text, parameters, prepare=False)
        else:
            cursor.execute(text, parameters)
        return cursor.fetchall()
    except conn.dialect.loaded_dbapi.Error as error:
        raise _told(conn, text, error) from error
    finally:
        cursor.close()


def execute(conn: sa.Connection, text: str, parameters: Parameters = ()) -> None:
    """Run a statement that has no rows.

    Raises:
        DBAPIError: as SQLAlchemy raises it.
    """
    cursor = driver_connection(conn).cursor()
    try:
        cursor.execute(text, parameters)
    except conn.dialect.loaded_dbapi.Error as error:
        raise _told(conn, text, error) from error
    finally:
        cursor.close()


def insert(conn: sa.Connection, text: str, parameters: Parameters) -> int:
    """Insert a row and return the id that the database gave it, where the driver tells.

    Raises:
        DBAPIError: as SQLAlchemy raises it.
    """
    cursor = driver_connection(conn).cursor()
    try:
        cursor.execute(text, parameters)
        return cursor.lastrowid
    except conn.dialect.loaded_dbapi.Error as error:
        raise _told(conn, text, error) from error
    finally:
        cursor.close()


def execute_many(conn: sa.Connection, text: str, rows: Sequence[Parameters]) -> None:
    """Run a statement once for each row of parameters.

    Raises:
        DBAPIError: as SQLAlchemy raises it.
    """
    if len(rows) == 1:
        # psycopg prepares for many, which takes as long as a statement.
        execute(conn, text, rows[0])
        return
    cursor = driver_connection(conn).cursor()
    try:
        if conn.dialect.name == "sqlite" and len(rows) >= ROWS_AT_ONCE:
            rows = _insert_most(cursor, text, rows)
        cursor.executemany(text, rows)
    except conn.dialect.loaded_dbapi.Error as error:
        raise _told(conn, text, error) from error
    finally:
        cursor.close()


def _insert_most(cursor: Any, text: str, rows: Sequence[Parameters]) -> Sequence[Parameters]:
    """Insert rows, `ROWS_AT_ONCE` by a statement, and return those that remain: all, if it is no INSERT."""
    gathered = _of_many(text)
    if gathered is None:
        return rows
    most = len(rows) - len(rows) % ROWS_AT_ONCE
    for start in range(0, most, ROWS_AT_ONCE):
        cursor.execute(gathered, tuple(chain.from_iterable(rows[start : start + ROWS_AT_ONCE])))
    return rows[most:]


@lru_cache(maxsize=256)
def _of_many(text: str) -> str | None:
    match = _ONE_ROW.fullmatch(text)
    return match and f"{match[1]}{', '.join([match[2]] * ROWS_AT_ONCE)}{match[3]}"


def driver_connection(conn: sa.Connection) -> Any:
    """Return the connection of the driver itself."""
    return conn.connection.dbapi_connection


def _reading(conn: sa.Connection) -> Any:
    if conn.dialect.name == "postgresql":
        # Numbers come as they are: PostgreSQL need not write digits, nor psycopg read them, which takes
        # half the time of a page of metrics.
        return driver_connection(conn).cursor(binary=True)
    return driver_connection(conn).cursor()


def _told(conn: sa.Connection, text: str, error: Exception) -> BaseException:
    family = conn.dialect.loaded_dbapi.Error
    return DBAPIError.instance(text, None, error, family, dialect=conn.dialect)
