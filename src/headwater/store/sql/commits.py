"""Group commit: writes that wait at the same moment share one transaction."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import sqlalchemy as sa

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

    def __init__(self, open_transaction: Callable[[bool], Any]) -> None:
        """Take how to open a transaction: a context manager of a connection, durable or not."""
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
                while not write.is_done:
                    self._commit(self._take_group())
        finally:
            # Interrupted while it waited: nobody would read the result.
            write.is_dropped = True
        if write.error is not None:
            raise write.error
        return write.result[0]

    def _take_group(self) -> list[_Write[Any]]:
        group: list[_Write[Any]] = []
        while self._waiting and len(group) < MOST_IN_GROUP:
            write = self._waiting.popleft()
            if not write.is_dropped:
                group.append(write)
        return group

    def _commit(self, group: list[_Write[Any]]) -> None:
        try:
            with self._open(any(write.is_durable for write in group)) as conn:
                for write in group:
                    _run_one(conn, write, is_alone=len(group) == 1)
        except (
            Exception
        ) as error:  # the commit itself, or the only write of the group: it holds for all of them
            for write in group:
                write.error = write.error or error
        except BaseException:
            # The leading thread was interrupted: the others' writes go back to the front.
            self._waiting.extendleft(reversed([write for write in group if not write.is_dropped]))
            raise
        for write in group:
            write.is_done = True


def _run_one(conn: sa.Connection, write: _Write[Any], *, is_alone: bool) -> None:
    write.result, write.error = [], None
    if is_alone:
        write.result.append(write.job(conn))
        return
    try:
        with conn.begin_nested():
            write.result.append(write.job(conn))
    except Exception as error:  # handed to the thread that asked for this write
        write.error = error
