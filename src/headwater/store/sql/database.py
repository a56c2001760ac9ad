"""Transactions: how the store reads and writes, and where driver errors turn into ours."""

import os
import random
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from headwater.errors import ConflictError, InvalidError, UnavailableError
from headwater.store.sql import driver
from headwater.store.sql.commits import GroupCommit
from headwater.store.sql.connections import Connections
from headwater.store.sql.dialects import Dialect, dialect_for
from headwater.store.sql.interrupts import interrupt_behind

T = TypeVar("T")

ATTEMPTS: Final = 12
"""How often a transaction that lost a lock is tried; the waits add up to a few seconds."""


MOST_REMEMBERED: Final = 256
"""How many searches keep their statements."""

FORK_WAIT_S: Final = 10
"""Longest wait of a fork for a transaction to end."""


class Database:
    """One database: reads see one moment, writes are all or none."""

    at_ms: int | None = None
    """The moment that reads see, where that is not the present."""

    def __init__(self, url: str, *, clock_ms: Callable[[], int]) -> None:
        """Connect lazily to `url`; `clock_ms` gives the time of every write."""
        self.clock_ms = clock_ms
        self.dialect: Dialect = dialect_for(url)
        self.engine = self.dialect.open_engine(url)
        self._is_memory = url.startswith("memory:")
        self._writes_fully = sa.make_url(url).query.get("synchronous") == "full"
        self._is_paused = False
        self._remembered: dict[object, Any] = {}
        self._commits = GroupCommit(self._sqlite_transaction)
        self._renew_locks()
        _live.add(self)

    def _renew_locks(self) -> None:
        self._memory_lock = threading.RLock()
        self._writer: sa.Connection | None = None
        # Not while a transaction is open, nor after one that did not come to its end: of an interrupt within
        # it, nothing else tells what it left behind.
        self._is_writer_sound = True
        self._pooled: sa.PoolProxiedConnection | None = None
        self._writer_level = ""
        self._readers: deque[sa.Connection] = deque()
        self._of_readers, self._of_writers = Connections(self.engine), Connections(self.engine)

    def before_fork(self) -> None:
        """Wait until no transaction is open: SQLite in a child would take its lock for its own, for ever."""
        self._is_paused = self.dialect.shares_commits and self._commits.pause(FORK_WAIT_S)

    def after_fork_in_parent(self) -> None:
        """Let writes go on."""
        if self._is_paused:
            self._commits.resume()

    def after_fork_in_child(self) -> None:
        """Leave the parent's connections alone and open new ones."""
        # Kept, because giving it back would end a transaction that the parent may be in.
        self._of_parent = (self._writer, self._readers, self._pooled, self._of_readers, self._of_writers)
        if not self._is_memory:
            self.engine.dispose(close=False)
        self._renew_locks()

    def close(self) -> None:
        """Give back all connections."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        while self._readers:
            self._readers.pop().close()
        if self._pooled is not None and self._pooled.is_valid:
            self._pooled.close()
        self._of_readers.close()
        self._of_writers.close()
        self.engine.dispose()

    @contextmanager
    def read(self) -> Generator[sa.Connection]:
        """Open a read transaction.

        Raises:
            UnavailableError: the database cannot be reached.
        """
        if self.dialect.shares_commits:
            with self._translated(), self._own_turn(), self._sqlite_snapshot() as conn:
                yield conn
        else:
            with self._translated(), self._of_readers.one() as conn, conn.begin():
                yield conn

    @contextmanager
    def look(self) -> Generator[sa.Connection]:
        """Open a connection for statements of the driver's, each of which sees its own moment.

        Raises:
            UnavailableError: the database cannot be reached.
        """
        if self.dialect.alone is None:
            with self.read() as conn:
                yield conn
        else:
            with self._translated(), self._of_readers.one() as conn, self.dialect.alone(conn):
                yield conn

    def text_of(self, statement: str) -> str:
        """Return what a statement has to be for the driver, so that it sees the moment that reads see."""
        return statement

    def remembered(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what was made for this key before, or make it now; the oldest are forgotten."""
        found = self._remembered.get(key)
        if found is None:
            while len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.pop(next(iter(self._remembered)), None)
            found = self._remembered.setdefault(key, make())
        return found

    @contextmanager
    def reading(self, engine: sa.Engine) -> Generator[sa.Connection]:
        """Open a read transaction on an engine that shares the connections of this database."""
        with self._translated(), self._own_turn(), engine.connect() as conn, conn.begin():
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
                return self._commits.write(job, is_durable=is_durable)
            return self._write_alone(job)

    @contextmanager
    def setup_turn(self) -> Generator[None]:
        """Keep other processes from making or upgrading tables meanwhile.

        Raises:
            UnavailableError: another process takes too long.
        """
        with self._translated(), self.dialect.setup_turn(self.engine):
            yield

    @contextmanager
    def _own_turn(self) -> Generator[None]:
        # The one connection of a store in memory serves one thread at a time.
        if self._is_memory:
            with self._memory_lock:
                yield
        else:
            yield

    @contextmanager
    def _sqlite_snapshot(self) -> Generator[sa.Connection]:
        # Connections that stay open, and a transaction that the driver begins: going through the pool
        # and SQLAlchemy costs ten times what SQLite takes to find a node.
        try:
            conn = self._readers.pop()
        except IndexError:
            conn = self._connect()
        raw = driver.driver_connection(conn)
        if raw.in_transaction:
            # In memory all share one connection, and a writer was interrupted before its rollback.
            raw.rollback()
        driver.execute(conn, "BEGIN")
        try:
            yield conn
        finally:
            if conn.in_transaction():
                conn.rollback()
            raw.rollback()
            self._readers.append(conn)

    @contextmanager
    def _sqlite_transaction(self, *, is_durable: bool) -> Generator[sa.Connection]:
        with self._own_turn():
            conn = self._sqlite_writer()
            level = "FULL" if is_durable or self._writes_fully else "NORMAL"
            if level != self._writer_level:
                driver.execute(conn, f"PRAGMA synchronous={level}")
                self._writer_level = level
            self._is_writer_sound = False
            with self.dialect.begin_write(conn):
                yield conn
            self._is_writer_sound = True

    def _sqlite_writer(self) -> sa.Connection:
        """Return the connection of all writes; only who has the turn to write may ask."""
        if self._writer is not None and (pooled := self._writer.connection).is_valid:
            raw = driver.driver_connection(self._writer)
            # In memory all share one connection, and a reader may have been interrupted in it.
            if self._is_writer_sound and not raw.in_transaction:
                return self._writer
            # A writer was interrupted between two lines of Python and did not come to its rollback. What
            # SQLAlchemy knows of its transaction may be in no state to be closed, so it is left behind.
            raw.rollback()
            self._writer = sa.Connection(self.engine, pooled)
            return self._writer
        self._writer_level = ""
        self._writer = self._connect()
        # The dialect waits for the lock itself, and after that a writer meets none.
        driver.execute(self._writer, "PRAGMA busy_timeout=0")
        return self._writer

    def _connect(self) -> sa.Connection:
        """Open a connection of SQLite that stays open."""
        if not self._is_memory:
            return self.engine.connect()
        # Its one connection is never given back: an interrupt on the way would close it, and empty the store.
        if self._pooled is None:
            self._pooled = self.engine.raw_connection()
        return sa.Connection(self.engine, self._pooled)

    def _write_alone(self, job: Callable[[sa.Connection], T]) -> T:
        for attempt in range(ATTEMPTS):
            try:
                return self._run_alone(job)
            except DBAPIError as error:
                cause = error.orig or error
                if not self.dialect.is_transient(cause) or attempt == ATTEMPTS - 1:
                    raise
                time.sleep(random.uniform(0, 0.01 * 2 ** min(attempt, 6)))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _run_alone(self, job: Callable[[sa.Connection], T]) -> T:
        handled = sys.exception()
        with self._of_writers.one() as conn:
            try:
                with self.dialect.begin_write(conn):
                    return job(conn)
            except BaseException as error:
                interrupt = interrupt_behind(error, handled)
                if interrupt is None:
                    raise
                # Maybe before the rollback: closing the connection is one for certain.
                conn.invalidate()
                try:
                    raise interrupt from None
                finally:
                    # No circle with its traceback, as in `GroupCommit`.
                    del interrupt

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
            if isinstance(error, DataError):
                raise InvalidError(f"the {self.dialect.name} store refuses a value: {cause}") from error
            raise
        except PoolTimeoutError as error:
            raise UnavailableError(f"all connections are in use: {error}") from error
        except OverflowError as error:
            # From SQLite's driver; the others' databases refuse such a number themselves.
            raise InvalidError(f"a number does not fit in 64 bits: {error}") from error


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


def _each_live(action: Callable[[Database], None]) -> Callable[[], None]:
    def run() -> None:
        for database in list(_live):
            action(database)

    return run


os.register_at_fork(
    before=_each_live(Database.before_fork),
    after_in_parent=_each_live(Database.after_fork_in_parent),
    after_in_child=_each_live(Database.after_fork_in_child),
)
