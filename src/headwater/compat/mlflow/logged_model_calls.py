"""The calls about logged models."""

from collections.abc import Mapping, Sequence
from typing import Final, cast

from headwater.compat.mlflow.answers import Answer, Double, KeyValue, Nothing, double, key_values
from headwater.compat.mlflow.endpoints import AnyEndpoint, get, post
from headwater.compat.mlflow.errors import RESOURCE_DOES_NOT_EXIST, MlflowError
from headwater.compat.mlflow.experiments import Experiments
from headwater.compat.mlflow.limits import check_key, check_length
from headwater.compat.mlflow.locations import FOLDER, experiment_location
from headwater.compat.mlflow.logged_models import STATES, LoggedModels, metric_facts, new_model_id
from headwater.compat.mlflow.methods import delete, patch
from headwater.compat.mlflow.requests import Request, Required, invalid_value
from headwater.compat.mlflow.values import text_of
from headwater.compat.mlflow.words import random_name
from headwater.model.access import Permission
from headwater.model.graph import Artifact, ArtifactState, NewArtifact
from headwater.model.ids import ArtifactId, ContextId
from headwater.model.protocols import Store
from headwater.model.values import Json

_BAD_NAME: Final = ("/", ":", ".", "%", '"', "'")
MAX_LOGGED_PARAM_CHARS: Final = 6000
MAX_LOGGED_TAG_CHARS: Final = 8000


class CreateLoggedModel(Request, frozen=True):
    """Makes a model of an experiment."""

    experiment_id: Required
    name: str = ""
    model_type: str = ""
    source_run_id: str = ""
    params: tuple[KeyValue, ...] = ()
    tags: tuple[KeyValue, ...] = ()


class NamedLoggedModel(Request, frozen=True):
    """Names a model."""

    model_id: Required
    allow_deleted: bool = False


class FinalizeLoggedModel(Request, frozen=True):
    """Says how an upload ended."""

    model_id: Required
    status: str | int


class LogParams(Request, frozen=True):
    """Adds params."""

    model_id: Required
    params: tuple[KeyValue, ...] = ()


class SetTags(Request, frozen=True):
    """Sets tags."""

    model_id: Required
    tags: tuple[KeyValue, ...] = ()


class DeleteTag(Request, frozen=True):
    """Takes a tag away."""

    model_id: Required
    tag_key: Required


class LoggedModelInfo(Answer):
    """What is known of a model. Times are milliseconds since the epoch."""

    model_id: str
    experiment_id: str
    name: str
    artifact_uri: str
    creation_timestamp_ms: int
    last_updated_timestamp_ms: int
    status: str
    model_type: str = ""
    source_run_id: str = ""
    tags: tuple[KeyValue, ...] = ()


class LoggedModelMetric(Answer):
    """A point of a metric."""

    key: str
    value: Double
    timestamp: int
    step: int
    model_id: str
    run_id: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""


class LoggedModelData(Answer):
    """What was measured of a model, and how it was made."""

    params: tuple[KeyValue, ...] = ()
    metrics: tuple[LoggedModelMetric, ...] = ()


class LoggedModel(Answer):
    """A logged model."""

    info: LoggedModelInfo
    data: LoggedModelData


class OneLoggedModel(Answer):
    """A logged model."""

    model: LoggedModel


class LoggedModelAnswers:
    """Makes answers of logged models."""

    def __init__(self, experiments: Experiments, models: LoggedModels) -> None:
        """Take who finds what belongs to a model."""
        self._experiments = experiments
        self._models = models

    def all(self, found: Sequence[Artifact]) -> tuple[LoggedModel, ...]:
        """Return models in the order given."""
        runs, experiments = self._models.runs_of(found), self._models.experiments_of(found)
        return tuple(self._shown(artifact, runs, experiments) for artifact in found)

    def one(self, found: Artifact) -> OneLoggedModel:
        """Return a model."""
        return OneLoggedModel(model=self.all([found])[0])

    def _shown(
        self, found: Artifact, runs: Mapping[ArtifactId, str], experiments: Mapping[ArtifactId, ContextId]
    ) -> LoggedModel:
        facts = {key: str(found.properties.get(key, "")) for key in ("name", "kind")}
        experiment = experiments.get(found.id)
        info = LoggedModelInfo(
            model_id=found.external_id or "",
            experiment_id="" if experiment is None else self._experiments.name_of(experiment),
            name=facts["name"],
            artifact_uri=found.uri or "",
            creation_timestamp_ms=found.created_ms,
            last_updated_timestamp_ms=found.updated_ms,
            status=status_of(found),
            model_type=facts["kind"],
            source_run_id=runs.get(found.id, ""),
            tags=key_values(found.custom_properties),
        )
        data = LoggedModelData(params=key_values(found.params), metrics=_metrics(found))
        return LoggedModel(info=info, data=data)


