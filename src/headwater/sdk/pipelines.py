"""Pipelines as users write and run them."""

import sys
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, update_wrapper
from typing import TYPE_CHECKING, Any

from headwater.errors import InvalidError
from headwater.pipelines.graph import drawn
from headwater.pipelines.pipeline import Definition
from headwater.sdk.client import Client, Current

if TYPE_CHECKING:
    from headwater.pipelines.events import Listener, PipelineResult
    from headwater.pipelines.records import PipelineRun
    from headwater.pipelines.triggers import Trigger
    from headwater.tracking import Session


class Pipeline:
    """A function that calls steps.

    `run` runs it. Called inside of another pipeline it becomes part of that one; called anywhere else
    it is the plain function, whose steps are plain functions, too.
    """

    def __init__(
        self, function: Callable[..., Any], definition: Definition, current: Callable[[], Current]
    ) -> None:
        self.function, self.definition, self._current = function, definition, current
        update_wrapper(self, function, updated=())

    @property
    def name(self) -> str:
        """Its name in the store."""
        return self.definition.name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Draw its steps into the pipeline that is being drawn, or call the function."""
        graph = drawn()
        if graph is None:
            return self.function(*args, **kwargs)
        with graph.scope(self.name):
            return self.function(*args, **kwargs)

    def run(
        self,
        *,
        resume: bool | str = False,
        executor: "str | Executor" = "threads",
        workers: int | None = None,
        cache: bool = True,
        run_name: str | None = None,
        raises: bool = True,
        wait: bool = False,
        listen: "Listener | None" = None,
        **params: Any,
    ) -> "PipelineResult":
        """Run it in the current store.

        Args:
            resume: Go on with the newest run that has not come to its end, or the one of this name; without
                params with those that it was begun with. Where there is none, a new one begins.
            executor: `threads`, `processes`, or an executor of `concurrent.futures`, such as that of Dask.
            workers: Processors that steps may take at once; by default all.
            cache: Reuse what earlier runs have made of the same.
            run_name: Name of the run; by default the next number.
            raises: Raise an error when a step fails.
            wait: Wait for people who have to approve, instead of ending in the state `waiting`.
            listen: Told what happens to each step.
            params: What the function takes.

        Raises:
            InvalidError: a param makes no sense, or the store cannot be opened by other processes.
            NotFoundError: there is no run to go on with that has the name given.
            PipelineFailedError: a step failed.
        """
        _refuse_imported(self.name)
        return run_with(
            self._current().get(),
            self.definition,
            params,
            current=self._current(),
            resume=resume,
            executor=executor,
            workers=workers,
            cache=cache,
            run_name=run_name,
            raises=raises,
            wait=wait,
            listen=listen,
        )

    def __repr__(self) -> str:
        return f"<Pipeline {self.name}>"


def run_with(
    client: Client,
    definition: Definition,
    params: dict[str, Any],
    *,
    current: Current,
    resume: bool | str = False,
    executor: "str | Executor" = "threads",
    workers: int | None = None,
    cache: bool = True,
    run_name: str | None = None,
    raises: bool = True,
    wait: bool = False,
    listen: "Listener | None" = None,
    trigger: str | None = None,
) -> "PipelineResult":
    """Run a pipeline in a store; see `Pipeline.run`."""
    from headwater.pipelines.running import Running, run_pipeline
    from headwater.pipelines.settings import RunnerSettings

    resumed = _resumed(client, definition.name, resume) if resume else None
    if resumed is not None:
        params = {**resumed.params, **params}
    is_memory = client.store.url.startswith("memory:")
    running = Running(
        executor=executor,
        workers=workers,
        enter=None if is_memory else Opening(*client.address),
        name=run_name,
        trigger=trigger,
        raises=raises,
        listen=listen or (lambda _: None),
        settings=RunnerSettings(
            uses_cache=cache, waits_for_people=wait, lease_s=client.session.settings.lost_after_s
        ),
    )
    with current.using(client):
        return run_pipeline(client.session, definition, params, running, resumed=resumed)


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens the store in a process that runs a step; the steps of one process share one client."""

    url: str
    blobs: str
    actor: str

    @contextmanager
    def __call__(self) -> "Generator[Session]":
        """Work with the store, and let `headwater`'s functions use it, too."""
        from headwater import sdk

        client = _opened(self)
        with sdk.current().using(client):
            yield client.session


@cache
def _opened(opening: Opening) -> Client:
    return Client(opening.url, blobs=opening.blobs, actor=opening.actor)


def _resumed(client: Client, pipeline: str, resume: bool | str) -> "PipelineRun | None":  # noqa: FBT001
    from headwater.pipelines.records import RunState, find_run, runners_of, runs_of, state_of

    if isinstance(resume, str):
        return find_run(client.store, pipeline, resume.rpartition("/")[2])
    now_ms, lease_s = client.session.clock_ms(), client.session.settings.lost_after_s
    for run in runs_of(client.store, pipeline):
        state = state_of(runners_of(client.store, run), now_ms=now_ms, lease_s=lease_s)
        return None if state is RunState.COMPLETE else run
    return None


def _refuse_imported(name: str) -> None:
    """Refuse to run while a file is only imported: each process of a step would begin a run of its own."""
    frame = sys._getframe(2)  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        module = frame.f_globals
        if frame.f_code.co_name == "<module>" and (
            module.get("__name__") == "__mp_main__" or "__headwater_path__" in module
        ):
            raise InvalidError(
                f"pipeline {name} was run while its file was imported: put that call below "
                '`if __name__ == "__main__":`'
            )
        frame = frame.f_back


def make_pipeline(
    function: Callable[..., Any],
    current: Callable[[], Current],
    *,
    name: str | None,
    triggers: "Sequence[Trigger]",
) -> Pipeline:
    """Make a function a pipeline; see `headwater.pipeline`."""
    definition = Definition(name=name or function.__name__, function=function, triggers=tuple(triggers))
    return Pipeline(function, definition, current)
