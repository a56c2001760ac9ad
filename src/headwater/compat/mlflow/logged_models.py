"""Logged models: artifacts that a run made, which become versions when they are registered."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, cast

from headwater.compat.mlflow.errors import RESOURCE_DOES_NOT_EXIST, MlflowError
from headwater.errors import ConflictError, StaleWriteError
from headwater.model import builtin
from headwater.model.graph import (
    Artifact,
    ArtifactChange,
    ArtifactLink,
    ArtifactState,
    Attribution,
    EventType,
    ExecutionChange,
    NewArtifact,
    Publication,
)
from headwater.model.ids import ArtifactId, ContextId, RunId, TypeId
from headwater.model.protocols import Store
from headwater.model.values import Json

STATES: Final = {
    "LOGGED_MODEL_PENDING": ArtifactState.PENDING,
    "LOGGED_MODEL_READY": ArtifactState.LIVE,
    "LOGGED_MODEL_UPLOAD_FAILED": ArtifactState.ABANDONED,
}
"""MLflow's statuses, in the order of their numbers from 1 on, and the artifact's states."""
PREFIX: Final = "m-"
_ATTEMPTS: Final = 50
"""How often a change is made anew because somebody else's came first."""


class LoggedModels:
    """Finds and changes logged models: artifacts whose external id is MLflow's `model_id`."""

    def __init__(self, store: Store) -> None:
        """Take where they are kept."""
        self._store = store
        self._type_id: TypeId | None = None

    @property
    def type_id(self) -> TypeId:
        """The type that a model's artifact has."""
        if self._type_id is None:
            (self._type_id,) = self._store.types.put([builtin.MODEL], can_add=True, can_omit=True)
        return self._type_id

    def get(self, model_id: str, *, with_deleted: bool = False) -> Artifact:
        """Return a logged model.

        Raises:
            MlflowError: there is none, or it is deleted.
        """
        found = self._store.artifacts.by_external_ids([model_id]) if is_model_id(model_id) else []
        for artifact in found:
            if artifact.type_id == self.type_id and (with_deleted or artifact.deleted_ms is None):
                return artifact
        raise MlflowError(f"Logged model with ID '{model_id}' not found.", RESOURCE_DOES_NOT_EXIST)

    def add(self, new: NewArtifact, experiment: ContextId) -> Artifact:
        """Store a model of an experiment."""
        (made,) = self._store.artifacts.add([new])
        self._store.links.add_memberships([Attribution(experiment, made)])
        return self._store.artifacts.get([made])[0]

    def change(self, model_id: str, change: Mapping[str, Any]) -> Artifact:
        """Change a logged model that is not deleted, and return it.

        Args:
            model_id: Which.
            change: Fields of an `ArtifactChange`.
        """
        found = self.get(model_id)
        self._store.artifacts.update([ArtifactChange(id=found.id, touch=True, **change)])
        return self._store.artifacts.get([found.id])[0]

    def experiments_of(self, found: Sequence[Artifact]) -> dict[ArtifactId, ContextId]:
        """Return the experiment that each of some models belongs to."""
        links = self._store.links.contexts_of_artifacts([artifact.id for artifact in found])
        contexts = self._store.contexts.get(sorted({link.context_id for link in links}))
        ours = {context.id for context in contexts if context.type_name == builtin.EXPERIMENT.name}
        return {link.artifact_id: link.context_id for link in links if link.context_id in ours}

    def runs_of(self, found: Sequence[Artifact]) -> dict[ArtifactId, str]:
        """Return the id of the run that each of some models says it comes from, else of its first maker.

        Those of which neither is known are left out.
        """
        said = {each.id: run for each in found if (run := _said_run(each))}
        events = self._store.links.events_of_artifacts([each.id for each in found if each.id not in said])
        makers = {event.artifact_id: event.execution_id for event in reversed(events) if event.type.is_output}
        runs = {run.id: run.run_id for run in self._store.runs.by_execution_ids(sorted({*makers.values()}))}
        return said | {artifact: runs[made] for artifact, made in makers.items() if made in runs}

    def link_run(self, found: Artifact) -> None:
        """Make a model an output of the run that it says it comes from, unless that was said already."""
        run_id = _said_run(found)
        runs = self._store.runs.get([RunId(run_id)]) if run_id else []
        for run in runs:
            # A publication leaves an event that is there as it is, with its step.
            tie = ArtifactLink(artifact=found.id, type=EventType.OUTPUT)
            self._store.links.publish(Publication(execution=ExecutionChange(id=run.id), artifacts=[tie]))


