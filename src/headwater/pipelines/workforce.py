"""Calls on their way through an executor: when each starts, takes too long, or is tried again."""

import heapq
import itertools
import random
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Final

from headwater.errors import UnavailableError
from headwater.pipelines.calls import Call
from headwater.pipelines.performing import Enter, Report, Task, perform, perform_there
from headwater.tracking import Session

MAX_BACKOFF_S: Final = 600.0
IDLE_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an attempt.

    Attributes:
        report: What it said; None: it said nothing.
        why: Then, why not.
    """

    call: Call
    report: Report | None = None
    why: str = ""


class Workforce:
    """Runs attempts in an executor, as many at once as there are processors for.

    Args:
        session: The store.
        executor: Where steps run.
        enter: Opens the store in another process; None: the executor has threads of this one.
        workers: Processors.
        task: Makes the task of a call's next attempt, and tells that it starts.
        clock_s: A clock that only goes forward.
    """

    def __init__(
        self,
        session: Session,
        executor: Executor,
        enter: Enter | None,
        *,
        workers: float,
        task: Callable[[Call], Task],
        clock_s: Callable[[], float],
    ) -> None:
        self._session, self._executor, self._enter = session, executor, enter
        self._workers, self._task, self._clock_s = workers, task, clock_s
        self._queue: deque[Call] = deque()
        self._running: dict[Future[Report], Call] = {}
        self._delayed: list[tuple[float, int, Call]] = []
        self._numbers = itertools.count()

    @property
    def is_busy(self) -> bool:
        """True while something runs or is to run."""
        return bool(self._queue or self._running or self._delayed)

    def add(self, call: Call) -> None:
        """Take a call that is to run as soon as there are processors for it."""
        self._queue.append(call)

    def add_later(self, call: Call) -> None:
        """Take a call that has failed and is to be tried again after a pause."""
        pause_s = min(MAX_BACKOFF_S, call.options.backoff_s * 2 ** (call.failures - 1))
        # Jitter: those that failed together should not come back together.
        pause_s *= random.uniform(0.5, 1.5)
        heapq.heappush(self._delayed, (self._clock_s() + pause_s, next(self._numbers), call))

    def start(self) -> None:
        """Hand calls to the executor."""
        while self._delayed and self._delayed[0][0] <= self._clock_s():
            self._queue.append(heapq.heappop(self._delayed)[2])
        used = sum(call.options.cpus for call in self._running.values())
        while self._queue:
            cpus = self._queue[0].options.cpus
            # In their order, so that what asks for much gets it; what asks for more than there is runs alone.
            if self._running and used + cpus > self._workers:
                return
            used += cpus
            self._start(self._queue.popleft())

    def wait(self, pause_s: float = IDLE_S) -> list[Outcome]:
        """Wait until an attempt has ended or taken too long, or for so long.

        Raises:
            UnavailableError: a step could not reach the store.
        """
        pause_s = self._pause_s(pause_s)
        if not self._running:
            time.sleep(pause_s)
        done, _ = wait(self._running, timeout=pause_s, return_when=FIRST_COMPLETED)
        outcomes = [self._outcome(self._running.pop(future), future) for future in done]
        return outcomes + self._late()

    def stop(self) -> None:
        """Start nothing more."""
        for future in self._running:
            future.cancel()

    def _start(self, call: Call) -> None:
        task = self._task(call)
        call.started_s = self._clock_s()
        limit_s = call.options.timeout_s
        call.deadline_s = call.started_s + limit_s if limit_s else None
        if self._enter is None:
            # The step finds the client, and all else that depends on the context, as it is here.
            here, function = copy_context(), call.step.function
            future = self._executor.submit(here.run, perform, self._session, task, function)
        else:
            future = self._executor.submit(perform_there, self._enter, task, **self._asked(call))
        self._running[future] = call

    def _asked(self, call: Call) -> dict[str, Any]:
        """Return what a cluster is asked for; processors are counted here."""
        more = {name: amount for name, amount in call.options.resources.items() if name != "cpus"}
        is_cluster = type(self._executor).__module__.startswith("distributed.")
        return {"resources": more} if more and is_cluster else {}

    def _pause_s(self, longest_s: float) -> float:
        moments = [call.deadline_s for call in self._running.values() if call.deadline_s]
        moments += [moment for moment, _, _ in self._delayed[:1]]
        return max(0.0, min([longest_s, *(moment - self._clock_s() for moment in moments)]))

    def _outcome(self, call: Call, future: Future[Report]) -> Outcome:
        error = None if future.cancelled() else future.exception()
        if isinstance(error, UnavailableError | KeyboardInterrupt | SystemExit):
            raise error
        if future.cancelled() or error is not None:
            return Outcome(call=call, why=f"{type(error).__name__}: {error}" if error else "it was cancelled")
        return Outcome(call=call, report=future.result())

    def _late(self) -> list[Outcome]:
        """Give up attempts that have taken too long."""
        found: list[Outcome] = []
        for future, call in list(self._running.items()):
            if call.deadline_s is None or self._clock_s() < call.deadline_s:
                continue
            # A thread cannot be ended: it goes on, and may publish nothing any more.
            if not future.cancel() and (kill := getattr(self._executor, "kill", None)):
                kill(future)
            del self._running[future]
            found.append(Outcome(call=call, why=f"it took longer than {call.options.timeout_s:g} s"))
        return found