class LoggedModelCalls:
    """Answers the calls about logged models, save for their search."""

    def __init__(self, store: Store, experiments: Experiments, models: LoggedModels) -> None:
        """Take where they are kept, and who finds them."""
        self._store = store
        self._experiments = experiments
        self._models = models
        self._answers = LoggedModelAnswers(experiments, models)

    def endpoints(self) -> tuple[AnyEndpoint, ...]:
        """Return the calls that are answered here."""
        one = "mlflow/logged-models/{model_id}"
        return (
            post("mlflow/logged-models", CreateLoggedModel, self.create),
            get(one, NamedLoggedModel, self.get),
            patch(one, FinalizeLoggedModel, self.finalize),
            delete(one, NamedLoggedModel, self.delete),
            post(f"{one}/params", LogParams, self.log_params),
            patch(f"{one}/tags", SetTags, self.set_tags),
            delete(one + "/tags/{tag_key:path}", DeleteTag, self.delete_tag, Permission.WRITE),
        )

    def create(self, request: CreateLoggedModel, _actor: str | None) -> OneLoggedModel:
        """Make a model that waits for its files."""
        if any(letter in request.name for letter in _BAD_NAME):
            raise MlflowError(
                f"Invalid model name ({request.name!r}) provided. Model name must be a non-empty string "
                f"and cannot contain the following characters: {_BAD_NAME}"
            )
        experiment = self._experiments.active(request.experiment_id)
        number = self._experiments.name_of(experiment.id)
        model_id = new_model_id()
        facts = {
            "name": request.name or random_name(),
            "kind": request.model_type,
            "source_run": request.source_run_id,
        }
        new = NewArtifact(
            type_id=self._models.type_id,
            external_id=model_id,
            uri=model_location(experiment_location(experiment, number), model_id),
            state=ArtifactState.PENDING,
            properties={key: value for key, value in facts.items() if value},
            custom_properties=_pairs(request.tags, MAX_LOGGED_TAG_CHARS),
            params=_pairs(request.params, MAX_LOGGED_PARAM_CHARS),
        )
        return self._answers.one(self._models.add(new, experiment.id))

    def get(self, request: NamedLoggedModel, _actor: str | None) -> OneLoggedModel:
        """Return a model."""
        return self._answers.one(self._models.get(request.model_id, with_deleted=request.allow_deleted))

    def finalize(self, request: FinalizeLoggedModel, _actor: str | None) -> OneLoggedModel:
        """Say how an upload ended."""
        found = self._models.change(request.model_id, {"state": _state(request.status)})
        if found.state is ArtifactState.LIVE:
            self._models.link_run(found)
        return self._answers.one(found)

    def delete(self, request: NamedLoggedModel, _actor: str | None) -> Nothing:
        """Mark a model as deleted, unless it is a version in production; one that is deleted stays so."""
        self._store.artifacts.delete([self._models.get(request.model_id, with_deleted=True).id])
        return Nothing()

    def log_params(self, request: LogParams, _actor: str | None) -> Nothing:
        """Add params; one that is there already keeps its value."""
        given = _pairs(request.params, MAX_LOGGED_PARAM_CHARS)
        stored = self._models.get(request.model_id).params
        for key, value in given.items():
            if key in stored and text_of(stored[key]) != value:
                raise MlflowError(f"Param {key!r} of model {request.model_id!r} has another value already.")
        self._models.change(request.model_id, {"params": given})
        return Nothing()

    def set_tags(self, request: SetTags, _actor: str | None) -> Nothing:
        """Set tags."""
        tags = _pairs(request.tags, MAX_LOGGED_TAG_CHARS)
        self._models.change(request.model_id, {"custom_properties": tags})
        return Nothing()

    def delete_tag(self, request: DeleteTag, _actor: str | None) -> Nothing:
        """Take a tag away."""
        found = self._models.get(request.model_id)
        if request.tag_key not in found.custom_properties:
            raise MlflowError(
                f"No tag with key {request.tag_key!r} found for model with ID {request.model_id!r}.",
                RESOURCE_DOES_NOT_EXIST,
            )
        self._models.change(request.model_id, {"custom_properties": {request.tag_key: None}})
        return Nothing()


def model_location(location: str, model_id: str) -> str:
    """Return the URI of a model's files, below that of its experiment."""
    head, mark, query = location.partition("?")
    return f"{head.rstrip('/')}/models/{model_id}/{FOLDER}{mark}{query}"


def status_of(found: Artifact) -> str:
    """Return how a model stands, in MLflow's words."""
    return next((name for name, state in STATES.items() if state is found.state), "LOGGED_MODEL_READY")


def _state(status: str | int) -> ArtifactState:
    numbers = dict(enumerate(STATES, 1))
    name = numbers.get(int(status)) if str(status).isdecimal() else str(status)
    if name not in STATES:
        raise invalid_value("status", status, f"It must be one of {', '.join(STATES)}.")
    return STATES[name]


def _pairs(given: Sequence[KeyValue], limit: int) -> dict[str, str]:
    for pair in given:
        check_key(pair.key, "key")
        check_length("value", pair.value, limit)
    return {pair.key: pair.value for pair in given}


def _metrics(found: Artifact) -> tuple[LoggedModelMetric, ...]:
    return tuple(
        _metric(found, key, point) for key, points in sorted(metric_facts(found).items()) for point in points
    )


def _metric(found: Artifact, key: str, point: Mapping[str, Json]) -> LoggedModelMetric:
    return LoggedModelMetric(
        key=key,
        value=double(float(cast(float, point["value"]))),
        timestamp=cast(int, point["timestamp"]),
        step=cast(int, point["step"]),
        model_id=found.external_id or "",
        run_id=str(point.get("run_id", "")),
        dataset_name=str(point.get("dataset_name", "")),
        dataset_digest=str(point.get("dataset_digest", "")),
    )