def _said_run(found: Artifact) -> str:
    run_id = found.properties.get("source_run")
    return run_id if isinstance(run_id, str) else ""


class ModelMetric(Protocol):
    """A point of a metric that says which model it is about."""

    @property
    def key(self) -> str:
        """Name of the metric."""
        ...

    @property
    def value(self) -> float:
        """Its value."""
        ...

    @property
    def timestamp(self) -> int:
        """Milliseconds since the epoch."""
        ...

    @property
    def step(self) -> int:
        """How far the run had come."""
        ...

    @property
    def model_id(self) -> str:
        """Which model; empty for none."""
        ...

    @property
    def dataset_name(self) -> str:
        """On which data set; empty when that is not said."""
        ...

    @property
    def dataset_digest(self) -> str:
        """The data set's digest."""
        ...


def note_model_metrics(store: Store, run_id: str, metrics: Sequence[ModelMetric]) -> None:
    """Note metrics with the models that they are about, each model's newest point of a data set.

    Raises:
        MlflowError: a model is not there.
    """
    by_model: dict[str, list[ModelMetric]] = {}
    for metric in metrics:
        if metric.model_id:
            by_model.setdefault(metric.model_id, []).append(metric)
    models = LoggedModels(store)
    for model_id, points in by_model.items():
        _change_metrics(store, models, model_id, run_id, points)


def _change_metrics(
    store: Store, models: LoggedModels, model_id: str, run_id: str, points: Sequence[ModelMetric]
) -> None:
    for _ in range(_ATTEMPTS):
        found = models.get(model_id)
        facts = metric_facts(found)
        for point in points:
            _put_point(facts.setdefault(point.key, []), run_id, point)
        newest = {key: float(cast(float, max(facts[key], key=_age)["value"])) for key in facts}
        change = ArtifactChange(
            id=found.id,
            properties={"metric_facts": cast(dict[str, Json], facts)},
            metrics=newest,
            expect_revision=found.revision,
        )
        try:
            store.artifacts.update([change])
        except StaleWriteError:
            continue
        return
    raise ConflictError(f"model {model_id} changes all the time: log its metrics again")


def metric_facts(found: Artifact) -> dict[str, list[dict[str, Json]]]:
    """Return the points of a model's metrics by name."""
    given = found.properties.get("metric_facts")
    facts = cast(dict[str, list[dict[str, Json]]], given if isinstance(given, dict) else {})
    return {key: list(points) for key, points in facts.items()}


def _put_point(points: list[dict[str, Json]], run_id: str, point: ModelMetric) -> None:
    new: dict[str, Json] = {
        # JSON has no NaN: Python's float reads the text.
        "value": point.value if point.value == point.value else "NaN",
        "step": point.step,
        "timestamp": point.timestamp,
        "run_id": run_id,
    }
    if point.dataset_name:
        new |= {"dataset_name": point.dataset_name, "dataset_digest": point.dataset_digest}
    same = [old for old in points if _data_set(old) == _data_set(new)]
    if all(_age(new) >= _age(old) for old in same):
        points[:] = [old for old in points if old not in same]
        points.append(new)


def _data_set(point: Mapping[str, Json]) -> tuple[Json, Json]:
    return point.get("dataset_name"), point.get("dataset_digest")


def _age(point: Mapping[str, Json]) -> tuple[int, int]:
    return int(cast(int, point["timestamp"])), int(cast(int, point["step"]))


def is_model_id(text: str) -> bool:
    """Tell whether a text has the form of a logged model's id."""
    return text.startswith(PREFIX) and text[len(PREFIX) :].isalnum()


def new_model_id() -> str:
    """Make an id that no other model has."""
    return PREFIX + uuid.uuid4().hex
