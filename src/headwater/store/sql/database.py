"""Transactions: how the store reads and writes, and where driver errors turn into ours."""

import os
import random
import threading
import time
import weakref
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from headwater.errors import ConflictError, InvalidError, UnavailableError
from headwater.store.sql.commits import GroupCommit
from headwater.store.sql.dialects import Dialect, dialect_for

T = TypeVar("T")

ATTEMPTS: Final = 12
"""How often a transaction that lost a lock is tried; the waits add up to a few seconds."""


class Database:
    """One database: reads see one moment, writes are all or none."""

    def __init__(self, url: str, *, clock_ms: Callable[[], int]) -> None:
        """Connect lazily to `url`; `clock_ms` gives the time of every write."""
        self.clock_ms = clock_ms
        self.dialect: Dialect = dialect_for(url)
        self.engine = self.dialect.open_engine(url)
        self._is_memory = url.startswith("memory:")
        self._writes_fully = sa.make_url(url).query.get("synchronous") == "full"
        self._renew_locks()
        _live.add(self)

    def _renew_locks(self) -> None:
        self._memory_lock = threading.RLock()
        self._commits = GroupCommit(self._sqlite_transaction)

    def after_fork(self) -> None:
        """In a forked child: leave the parent's connections alone and open new ones."""
        if not self._is_memory:
            self.engine.dispose(close=False)
        self._renew_locks()

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()

    @contextmanager
    def read(self) -> Generator[sa.Connection]:
        """Open a read transaction.

        Raises:
            UnavailableError: the database cannot be reached.
        """
        with self._translated(), self._own_turn(), self.engine.connect() as conn, conn.begin():
            yield conn

    def write(self, job: Callable[[sa.Connection], T], *, is_durable: bool = False) -> T:
        """Run `job` in a write transaction and return its result after the commit.

        Args:
            job: May run more than once, when its transaction loses a lock.
            is_durable: Survive a power cut too, where the database has a choice (SQLite).

        Raises:
            ConflictError: a uniqueness rule is broken.
            UnavailableError: the database cannot be reached, or stays locked.
        """
        with self._translated():
            if self.dialect.shares_commits:
                return self._commits.run(job, is_durable=is_durable)
            return self._write_alone(job)

    @contextmanager
    def _own_turn(self) -> Generator[None]:
        # The one connection of a store in memory serves one thread at a time.
        if self._is_memory:
            with self._memory_lock:
                yield
        else:
            yield

    @contextmanager
    def _sqlite_transaction(self, is_durable: bool) -> Generator[sa.Connection]:
        with self._own_turn(), self.engine.connect() as conn:
            level = "FULL" if is_durable or self._writes_fully else "NORMAL"
            _raw(conn).execute(f"PRAGMA synchronous={level}")
            writing = conn.execution_options(headwater_writes=True)
            try:
                with writing.begin():
                    yield writing
            finally:
                writing.execution_options(headwater_writes=False)

    def _write_alone(self, job: Callable[[sa.Connection], T]) -> T:
        for attempt in range(ATTEMPTS):
            try:
                with self.engine.begin() as conn:
                    return job(conn)
            except DBAPIError as error:
                cause = error.orig or error
                if not self.dialect.is_transient(cause) or attempt == ATTEMPTS - 1:
                    raise
                time.sleep(random.uniform(0, 0.01 * 2 ** min(attempt, 6)))
        raise AssertionError("unreachable: the last attempt returns or raises")

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except IntegrityError as error:
            raise ConflictError(_conflict_text(error)) from error
        except DBAPIError as error:
            cause = error.orig or error
            if self.dialect.is_unreachable(cause) or self.dialect.is_transient(cause):
                raise UnavailableError(f"the {self.dialect.name} store does not answer: {cause}") from error
            if isinstance(error, sa.exc.DataError):
                raise InvalidError(f"the {self.dialect.name} store refuses a value: {cause}") from error
            raise
        except SQLAlchemyError as error:
            if isinstance(error, sa.exc.TimeoutError):
                raise UnavailableError(f"all connections are in use: {error}") from error
            raise


def insert_unless_there(conn: sa.Connection, table: sa.Table, values: dict[str, Any]) -> bool:
    """Insert a row unless a unique key is taken, also by a transaction that commits at this moment.

    Returns:
        Whether it was inserted. (Row counts do not tell: MySQL's driver counts the row that was there.)
    """
    try:
        with conn.begin_nested():
            conn.execute(sa.insert(table).values(values))
    except IntegrityError:
        return False
    return True


def _raw(conn: sa.Connection) -> Any:
    return conn.connection.dbapi_connection


def _conflict_text(error: IntegrityError) -> str:
    cause = str(error.orig)
    for rule, text in _RULES.items():
        if rule in cause:
            return text
    return f"the write breaks a rule of the store: {cause}"


# Constraint names as the servers report them, and the columns as SQLite does.
_RULES: Final = {
    f"{node}{suffix}": f"{article} {node} {text}"
    for node, article in (("artifact", "an"), ("execution", "an"), ("context", "a"))
    for suffix, text in (
        ("_by_name", "with this type and name is stored already"),
        (".type_id", "with this type and name is stored already"),
        ("_by_external_id", "with this external id is stored already"),
        (".external_id", "with this external id is stored already"),
    )
}

_live: "weakref.WeakSet[Database]" = weakref.WeakSet()


def _after_fork() -> None:
    for database in list(_live):
        database.after_fork()


os.register_at_fork(after_in_child=_after_fork)
