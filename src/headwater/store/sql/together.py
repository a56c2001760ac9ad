"""Threads that ask for the same at the same moment: one of them does it for all."""

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

J = TypeVar("J")
T = TypeVar("T")

MOST_AT_ONCE: Final = 256
LONGEST_SLEEP_S: Final = 0.05
"""After this one who waits looks by itself: whoever had to wake it may have been interrupted."""


def _taken() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True)
class Asked(Generic[J, T]):
    """What a thread wants done, and how it went.

    Attributes:
        job: What is wanted.
        is_done: It has a result or an error, which its thread returns or raises.
        is_dropped: Its thread was interrupted and reads neither.
        result: Empty, or what came of it.
        error: Why nothing came of it.
    """

    job: J
    is_done: bool = False
    is_dropped: bool = False
    result: list[T] = field(default_factory=list[T])
    error: Exception | None = None
    _sleep: threading.Lock = field(default_factory=_taken)

    def sleep(self) -> None:
        """Wait until `wake`, or for a moment."""
        self._sleep.acquire(timeout=LONGEST_SLEEP_S)

    def wake(self) -> None:
        """Let its thread look whether it is done, or whose turn it is."""
        if self._sleep.locked():
            self._sleep.release()


class Together(Generic[J, T]):
    """Does what was asked for, turn after turn; whatever piles up meanwhile is done in one.

    There is no thread for it: whoever finds nobody at it serves all that wait. A single thread thus pays no
    hand-over. What one that was interrupted had taken and not done is done by those who wait.
    """

    def __init__(self, serve: Callable[[Sequence[Asked[J, T]]], None]) -> None:
        """Take what does it: it has to mark each as done, the first one in any case unless it raises."""
        self._serve = serve
        self.renew()
        _live.add(self)

    def renew(self) -> None:
        """Forget who waits and whose turn it is: a forked child has none of the threads of its parent."""
        self._waiting: deque[Asked[J, T]] = deque()
        self._turn = threading.Lock()

    def run(self, job: J) -> T:
        """Have a job done and return its result.

        Raises:
            Exception: what became the error of this job.
        """
        asked: Asked[J, T] = Asked(job)
        self._waiting.append(asked)
        try:
            while not asked.is_done:
                if self._turn.locked():
                    # Not for the lock: one that is done would wait for the turn of another.
                    asked.sleep()
                else:
                    self._take_turn(asked)
        finally:
            # Interrupted while it waited: nobody would read the result.
            asked.is_dropped = True
        if asked.error is not None:
            raise asked.error
        return asked.result[0]

    def _take_turn(self, asked: Asked[J, T]) -> None:
        with self._turn:
            if not asked.is_done:
                self._serve(self._group_of(asked))
        with suppress(IndexError):
            self._waiting[0].wake()

    def waiting(self) -> int:
        """Return how many wait for their turn."""
        return len(self._waiting)

    def pause(self, timeout_s: float) -> bool:
        """Keep all waiting until `resume`, once the running turn is over; False if that takes too long."""
        return self._turn.acquire(timeout=timeout_s)

    def resume(self) -> None:
        """Let turns go on after a `pause` that returned True."""
        self._turn.release()

    def _group_of(self, leader: Asked[J, T]) -> list[Asked[J, T]]:
        # A leader always serves itself: what an interrupted one had taken is done by those who wait.
        group = [leader]
        while self._waiting and len(group) < MOST_AT_ONCE:
            asked = self._waiting.popleft()
            if not (asked is leader or asked.is_done or asked.is_dropped):
                group.append(asked)
        return group


def finish(group: Sequence[Asked[J, T]], error: Exception | None = None) -> None:
    """Mark as done what is not, with an error unless it has one."""
    for asked in group:
        if not asked.is_done:
            asked.error = asked.error or error
            asked.is_done = True
            asked.wake()


_live: "weakref.WeakSet[Together[Any, Any]]" = weakref.WeakSet()


def _renew_all() -> None:
    for each in list(_live):
        each.renew()


os.register_at_fork(after_in_child=_renew_all)
