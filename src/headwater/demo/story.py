"""The year: a run of the pipeline for every month, with what goes wrong on the way."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, Protocol

from headwater.demo.gate import PROCESS
from headwater.demo.months import YEAR, Month, midnight_ms, needed_months
from headwater.demo.outage import kill_during
from headwater.demo.pipeline import agree_on_schemas, live_month
from headwater.demo.refusal import refusal_of
from headwater.demo.sources import BAD_MONTH
from headwater.demo.steps import MODEL
from headwater.errors import PipelineFailedError
from headwater.model.values import Json
from headwater.pipelines.events import PipelineResult, StepEvent, StepState
from headwater.pipelines.records import RunState
from headwater.sdk.client import Client
from headwater.tracking import ActiveRun

YEAR_RUN: Final = "flights/year"
"""Experiment of the run around all others."""
KILLED_MONTH: Final = Month(2)
"""The month during which the process is killed: it trains the first version."""
KILLED_STEP: Final = "train"
APPROVAL: Final = "approve"
_NEW_YEAR: Final = date(YEAR, 1, 1)


class Narrator(Protocol):
    """Who tells how far the year has come."""

    def begin(self, what: str) -> None:
        """One more part begins; `part_count` of them make a year."""
        ...

    def doing(self, what: str) -> None:
        """A step of that part begins."""
        ...

    def say(self, when: str, word: str, text: str) -> None:
        """Something has happened."""
        ...


def part_count(months: Sequence[Month]) -> int:
    """Return how many parts it takes to live through some months: the schemas, and the months."""
    return 1 + len(list(needed_months(months)))


class Story:
    """One pass through the year, on a store that may have seen others.

    Args:
        client: The store.
        narrator: Is told what happens.
        folder: Where the files of the year are; by default those of the package.
    """

    def __init__(self, client: Client, narrator: Narrator, *, folder: str = "") -> None:
        self._client, self._narrator, self._folder = client, narrator, folder
        self._model = client.models[MODEL]
        self._years = 1 + len(client.search_runs(f"experiment = '{YEAR_RUN}'"))
        self._refs: dict[str, Json] = {}
        self._decided: dict[str, Any] = {}

    def live_through(self, months: Sequence[Month]) -> str:
        """Score months, with a decision before each and a look back after it.

        Args:
            months: In order, from March on.

        Returns:
            Id of the run around all others.

        Raises:
            PipelineFailedError: a step failed that should not have.
        """
        with self._client.run(YEAR_RUN, name=str(YEAR), params={"months": len(months)}) as year:
            self._prepare()
            for month in needed_months(months):
                self._narrator.begin(str(month))
                done = self._live(month)
                self._refs[str(month)] = done.ref
                year.set_tag("runs", {**self._refs})
                self._log(year, month, done.value)
                self._tell(month, done.value)
                self._decided = done.value
        return year.run_id

    def _prepare(self) -> None:
        """Agree on what is asked for, of the data and of a promotion."""
        self._client.models.register(MODEL)
        if versions := len(self._model.versions()):
            text = f"{versions} versions are there already; what is the same as then is not made again"
            self._narrator.say("", "again", text)
        if holder := self._model.info().stages.get("production"):
            reason = f"the year {YEAR} begins again, and this version knows days that are still to come"
            self._model.promote(holder, to="archived", reason=reason, loads=False)
        if self._model.process() != PROCESS:
            self._model.set_process(PROCESS, reason="nothing goes into production without these verdicts")
        self._narrator.begin("schemas")
        self._checked(self._start(agree_on_schemas, {"folder": self._folder}))

    def _live(self, month: Month) -> PipelineResult:
        """Run the pipeline for a month, and go on with that run after whatever has stopped it."""
        name = str(month) if self._years == 1 else f"{month}.{self._years}"
        params = {"month": str(month), "folder": self._folder}
        is_memory = self._client.url.startswith("memory:")
        if month == KILLED_MONTH and not is_memory:
            kill_during(self._client, KILLED_STEP, run_name=name, params=params)
            done = self._resumed_after_kill(month, name)
        else:
            if month == KILLED_MONTH:
                text = "a store in memory is seen by one process alone: nothing is killed here"
                self._narrator.say(str(month), "spared", text)
            done = self._start(live_month, params, run_name=name)
        if month == BAD_MONTH and "validate_weather" in done.failures:
            done = self._repaired(month, name, done)
        return self._checked(done)

    def _resumed_after_kill(self, month: Month, name: str) -> PipelineResult:
        ref = f"{live_month.name}/{name}"
        cut_short = {StepState.INTERRUPTED, StepState.RUNNING}
        broken = [step.step for step in self._client.pipelines.steps(ref) if step.state in cut_short]
        where = f"while {' and '.join(broken)} ran" if broken else "between two steps"
        self._narrator.say(str(month), "killed", f"kill -9 of the process that ran this month, {where}")
        done = self._start(live_month, {}, resume=name)
        kept = [step for step, found in done.steps.items() if found.state is StepState.RESUMED]
        again = [step.step for step in self._client.pipelines.steps(ref) if step.attempts > 1]
        ran = f"{', '.join(again)} ran again" if again else "nothing had to run again"
        self._narrator.say(str(month), "resumed", f"kept: {', '.join(kept)}; {ran}, and then the rest")
        return done

    def _repaired(self, month: Month, name: str, stopped: PipelineResult) -> PipelineResult:
        delivery = stopped.steps["ingest_weather"].outputs[0].artifact_id
        (data,) = self._client.store.data.by_artifact_ids([delivery])
        say = self._narrator.say
        say(str(month), "injected", f"{data.ref} is made to come in with five of its columns rotated")
        for line in refusal_of(self._client, data):
            say(str(month), "refused", line)
        first, *others = [step for step, found in stopped.steps.items() if found.state is StepState.BLOCKED]
        say(str(month), "stopped", f"{first} and the {len(others)} steps after it did not run")
        done = self._start(live_month, {"delivery": 2}, resume=name)
        kept = [step for step, found in done.steps.items() if found.state is StepState.RESUMED]
        say(str(month), "repaired", f"the second delivery passes; kept: {', '.join(kept)}")
        return done

    def _start(self, pipeline: Any, params: Mapping[str, object], **options: Any) -> PipelineResult:
        def listen(event: StepEvent) -> None:
            if event.state is StepState.RUNNING:
                self._narrator.doing(str(event.slot))
            if event.state is StepState.APPROVAL:
                self._approve(options.get("run_name") or options["resume"], str(event.slot))

        return self._client.pipelines.start(
            pipeline, params, listen=listen, wait=True, raises=False, **options
        )

    def _approve(self, name: str, step: str) -> None:
        """Approve, as the person does who has the say here: by policy, without looking."""
        reason = "policy of the demo: what has passed all gates may go into production"
        self._client.pipelines.approve(f"{live_month.name}/{name}", step, reason=reason)

    def _checked(self, done: PipelineResult) -> PipelineResult:
        if done.state is not RunState.COMPLETE:
            raise PipelineFailedError(done.ref, done.failures, result=done)
        return done

    def _log(self, year: ActiveRun, month: Month, found: dict[str, Any]) -> None:
        """Add a month to the series of the year: a point a month, and one a day."""
        if "score" not in found:
            return
        score, review, decided = found["score"], found["review"], self._decided
        aucs = decided["evaluate"]
        monthly = {name: value for name, value in review.items() if name != "rollback"} | {
            "auc": score["auc"],
            "late_share": score["late_share"],
            "production": score["version"],
            "gain": aucs["challenger"] - aucs.get("production", float("nan")),
            "passed": int(decided["passed"]),
        }
        year.log_metrics(monthly, step=month.number, timestamp=month.end_ms)
        days = [date.fromisoformat(day) for day in score["auc_by_day"]]
        steps_of_year = [(day - _NEW_YEAR).days + 1 for day in days]
        values = [float("nan") if auc is None else auc for auc in score["auc_by_day"].values()]
        year.log_series("auc_daily", steps_of_year, values, [midnight_ms(day) for day in days])

    def _tell(self, month: Month, found: dict[str, Any]) -> None:
        """Tell of a promotion that was taken back, and of the decision about the month to come."""
        if reason := found.get("review", {}).get("rollback"):
            self._narrator.say(str(month), "rollback", f"to v{found['review']['before']}: {reason}")
        if "challenger" in found:
            word = "promote" if found["passed"] else "refuse"
            text = f"v{found['challenger'].version}: {found['reason']}"
            self._narrator.say(str(month.after), word, text)
