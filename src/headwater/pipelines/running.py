"""Running a pipeline: record the run, note what it runs on, and let a runner work."""

import os
from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from headwater.errors import InvalidError, PipelineFailedError
from headwater.model.graph import Association
from headwater.model.runs import RunStatus
from headwater.model.values import Json, Properties, PropertyValue
from headwater.pipelines import tags
from headwater.pipelines.code import Code
from headwater.pipelines.events import Listener, PipelineResult, StepState
from headwater.pipelines.executors import Processes, usable_cpus
from headwater.pipelines.keying import Keys
from headwater.pipelines.leases import new_owner
from headwater.pipelines.performing import Enter
from headwater.pipelines.pipeline import Definition
from headwater.pipelines.planning import Plan, plan_json, plan_of
from headwater.pipelines.records import (
    RUNNER,
    NewPipelineRun,
    PipelineRun,
    RunState,
    add_run,
    change_run,
    runners_of,
)
from headwater.pipelines.runner import Runner
from headwater.pipelines.settings import RunnerSettings
from headwater.tracking import ActiveRun, Session, start_run
from headwater.tracking.capture import Capture
from headwater.tracking.delivery import attach

STEP_FACTS: Final = (
    "git_commit",
    "git_is_dirty",
    "git_diff_digest",
    "packages_digest",
    "lock_file",
    "lock_digest",
    "python_version",
)
"""What each step says of its code and environment itself; its parent, the runner, has all of it."""
SPARE_THREADS: Final = 1000
THREADS: Final = "threads"
PROCESSES: Final = "processes"
_ENDS: Final = {
    RunState.COMPLETE: RunStatus.FINISHED,
    RunState.FAILED: RunStatus.FAILED,
    RunState.WAITING: RunStatus.SCHEDULED,
}


def _nobody(_: object) -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """How a pipeline is to be run.

    Attributes:
        executor: `threads`, `processes`, or an executor of `concurrent.futures`.
        workers: Processors that steps may take at once.
        enter: Opens the store in another process; None where only this one has it.
        name: Name of the run; by default the next number.
        trigger: What started it.
        raises: Raise an error when a step fails.
    """

    executor: str | Executor = THREADS
    workers: int | None = None
    enter: Enter | None = None
    name: str | None = None
    trigger: str | None = None
    raises: bool = True
    listen: Listener = _nobody
    settings: RunnerSettings = field(default_factory=RunnerSettings)


def run_pipeline(
    session: Session,
    definition: Definition,
    params: Mapping[str, object],
    running: Running,
    *,
    resumed: PipelineRun | None = None,
) -> PipelineResult:
    """Run a pipeline, or go on with a run of it.

    Args:
        session: The store.
        definition: The pipeline.
        params: What it is called with.
        running: How.
        resumed: The run to go on with.

    Raises:
        InvalidError: a param or an argument makes no sense; no step has run then.
        PipelineFailedError: a step failed.
    """
    values = definition.bind(params)
    graph = definition.draw(values)
    with ExitStack() as stack:
        executor, enter, workers = _executor(running, session, stack)
        run = _recorded(session, definition, values, running, resumed, plan_of(graph))
        active = stack.enter_context(_runner_run(session, run, values))
        facts = Facts(session, active)
        runner = Runner(
            session,
            graph,
            run,
            parent_id=active.id,
            facts=facts.get,
            executor=executor,
            enter=enter,
            listen=running.listen,
            settings=replace(running.settings, workers=workers),
            keys=Keys(session.environment, os.environ, Code()),
        )
        result = runner.work()
        active.end(_ENDS[result.state], _summary(result))
    if running.raises and result.state is RunState.FAILED:
        raise PipelineFailedError(result.ref, result.failures, result=result)
    return result


class Facts:
    """What is known of code and environment, found out once for all steps of a run."""

    def __init__(self, session: Session, active: ActiveRun) -> None:
        self._session, self._active = session, active
        self._found: dict[str, PropertyValue] = {}
        self._capture = Capture(session.environment, session.project_root, session.blobs, self._found.update)
        self._capture.start()
        self._is_attached = False

    def get(self) -> Properties:
        """Return them, once they are known."""
        self._capture.wait()
        if not self._is_attached:
            self._is_attached = True
            attach(self._session.store, self._active.id, self._found)
        return {name: self._found[name] for name in STEP_FACTS if name in self._found}


def _recorded(
    session: Session,
    definition: Definition,
    values: dict[str, Json],
    running: Running,
    resumed: PipelineRun | None,
    plan: tuple[Plan, ...],
) -> PipelineRun:
    entry = _entry(definition, session.project_root)
    if resumed is not None:
        return change_run(session.store, resumed, params=values, entry=entry, plan=plan_json(plan))
    new = NewPipelineRun(
        pipeline=definition.name,
        name=running.name,
        entry=entry,
        params=values,
        plan=plan,
        trigger=running.trigger,
        description=definition.description,
    )
    return add_run(session, new)


def _entry(definition: Definition, root: Path) -> str:
    """Return where the code is, below the project's folder where it is there: others have it elsewhere."""
    file, mark, name = definition.entry.rpartition(":")
    path = Path(file)
    return f"{path.relative_to(root)}{mark}{name}" if path.is_relative_to(root) else definition.entry


def _runner_run(session: Session, run: PipelineRun, values: Mapping[str, Json]) -> ActiveRun:
    number = len(runners_of(session.store, run)) + 1
    name = run.name if number == 1 else f"{run.name} (resumed, {number})"
    owner = new_owner()
    active = start_run(
        session,
        run.pipeline,
        name=name,
        params=dict(values),
        tags={
            tags.PIPELINE: run.pipeline,
            tags.RUN: run.name,
            tags.ROLE: RUNNER,
            tags.OWNER: owner.as_json(),
        },
        capture=False,
    )
    session.store.links.add_memberships(associations=[Association(run.id, active.id)])
    return active


def _executor(running: Running, session: Session, stack: ExitStack) -> tuple[Executor, Enter | None, float]:
    chosen = running.executor
    if chosen == THREADS or isinstance(chosen, ThreadPoolExecutor):
        workers = running.workers or usable_cpus()
        if isinstance(chosen, ThreadPoolExecutor):
            return chosen, None, running.workers or chosen._max_workers  # pyright: ignore[reportPrivateUsage]
        # As many as there are processors are used; one that hangs must not keep the others from their work.
        threads = ThreadPoolExecutor(workers + SPARE_THREADS, "headwater-step")
        # A thread that has taken too long is not waited for.
        stack.callback(threads.shutdown, wait=False, cancel_futures=True)
        return threads, None, workers
    if running.enter is None:
        raise InvalidError(
            f"the store at {session.store.url} is only in this process: run the steps in threads, or use a "
            "store that other processes can open, such as sqlite:///…"
        )
    if chosen == PROCESSES:
        processes = Processes(running.workers)
        stack.callback(processes.shutdown, wait=False, cancel_futures=True)
        return processes, running.enter, processes.max_workers
    if isinstance(chosen, Executor):
        given = (
            running.workers or getattr(chosen, "max_workers", None) or getattr(chosen, "_max_workers", None)
        )
        return chosen, running.enter, given or usable_cpus()
    raise InvalidError(f"executor must be {THREADS!r}, {PROCESSES!r} or an executor, not {chosen!r}")


def _summary(result: PipelineResult) -> str | None:
    if result.state is RunState.WAITING:
        waiting = [name for name, step in result.steps.items() if step.state is StepState.APPROVAL]
        return f"waiting for: {', '.join(waiting)}"
    return "\n\n".join(f"{name}: {why}" for name, why in result.failures.items()) or None
