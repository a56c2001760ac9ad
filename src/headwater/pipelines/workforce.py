"""Calls on their way through an executor: when each starts, takes too long, or is tried again."""

import heapq
import itertools
import logging
import random
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final

from headwater.errors import UnavailableError
from headwater.pipelines.calls import Call
from headwater.pipelines.performing import Enter, Report, Task, perform_there
from headwater.pipelines.shifts import Ended, Job, Shift, work_through
from headwater.tracking import Session

MAX_BACKOFF_S: Final = 600.0
IDLE_S: Final = 60.0
_LOG: Final = logging.getLogger("headwater.pipelines")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an attempt.

    Attributes:
        has_begun: It is being worked on from now on, and all else is still to come.
        report: What it said; None: it said nothing.
        why: Then, why not.
    """

    call: Call
    task: Task
    has_begun: bool = False
    report: Report | None = None
    why: str = ""


class Workforce:
    """Runs attempts in an executor, as many at once as there are processors for.

    Threads of this process take calls on by themselves, one after another; what happens in them
    comes through an inbox, and is taken in where `wait` is called.

    Args:
        session: The store.
        executor: Where steps run.
        enter: Opens the store in another process; None: the executor has threads of this one.
        workers: Processors.
        task: Makes the task of a call's next attempt.
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
        # Of the queue, the processors in use and what runs, which the threads of shifts change, too.
        self._lock = threading.Lock()
        self._queue: deque[Job] = deque()
        self._busy, self._used = 0, 0.0
        self._is_stopped = False
        self._running: dict[Job, Future[Report] | Shift] = {}
        self._delayed: list[tuple[float, int, Call]] = []
        self._numbers = itertools.count()
        self._inbox: SimpleQueue[Callable[[], list[Outcome]]] = SimpleQueue()

    @property
    def is_busy(self) -> bool:
        """True while something runs or is to run."""
        return bool(self._queue or self._running or self._delayed)

    def add(self, call: Call) -> None:
        """Take a call that is to run as soon as there are processors for it."""
        job = Job(call=call, task=self._task(call))
        with self._lock:
            self._queue.append(job)

    def add_later(self, call: Call) -> None:
        """Take a call that has failed and is to be tried again after a pause."""
        pause_s = min(MAX_BACKOFF_S, call.options.backoff_s * 2 ** (call.failures - 1))
        # Jitter: those that failed together should not come back together.
        pause_s *= random.uniform(0.5, 1.5)
        heapq.heappush(self._delayed, (self._clock_s() + pause_s, next(self._numbers), call))

    def start(self) -> None:
        """Hand calls to the executor."""
        while self._delayed and self._delayed[0][0] <= self._clock_s():
            self.add(heapq.heappop(self._delayed)[2])
        while job := self._fitting():
            if self._enter is None:
                self._open(job)
            else:
                self._submit(job, self._enter)

    def wait(self, pause_s: float = IDLE_S) -> list[Outcome]:
        """Wait until an attempt has begun, ended or taken too long, or for so long.

        Raises:
            UnavailableError: a step could not reach the store.
        """
        outcomes: list[Outcome] = []
        with suppress(Empty):
            outcomes += self._inbox.get(timeout=self._pause_s(pause_s))()
            while True:
                outcomes += self._inbox.get_nowait()()
        return outcomes + self._late()

    def stop(self) -> None:
        """Start nothing more."""
        with self._lock:
            self._is_stopped = True
            places = [*self._running.values()]
        for place in places:
            if isinstance(place, Future):
                place.cancel()

    def next(self, shift: Shift) -> Job | None:
        """Give a shift that comes to its end what is to be done next, if there are processors for it."""
        with self._lock:
            for job in shift.jobs:
                self._release(job)
            if shift.is_over or not (job := self._take()):
                return None
            self._running[job] = shift
            shift.jobs.append(job)
            return job

    def note(self, ended: Ended | None, begun: Job | None = None) -> None:
        """Note, in the thread of a shift, what became of a job, and which one is being worked on."""
        if ended is not None:
            with self._lock:
                self._release(ended.job)
        if begun is not None:
            begun.has_begun = True
            # Anew: somebody else's pool may have let it wait.
            self._start_clock(begun)
        if ended or begun:
            self._inbox.put(partial(self._take_in, ended, begun))

    def _fitting(self) -> Job | None:
        with self._lock:
            return self._take()

    def _take(self) -> Job | None:
        """Take the first call off the queue if there are processors for it; only with the lock.

        In their order, so that what asks for much gets it; what asks for more than there is runs alone.
        """
        if self._is_stopped or not self._queue:
            return None
        cpus = self._queue[0].call.options.cpus
        if self._busy and self._used + cpus > self._workers:
            return None
        self._busy += 1
        self._used += cpus
        job = self._queue.popleft()
        self._start_clock(job)
        return job

    def _release(self, job: Job) -> None:
        """Let others have the processors of a call; only with the lock."""
        if not job.is_free:
            job.is_free = True
            self._busy -= 1
            # Shares of processors do not add up to nothing again by themselves.
            self._used = self._used - job.call.options.cpus if self._busy else 0.0

    def _open(self, job: Job) -> None:
        """Begin a shift in a thread of this process."""
        shift = Shift([job])
        self._running[job] = shift
        # The step finds the client, and all else that depends on the context, as it is here.
        future = self._executor.submit(copy_context().run, work_through, self._session, shift, self)
        future.add_done_callback(lambda done: self._inbox.put(partial(self._note_over, shift, done)))

    def _submit(self, job: Job, enter: Enter) -> None:
        """Hand a call to another process."""
        self._inbox.put(partial(self._take_in, None, job))
        future = self._executor.submit(perform_there, enter, job.task, **self._asked(job.call))
        self._running[job] = future
        future.add_done_callback(lambda done: self._inbox.put(partial(self._note_done, job, done)))

    def _start_clock(self, job: Job) -> None:
        call = job.call
        call.started_s = self._clock_s()
        call.deadline_s = call.started_s + call.options.timeout_s if call.options.timeout_s else None

    def _asked(self, call: Call) -> dict[str, Any]:
        """Return what a cluster is asked for; processors are counted here."""
        more = {name: amount for name, amount in call.options.resources.items() if name != "cpus"}
        is_cluster = type(self._executor).__module__.startswith("distributed.")
        return {"resources": more} if more and is_cluster else {}

    def _pause_s(self, longest_s: float) -> float:
        with self._lock:
            moments = [job.call.deadline_s for job in self._running if job.call.deadline_s]
        moments += [moment for moment, _, _ in self._delayed[:1]]
        return max(0.0, min([longest_s, *(moment - self._clock_s() for moment in moments)]))

    def _take_in(self, ended: Ended | None, begun: Job | None) -> list[Outcome]:
        found: list[Outcome] = []
        if ended is not None and self._is_awaited(ended.job):
            found.append(Outcome(call=ended.job.call, task=ended.job.task, report=ended.report))
        with self._lock:
            is_awaited = begun in self._running
        if begun is not None and is_awaited:
            found.append(Outcome(call=begun.call, task=begun.task, has_begun=True))
        return found

    def _note_over(self, shift: Shift, future: Future[None]) -> list[Outcome]:
        """Take in that a shift is over, and what it has not finished: that is done, or goes to the queue."""
        why = _why(future)
        found: list[Outcome] = []
        for job in shift.jobs:
            if not self._is_awaited(job):
                continue
            if job.has_begun or job is shift.jobs[0]:
                found.append(Outcome(call=job.call, task=job.task, why=why))
            else:
                with self._lock:
                    self._queue.appendleft(Job(call=job.call, task=job.task))
        return found

    def _note_done(self, job: Job, future: Future[Report]) -> list[Outcome]:
        if not self._is_awaited(job):
            return []
        why = _why(future)
        return [Outcome(call=job.call, task=job.task, why=why, report=None if why else future.result())]

    def _is_awaited(self, job: Job) -> bool:
        """Take a job off what runs; False when that was done before, because it had taken too long."""
        with self._lock:
            self._release(job)
            return self._running.pop(job, None) is not None

    def _late(self) -> list[Outcome]:
        """Give up attempts that have taken too long."""
        with self._lock:
            late = [(job, place) for job, place in self._running.items() if self._is_late(job)]
            for job, place in late:
                self._release(job)
                del self._running[job]
                if isinstance(place, Shift):
                    # A thread cannot be ended: it goes on, and may publish nothing any more.
                    place.is_over = True
        return [self._given_up(job, place) for job, place in late]

    def _given_up(self, job: Job, place: Future[Report] | Shift) -> Outcome:
        """End what takes too long, as far as it can be ended, and tell what may go on."""
        why = f"it took longer than {job.call.options.timeout_s:g} s"
        kill = getattr(self._executor, "kill", None)
        if isinstance(place, Shift):
            why += "; its thread cannot be ended and goes on, but what it makes is not used"
        elif place.cancel():
            why += "; it was cancelled, and if it has begun it may go on, but what it makes is not used"
        elif kill is None:
            why += "; it cannot be ended there and goes on, but what it makes is not used"
        elif kill(place):
            return Outcome(call=job.call, task=job.task, why=f"{why}, and its process was killed")
        _LOG.warning("step %s: %s", job.call.slot, why)
        return Outcome(call=job.call, task=job.task, why=why)

    def _is_late(self, job: Job) -> bool:
        deadline_s = job.call.deadline_s
        return deadline_s is not None and self._clock_s() >= deadline_s


def _why(future: Future[Any]) -> str:
    """Tell why a future has no result; empty when it has one.

    Raises:
        UnavailableError: the store could not be reached.
    """
    if future.cancelled():
        return "it was cancelled"
    error = future.exception()
    if isinstance(error, UnavailableError | KeyboardInterrupt | SystemExit):
        raise error
    return f"{type(error).__name__}: {error}" if error else ""
