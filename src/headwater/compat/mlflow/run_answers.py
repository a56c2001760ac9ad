"""Runs as MLflow's clients see them; what its model has no place for is derived here."""

from collections.abc import Mapping, Sequence
from typing import Final

from headwater.compat.mlflow.answers import Answer, Double, KeyValue, double, key_values
from headwater.compat.mlflow.experiments import Experiments
from headwater.compat.mlflow.locations import experiment_location, run_location
from headwater.compat.mlflow.requests import invalid_value
from headwater.compat.mlflow.run_edges import Edges, RunInputs, RunOutputs
from headwater.model.ids import ContextId, ExecutionId
from headwater.model.protocols import Store
from headwater.model.runs import Run, RunStatus
from headwater.model.series import LastPoint

RUN_NAME_TAG: Final = "mlflow.runName"
PARENT_TAG: Final = "mlflow.parentRunId"

STATUS_NAMES: Final[Mapping[RunStatus, str]] = {
    RunStatus.SCHEDULED: "SCHEDULED",
    RunStatus.RUNNING: "RUNNING",
    RunStatus.FINISHED: "FINISHED",
    RunStatus.FAILED: "FAILED",
    RunStatus.KILLED: "KILLED",
    RunStatus.LOST: "FAILED",
}
_NUMBERED: Final = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}


class Metric(Answer):
    """A point of a metric."""

    key: str
    value: Double
    timestamp: int
    step: int
    run_id: str = ""


class RunInfo(Answer, kw_only=True):
    """What a run is. Times are milliseconds since the epoch."""

    run_uuid: str
    experiment_id: str
    run_name: str
    user_id: str
    status: str
    start_time: int
    end_time: int | None = None
    artifact_uri: str
    lifecycle_stage: str
    run_id: str


class RunData(Answer):
    """What was logged to a run."""

    metrics: tuple[Metric, ...] = ()
    params: tuple[KeyValue, ...] = ()
    tags: tuple[KeyValue, ...] = ()


class RunAnswer(Answer):
    """A run."""

    info: RunInfo
    data: RunData
    inputs: RunInputs
    outputs: RunOutputs | None = None


class OneRun(Answer):
    """A run."""

    run: RunAnswer


class RunViews:
    """Shows runs."""

    def __init__(self, store: Store, experiments: Experiments) -> None:
        """Take where runs are kept, and who finds their experiments."""
        self._store = store
        self._experiments = experiments
        self._edges = Edges(store)
        self._places: dict[ContextId, tuple[str, str]] = {}

    def of(self, runs: Sequence[Run]) -> list[RunAnswer]:
        """Return runs with all that was logged to them, in their order."""
        points = {run.id: [metric.last_point for metric in run.metrics.values()] for run in runs}
        return self._answers(runs, points)

    def of_page(self, runs: Sequence[Run]) -> list[RunAnswer]:
        """`of` for runs that were read without their metrics: of these only the newest points are read."""
        return self._answers(runs, self._store.series.last_points([run.id for run in runs]))

    def _answers(
        self, runs: Sequence[Run], points: Mapping[ExecutionId, Sequence[LastPoint]]
    ) -> list[RunAnswer]:
        self._learn_places(runs)
        parents = self._parents(runs)
        edges = self._edges.of([run.id for run in runs])
        return [
            RunAnswer(
                info=self._info(run),
                data=_data(run, points[run.id], parents.get(run.parent_id) if run.parent_id else None),
                inputs=edges[run.id][0],
                outputs=edges[run.id][1],
            )
            for run in runs
        ]

    def without_edges(self, run: Run) -> RunAnswer:
        """Return a run that has read and made nothing yet."""
        return RunAnswer(info=self.info(run), data=_data(run, (), None), inputs=RunInputs())

    def info(self, run: Run) -> RunInfo:
        """Return what a run is."""
        self._learn_places([run])
        return self._info(run)

    def location(self, run: Run) -> str:
        """Return the URI of a run's files."""
        self._learn_places([run])
        return run_location(self._places[run.experiment_id][1], run.run_id)

    def _info(self, run: Run) -> RunInfo:
        experiment_id, location = self._places[run.experiment_id]
        return RunInfo(
            run_uuid=run.run_id,
            experiment_id=experiment_id,
            run_name=run.name or "",
            user_id=run.user or "",
            status=STATUS_NAMES[run.status],
            start_time=run.start_ms,
            # MLflow shows no end at the beginning of time.
            end_time=run.end_ms or None,
            artifact_uri=run_location(location, run.run_id),
            lifecycle_stage="active" if run.deleted_ms is None else "deleted",
            run_id=run.run_id,
        )

    def _learn_places(self, runs: Sequence[Run]) -> None:
        """Read the ids and locations of experiments that were not seen yet: neither ever changes."""
        missing = {run.experiment_id for run in runs} - self._places.keys()
        for found in self._store.contexts.get(sorted(missing)) if missing else ():
            name = self._experiments.name_of(found.id)
            self._places[found.id] = (name, experiment_location(found, name))

    def _parents(self, runs: Sequence[Run]) -> dict[ExecutionId, str]:
        """Return the run ids of parents that no tag names."""
        wanted = {run.parent_id for run in runs if run.parent_id and PARENT_TAG not in run.tags}
        found = self._store.runs.by_execution_ids(sorted(wanted)) if wanted else []
        return {run.id: run.run_id for run in found}


def status_of(given: str | int) -> RunStatus:
    """Return the status that a client names.

    Raises:
        MlflowError: there is no such status.
    """
    name = _NUMBERED.get(str(given), str(given))
    if name not in _NUMBERED.values():
        raise invalid_value("status", given, f"It must be one of {', '.join(_NUMBERED.values())}.")
    return RunStatus[name]


def _data(run: Run, points: Sequence[LastPoint], parent: str | None) -> RunData:
    tags = {**run.tags}
    if run.name:
        tags[RUN_NAME_TAG] = run.name
    if parent:
        tags[PARENT_TAG] = parent
    metrics = [Metric(key, double(value), time_ms, step) for key, step, time_ms, value in points]
    return RunData(metrics=tuple(metrics), params=key_values(run.params), tags=key_values(tags))
