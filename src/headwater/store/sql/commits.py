"""Group commit: writes that wait at the same moment share one transaction."""

import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar, cast

import sqlalchemy as sa

from headwater.errors import UnavailableError
from headwater.store.sql.interrupts import interrupt_behind

T = TypeVar("T")

MOST_IN_GROUP: Final = 256


@dataclass(slots=True)
class _Write(Generic[T]):
    job: Callable[[sa.Connection], T]
    is_durable: bool
    is_done: bool = False
    is_dropped: bool = False
    result: list[T] = field(default_factory=list[T])
    error: Exception | None = None


class GroupCommit:
    """Runs writes one after another; those that pile up meanwhile are committed together.

    There is no writer thread: whoever gets the lock first runs the writes of all
    that wait. A single thread thus pays no hand-over, and eight that write at
    once pay one commit between them.
    """

    def __init__(self, open_transaction: Callable[..., AbstractContextManager[sa.Connection]]) -> None:
        """Take how to open a transaction, which gets the keyword `is_durable`."""
        self._open = open_transaction
        self._waiting: deque[_Write[Any]] = deque()
        self._lock = threading.Lock()

    def run(self, job: Callable[[sa.Connection], T], *, is_durable: bool) -> T:
        """Run `job` in a transaction and return its result after the commit.

        Raises:
            Exception: what `job` raised; its own changes are undone, those of
                the others in the group are not.
        """
        write: _Write[T] = _Write(job, is_durable)
        self._waiting.append(write)
        try:
            with self._lock:
                if not write.is_done:
                    self._commit(self._group_of(write))
        finally:
            # Interrupted while it waited: nobody would read the result.
            write.is_dropped = True
        if write.error is not None:
            raise write.error
        return write.result[0]

    def pause(self, timeout_s: float) -> bool:
        """Keep writes waiting until `resume`, once the running one is done; False if that takes too long."""
        return self._lock.acquire(timeout=timeout_s)

    def resume(self) -> None:
        """Let writes go on after a `pause` that returned True."""
        self._lock.release()

    def _group_of(self, leader: _Write[Any]) -> list[_Write[Any]]:
        # A leader always runs its own write: what an interrupted one had taken is run by those who wait.
        group = [leader]
        while self._waiting and len(group) < MOST_IN_GROUP:
            write = self._waiting.popleft()
            if not (write is leader or write.is_done or write.is_dropped):
                group.append(write)
        return group

    def _commit(self, group: list[_Write[Any]]) -> None:
        has_run, handled = False, sys.exception()
        try:
            with self._open(is_durable=any(write.is_durable for write in group)) as conn:
                for write in group:
                    _run_one(conn, write, is_alone=len(group) == 1)
                has_run = True
            _finish(group)
        except BaseException as error:  # noqa: BLE001  # handed to the threads that wait for these writes
            interrupt = interrupt_behind(error, handled)
            if interrupt is None:
                # It is that of the commit itself, or of the only write of the group: it holds for all.
                _finish(group, cast("Exception", error))
                return
            if has_run:
                _finish(group, UnavailableError("interrupted at the commit: the write may be stored or not"))
            raise interrupt from None


def _finish(group: list[_Write[Any]], error: Exception | None = None) -> None:
    for write in group:
        if not write.is_done:
            write.error = write.error or error
            write.is_done = True


def _run_one(conn: sa.Connection, write: _Write[Any], *, is_alone: bool) -> None:
    write.result, write.error = [], None
    handled = sys.exception()
    if is_alone:
        write.result.append(write.job(conn))
        return
    try:
        with conn.begin_nested():
            write.result.append(write.job(conn))
    except Exception as error:
        if interrupt_behind(error, handled) is not None:
            raise
        write.error = error  # handed to the thread that asked for this write
