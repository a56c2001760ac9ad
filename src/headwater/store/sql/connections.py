"""Connections to a database server that stay open from one transaction to the next."""

import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa

from headwater.store.sql import driver

MOST_KEPT: Final = 8
"""So many wait for the next transaction; the others go back to the engine's pool."""
TRUSTED_S: Final = 1.0
"""A connection that has not been used for longer is asked whether it is still there."""


class Connections:
    """Connections that are taken from a pool and kept.

    Going through the pool, with its question to the server whether the connection is still there, costs as
    much as two to four statements. A server that was restarted took longer than what is trusted here.
    """

    def __init__(self, engine: sa.Engine) -> None:
        """Take where connections come from."""
        self._engine = engine
        self._kept: deque[tuple[sa.Connection, float]] = deque()

    @contextmanager
    def one(self) -> Generator[sa.Connection]:
        """Lend a connection, for one transaction that is over at the end.

        Raises:
            DBAPIError, TimeoutError: there is none; as SQLAlchemy raises them.
        """
        conn = self._taken() or self._engine.connect()
        try:
            yield conn
        except BaseException:
            # Maybe of the connection itself: the pool finds out.
            conn.close()
            raise
        if len(self._kept) < MOST_KEPT:
            self._kept.append((conn, time.monotonic()))
        else:
            conn.close()

    def close(self) -> None:
        """Give all back that are not lent."""
        while self._kept:
            self._kept.pop()[0].close()

    def _taken(self) -> sa.Connection | None:
        while self._kept:
            conn, used_s = self._kept.pop()
            if time.monotonic() - used_s < TRUSTED_S or self._is_there(conn):
                return conn
            conn.invalidate()
            conn.close()
        return None

    def _is_there(self, conn: sa.Connection) -> bool:
        dialect = self._engine.dialect
        try:
            return dialect.do_ping(driver.driver_connection(conn))
        except dialect.loaded_dbapi.Error:
            return False
