"""The driver's own cursors, for statements that every call needs.

SQLAlchemy takes some 100 µs to run a statement and wrap its rows, SQLite a
tenth of that. Values go in and rows come out as the driver has them: text has
to be encoded and decoded by the caller.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]


def fetch(conn: sa.Connection, text: str, parameters: Parameters = ()) -> Sequence[Sequence[Any]]:
    """Run a statement and return its rows.

    Raises:
        DBAPIError: as SQLAlchemy raises it.
    """
    with _cursor(conn, text) as cursor:
        cursor.execute(text, parameters)
        return cursor.fetchall()


def execute(conn: sa.Connection, text: str, parameters: Parameters = ()) -> None:
    """Run a statement that has no rows.

    Raises:
        DBAPIError: as SQLAlchemy raises it.
    """
    with _cursor(conn, text) as cursor:
        cursor.execute(text, parameters)


def execute_many(conn: sa.Connection, text: str, rows: Sequence[Parameters]) -> None:
    """Run a statement once for each row of parameters.

    Raises:
        DBAPIError: as SQLAlchemy raises it.
    """
    with _cursor(conn, text) as cursor:
        cursor.executemany(text, rows)


def driver_connection(conn: sa.Connection) -> Any:
    """Return the connection of the driver itself."""
    return conn.connection.dbapi_connection


@contextmanager
def _cursor(conn: sa.Connection, text: str) -> Generator[Any]:
    family = conn.dialect.loaded_dbapi.Error
    cursor = driver_connection(conn).cursor()
    try:
        yield cursor
    except family as error:
        raise DBAPIError.instance(text, None, error, family, dialect=conn.dialect) from error
    finally:
        cursor.close()
