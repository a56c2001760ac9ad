"""Serving pipelines: makes the runs that triggers ask for, and goes on with those that stopped."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from headwater.errors import ConflictError, HeadwaterError, UnavailableError
from headwater.model.graph import ExecutionState
from headwater.pipelines import tags
from headwater.pipelines.records import PipelineRun, RunState, runners_of, runs_of, state_of
from headwater.pipelines.triggers import Trigger, due
from headwater.tracking import Session

_LOG: Final = logging.getLogger("headwater.pipelines")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A pipeline that a server runs.

    Attributes:
        begin: Makes a run of this name, with these params, for this trigger.
        resume: Goes on with a run.
    """

    name: str
    triggers: Sequence[Trigger]
    begin: Callable[[str, Mapping[str, Any], str], object]
    resume: Callable[[PipelineRun], object]


class PipelineServer:
    """Runs pipelines when their triggers fire. Several servers of one store share the work.

    Args:
        session: The store.
        served: The pipelines.
        workers: Runs at once.
    """

    def __init__(self, session: Session, served: Sequence[Served], *, workers: int = 4) -> None:
        self._session, self._served = session, served
        self._began_ms = session.clock_ms()
        self._pool = ThreadPoolExecutor(workers, "headwater-serve")
        self._busy: dict[tuple[str, str], Future[object]] = {}
        self._stopping = threading.Event()

    def serve(self, *, poll_s: float = 5.0) -> None:
        """Look for work again and again, until `stop` is called."""
        while not self._stopping.is_set():
            try:
                self.look()
            except UnavailableError as error:
                _LOG.warning("the store cannot be reached; looking again in %g s: %s", poll_s, error)
            self._stopping.wait(poll_s)
        self._pool.shutdown()

    def stop(self) -> None:
        """Let what runs come to its end, and begin nothing more."""
        self._stopping.set()

    def look(self) -> list[Future[object]]:
        """Start what is due, and go on with what stopped.

        Returns:
            What was started.
        """
        self._busy = {key: future for key, future in self._busy.items() if not future.done()}
        return [future for served in self._served for future in self._look_at(served)]

    def _look_at(self, served: Served) -> list[Future[object]]:
        runs = runs_of(self._session.store, served.name)
        started = [
            self._start(served.name, run.name, lambda run=run: served.resume(run))
            for run in runs
            if (served.name, run.name) not in self._busy and self._can_go_on(run)
        ]
        now_ms = self._session.clock_ms()
        for trigger in served.triggers:
            for firing in due(trigger, self._session.store, runs, began_ms=self._began_ms, now_ms=now_ms):
                if (served.name, firing.name) not in self._busy:
                    begin = (firing.name, firing.params, trigger.text)
                    started.append(self._start(served.name, firing.name, lambda b=begin: served.begin(*b)))
        return started

    def _start(self, pipeline: str, run: str, action: Callable[[], object]) -> Future[object]:
        future = self._pool.submit(self._guarded, pipeline, run, action)
        self._busy[pipeline, run] = future
        return future

    def _guarded(self, pipeline: str, run: str, action: Callable[[], object]) -> object:
        try:
            return action()
        except ConflictError:
            _LOG.info("run %s of %s is another server's", run, pipeline)
        except HeadwaterError as error:
            _LOG.error("run %s of %s: %s", run, pipeline, error)
        return None

    def _can_go_on(self, run: PipelineRun) -> bool:
        """Tell whether a run that a trigger began was interrupted, or has been approved since it waits."""
        if run.trigger is None:
            return False
        runners = runners_of(self._session.store, run)
        lease_s = self._session.settings.lost_after_s
        now_ms = self._session.clock_ms()
        match state_of(runners, now_ms=now_ms, lease_s=lease_s):
            case RunState.INTERRUPTED:
                # A run that another server has just recorded, and whose runner is about to begin, is not.
                return bool(runners) or now_ms - run.created_ms > lease_s * 1000
            case RunState.WAITING:
                return self._is_answered(run, runners[-1].end_ms or 0)
            case _:
                return False

    def _is_answered(self, run: PipelineRun, since_ms: int) -> bool:
        links = self._session.store.links.executions_of_contexts([run.id])
        found = self._session.store.executions.get([link.execution_id for link in links])
        return any(
            execution.custom_properties.get(tags.ROLE) == tags.APPROVAL
            and execution.state in {ExecutionState.COMPLETE, ExecutionState.FAILED}
            and execution.updated_ms >= since_ms
            for execution in found
        )
