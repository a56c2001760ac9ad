"""Performing one attempt at a step: claim it, run the function, publish what it made."""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from headwater.errors import ConflictError, RefusedError
from headwater.model.ids import ContextId, ExecutionId
from headwater.model.runs import RunStatus
from headwater.model.syntax import let_threads_parse
from headwater.model.values import Properties, PropertyValue
from headwater.pipelines.bindings import Binding, loaded
from headwater.pipelines.contracts import Contract, Shape, contract_of, run_parameter
from headwater.pipelines.definitions import Address
from headwater.pipelines.keys import CacheKey
from headwater.pipelines.loading import load_function
from headwater.pipelines.publishing import Outputs
from headwater.pipelines.slots import Slot
from headwater.pipelines.step_run import Claim, StepRun, claim
from headwater.pipelines.values import Loader, Stored
from headwater.tracking import Session
from headwater.tracking.outcome import outcome
from headwater.tracking.reads import places_of

UNDECLARED: Final = "read without declaring"
_LOG: Final = logging.getLogger("headwater.pipelines")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One attempt at a step, as it can be sent to another process.

    Attributes:
        pipeline: Name of the pipeline.
        run: Name of its run.
        seed: What the ids of the run's attempts are made from.
        slot: Which call of which step.
        address: Where its function is.
        function: The function itself, for threads of this process.
        bindings: What it is called with.
        key: What its result depends on.
        parent_id: The runner.
        contexts: What it belongs to: the pipeline, its run, and those inside of it.
        facts: What is known of code and environment.
        before: Earlier attempts that failed or were interrupted.
        reason: Why it runs, where the key does not tell.
        is_reusable: What it makes may be reused.
    """

    pipeline: str
    run: str
    seed: str
    slot: Slot
    attempt: int
    address: Address
    bindings: Mapping[str, Binding]
    key: CacheKey
    parent_id: ExecutionId
    contexts: tuple[ContextId, ...]
    facts: Properties = field(default_factory=dict[str, PropertyValue])
    before: tuple[ExecutionId, ...] = ()
    reason: str = ""
    is_reusable: bool = True


class Ending(Enum):
    """How an attempt ended."""

    COMPLETE = "complete"
    FAILED = "failed"
    TAKEN = "taken"
    """Somebody else has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of an attempt; can be sent back from another process."""

    ending: Ending
    execution_id: ExecutionId | None = None
    outputs: tuple[Stored, ...] = ()
    shape: Shape = Shape.ONE
    error: str | None = None
    reads: tuple[str, ...] = ()


TAKEN: Final = Report(ending=Ending.TAKEN)

Enter = Callable[[], AbstractContextManager[Session]]
"""Opens the store in another process; it can be pickled."""


def perform_there(enter: Enter, task: Task) -> Report:
    """Perform an attempt in a process that has only what the task says."""
    with enter() as session:
        found = load_function(task.address)
        return perform(session, task, getattr(found, "function", found))


def perform(session: Session, task: Task, function: Callable[..., Any]) -> Report:
    """Perform an attempt: claim it, run the function, publish what it made.

    Returns:
        What became of it; whatever the function raises is in there.

    Raises:
        UnavailableError: the store cannot be reached; the attempt's lease runs out.
    """
    # Threads of this process, or of a Dask worker, are about to run code of others.
    let_threads_parse()
    run = claimed(session, task)
    return TAKEN if run is None else perform_claimed(run, task, function)[0]


def claimed(session: Session, task: Task) -> StepRun | None:
    """Claim an attempt; None where somebody else has it."""
    try:
        return claim(session, task)
    except ConflictError:
        return None


def perform_claimed(
    run: StepRun,
    task: Task,
    function: Callable[..., Any],
    follow: Callable[[], Claim | None] = lambda: None,
) -> tuple[Report, ExecutionId | None]:
    """Perform an attempt that has been claimed.

    Args:
        run: The attempt.
        task: What it is an attempt at.
        function: The step's function.
        follow: Asked at the end for a claim that may be stored together with the end.

    Returns:
        What became of it; and the execution of the claim that followed, if it was made.
    """
    with closing(Loader(run.session)) as loader:
        try:
            with run:
                outputs = _outputs(task, run, function, loader)
            return _published(run, outputs, follow())
        except BaseException as error:
            if run.has_ended:
                # Such as a store that went away just when the end was written.
                raise
            return _failed(run, error), None


def _outputs(task: Task, run: StepRun, function: Callable[..., Any], loader: Loader) -> Outputs:
    contract = contract_of(function)
    arguments = _arguments(task, run, contract, loader)
    if given := run_parameter(function):
        arguments[given] = run
    value = function(**arguments)
    # Reads until here are the function's own.
    run.stop_reading()
    outputs = Outputs(run.session, run, task, contract)
    outputs.take(value)
    return outputs


def _arguments(task: Task, run: StepRun, contract: Contract, loader: Loader) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with run.loading():
        for name, binding in task.bindings.items():
            found[name] = loaded(binding, loader, contract.inputs.get(name, Any))
            run.declare(*places_of(found[name]))
    return found


def _published(run: StepRun, outputs: Outputs, following: Claim | None) -> tuple[Report, ExecutionId | None]:
    try:
        stored, published = outputs.publish(following)
    except RefusedError as error:
        _LOG.warning("%s", error)
        return Report(ending=Ending.TAKEN, execution_id=run.id, error=str(error)), None
    if run.undeclared:
        _LOG.warning("step %s %s: %s", run.name, UNDECLARED, ", ".join(run.undeclared))
    report = Report(
        ending=Ending.COMPLETE,
        execution_id=run.id,
        outputs=stored,
        shape=outputs.shape,
        reads=tuple(run.undeclared),
    )
    return report, published[1].execution_id if len(published) > 1 else None


def _failed(run: StepRun, error: BaseException) -> Report:
    status, text = outcome(error)
    if status is RunStatus.FINISHED:
        status, text = RunStatus.FAILED, "the step ended its process"
    try:
        run.finish(status, text)
    except RefusedError:
        return Report(ending=Ending.TAKEN, execution_id=run.id, error=text)
    if not isinstance(error, Exception) and not isinstance(error, SystemExit):
        raise error
    return Report(ending=Ending.FAILED, execution_id=run.id, error=text)
