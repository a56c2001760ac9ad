"""The pipelines of one store, and their runs: `client.pipelines`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.errors import InvalidError, NotFoundError
from headwater.model.refs import PipelineRef, parse_ref
from headwater.pipelines.approvals import Approvals
from headwater.pipelines.events import PipelineResult
from headwater.pipelines.loading import load_entry
from headwater.pipelines.records import (
    PipelineRun,
    RunState,
    find_run,
    pipelines,
    runners_of,
    runs_of,
    state_of,
)
from headwater.pipelines.serving import PipelineServer, Served
from headwater.pipelines.viewing import StepView, Why, steps_of, why
from headwater.sdk.pipelines import Pipeline, run_with

if TYPE_CHECKING:
    from headwater.sdk.client import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineView:
    """A run of a pipeline as it stands.

    Attributes:
        resumes: How often it was resumed.
    """

    run: PipelineRun
    state: RunState
    start_ms: int
    end_ms: int | None
    resumes: int
    error: str | None


class PipelineRuns:
    """Looks at runs of pipelines, resumes them, and decides on what they wait for."""

    def __init__(self, client: "Client") -> None:
        self._client = client

    def names(self) -> list[str]:
        """Return the names of all pipelines, sorted."""
        return [context.name or "" for context in pipelines(self._client.store)]

    def runs(self, pipeline: str) -> list[PipelineView]:
        """Return the runs of a pipeline, newest first."""
        return [self._view(run) for run in runs_of(self._client.store, pipeline)]

    def run(self, ref: str) -> PipelineView:
        """Return one run, of a reference such as `pipelines/flights/18`, or of `flights/18`.

        Raises:
            InvalidError: it is no such reference.
            NotFoundError: there is no such run.
        """
        return self._view(self._find(ref))

    def steps(self, ref: str) -> list[StepView]:
        """Return the steps of a run, in the order of its plan.

        Raises:
            HeadwaterError: as in `run`.
        """
        now_ms, lease_s = self._moment()
        return steps_of(self._client.session, self._find(ref), now_ms=now_ms, lease_s=lease_s)

    def why(self, ref: str, step: str) -> Why:
        """Tell why a step ran or was reused.

        Raises:
            NotFoundError: there is no such run, or it has no such step.
        """
        return why(self._client.store, self._find(ref), step)

    def resume(
        self, ref: str, *, source: str | None = None, params: Mapping[str, Any] | None = None, **options: Any
    ) -> PipelineResult:
        """Go on with a run.

        Args:
            ref: Which.
            source: Where its code is now, such as `flights.py:flights`; by default where it was.
            params: Params to change; the others stay.
            options: As in `Pipeline.run`.

        Raises:
            NotFoundError: there is no such run, or its code is no longer where it was.
            InvalidError: it is another pipeline's code.
            PipelineFailedError: a step failed.
        """
        run = self._find(ref)
        found = self._pipeline(run, source)
        return self.start(found, dict(params or {}), resume=run.name, **options)

    def start(self, pipeline: Pipeline, params: Mapping[str, Any], **options: Any) -> PipelineResult:
        """Run a pipeline in this store; see `Pipeline.run`."""
        from headwater import sdk

        return run_with(self._client, pipeline.definition, dict(params), current=sdk.current(), **options)

    def server(self, pipelines: Sequence[Pipeline], **options: Any) -> PipelineServer:
        """Return a server that runs pipelines when their triggers fire.

        Args:
            pipelines: Which.
            options: As in `Pipeline.run`.

        Raises:
            InvalidError: one of them has no trigger.
        """
        idle = [pipeline.name for pipeline in pipelines if not pipeline.definition.triggers]
        if idle:
            raise InvalidError(
                f"pipeline {', '.join(idle)} has no trigger: @hw.pipeline(triggers=[hw.Cron('0 2 * * *')])"
            )
        return PipelineServer(self._client.session, [self._served(each, options) for each in pipelines])

    def _served(self, pipeline: Pipeline, options: Mapping[str, Any]) -> Served:
        def begin(name: str, params: Mapping[str, Any], trigger: str) -> object:
            return self.start(pipeline, params, run_name=name, trigger=trigger, **options)

        def resume(run: PipelineRun) -> object:
            return self.start(pipeline, {}, resume=run.name, **options)

        triggers = pipeline.definition.triggers
        return Served(name=pipeline.name, triggers=triggers, begin=begin, resume=resume)

    def approve(self, ref: str, step: str, *, reason: str) -> None:
        """Approve what a run waits for; a runner goes on with it, or `resume` does.

        Raises:
            NotFoundError: the run does not wait for this.
            RefusedError: it is approved already, or the reason is blank.
        """
        self._decide(ref, step, reason, approves=True)

    def reject(self, ref: str, step: str, *, reason: str) -> None:
        """Reject what a run waits for: the run fails, unless somebody approves before it is resumed.

        Raises:
            HeadwaterError: as in `approve`.
        """
        self._decide(ref, step, reason, approves=False)

    def load(self, entry: str) -> Pipeline:
        """Return the pipeline that `FILE.py:NAME` names.

        Raises:
            NotFoundError: there is no such file or name.
            InvalidError: it is no pipeline.
        """
        found: object = load_entry(entry)
        if not isinstance(found, Pipeline):
            raise InvalidError(
                f"{entry} is a {type(found).__name__}, no pipeline: decorate it with @hw.pipeline"
            )
        return found

    def _decide(self, ref: str, step: str, reason: str, *, approves: bool) -> None:
        approvals = Approvals(self._client.session, self._find(ref))
        approvals.decide(step, approves=approves, actor=self._client.actor, reason=reason)

    def _pipeline(self, run: PipelineRun, source: str | None) -> Pipeline:
        entry = source or _placed(run.entry, self._client.session.project_root)
        try:
            if entry is None:
                raise NotFoundError("code of", run.ref)
            found = self.load(entry)
        except NotFoundError as error:
            raise NotFoundError(
                "code of the pipeline", run.ref, gone=f"{error}; say where it is with --from FILE.py:NAME"
            ) from error
        if found.name != run.pipeline:
            raise InvalidError(
                f"{entry} is pipeline {found.name!r}, and {run.ref} is a run of {run.pipeline!r}"
            )
        return found

    def _find(self, ref: str) -> PipelineRun:
        parsed = parse_ref(ref if ref.startswith("pipelines/") else f"pipelines/{ref}")
        if not isinstance(parsed, PipelineRef) or parsed.run is None:
            raise InvalidError(f"{ref!r} names no run of a pipeline: write it as pipelines/NAME/RUN")
        return find_run(self._client.store, parsed.name, parsed.run)

    def _view(self, run: PipelineRun) -> PipelineView:
        now_ms, lease_s = self._moment()
        runners = runners_of(self._client.store, run)
        last = runners[-1] if runners else None
        return PipelineView(
            run=run,
            state=state_of(runners, now_ms=now_ms, lease_s=lease_s),
            start_ms=runners[0].start_ms if runners else run.created_ms,
            end_ms=last.end_ms if last else None,
            resumes=max(0, len(runners) - 1),
            error=last.error if last else None,
        )

    def _moment(self) -> tuple[int, float]:
        return self._client.session.clock_ms(), self._client.session.settings.lost_after_s


def _placed(entry: str | None, root: Path) -> str | None:
    """Return an entry with the path of its file, which is stored below the project's folder."""
    place, mark, name = (entry or "").rpartition(":")
    return f"{root / place}{mark}{name}" if place.endswith(".py") else entry
