"""Shifts: a thread of this process that performs one attempt after another.

The end of an attempt is stored together with the claim to the next one, in one transaction: with small
steps the commits are most of what a pipeline costs.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, Protocol

from headwater.errors import HeadwaterError
from headwater.model.ids import ExecutionId
from headwater.model.syntax import let_threads_parse
from headwater.pipelines.calls import Call
from headwater.pipelines.performing import TAKEN, Report, Task, claimed, perform_claimed
from headwater.pipelines.step_run import Claim, claim_to
from headwater.tracking import Session


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """A call with the task of its next attempt.

    Attributes:
        has_begun: It is being worked on.
        is_free: It takes no processor any more: it has ended, or is waited for no longer.
    """

    call: Call
    task: Task
    has_begun: bool = False
    is_free: bool = False

    @property
    def function(self) -> Callable[..., Any]:
        """What is to be run."""
        return self.call.step.function


class Foreman(Protocol):
    """Hands out jobs, and is told how they go; asked from the threads of shifts."""

    def next(self, shift: "Shift") -> Job | None:
        """Return what a shift is to do next; None: it is over."""
        ...

    def note(self, ended: "Ended | None", begun: Job | None = None) -> None:
        """Note what became of a job, and which one is being worked on from now on."""
        ...


@dataclass(frozen=True, slots=True)
class Ended:
    """A job, and what became of it."""

    job: Job
    report: Report


@dataclass(slots=True, eq=False)
class Shift:
    """One thread's work.

    Attributes:
        jobs: What it has taken on and not finished; the first of them is being worked on.
        is_over: It shall take on nothing more.
    """

    jobs: list[Job] = field(default_factory=list[Job])
    is_over: bool = False


def work_through(session: Session, shift: Shift, foreman: Foreman) -> None:
    """Perform the shift's first job, and then what the foreman hands out, until that is nothing.

    Raises:
        UnavailableError: the store cannot be reached; the leases of attempts run out.
    """
    # These threads are about to run code of others.
    let_threads_parse()
    execution: ExecutionId | None = None
    claim: Claim | None = None
    ended: Ended | None = None
    for job in _jobs(shift, foreman):
        if claim and execution:
            run = claim.made(execution)
        else:
            foreman.note(ended)
            ended, run = None, claimed(session, job.task)
        claim = execution = None
        report = TAKEN
        if run is not None:
            # Together, so that who waits for news is woken once.
            foreman.note(ended, job)
            relay = _Relay(session, shift, foreman)
            # What a step changes of its context is seen by no other.
            report, execution = copy_context().run(perform_claimed, run, job.task, job.function, relay.follow)
            claim = relay.claim
        ended = Ended(job, report)
        shift.jobs.remove(job)
    foreman.note(ended)


def _jobs(shift: Shift, foreman: Foreman) -> Iterator[Job]:
    while shift.jobs or foreman.next(shift):
        yield shift.jobs[0]


@dataclass(slots=True)
class _Relay:
    """Takes the next job on just before the end of one is stored."""

    session: Session
    shift: Shift
    foreman: Foreman
    claim: Claim | None = None

    def follow(self) -> Claim | None:
        if following := self.foreman.next(self.shift):
            # What is wrong with it shows when it is claimed alone: it is no fault of the one that ends.
            with suppress(HeadwaterError):
                self.claim = claim_to(self.session, following.task)
        return self.claim
