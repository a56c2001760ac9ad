"""The calls about experiments."""

from typing import Final

from headwater.compat.mlflow.answers import Answer, KeyValue, Nothing, key_values
from headwater.compat.mlflow.endpoints import AnyEndpoint, Endpoint, get, post
from headwater.compat.mlflow.errors import (
    RESOURCE_ALREADY_EXISTS,
    RESOURCE_DOES_NOT_EXIST,
    MlflowError,
)
from headwater.compat.mlflow.experiments import Experiments, experiment_names, no_experiment
from headwater.compat.mlflow.filters import (
    parse_filter,
    parse_order,
)
from headwater.compat.mlflow.limits import (
    MAX_EXPERIMENT_NAME_CHARS,
    MAX_EXPERIMENT_TAG_CHARS,
    check_key,
    check_length,
    check_results,
)
from headwater.compat.mlflow.locations import check_location, experiment_location
from headwater.compat.mlflow.registry_rules import REASON, UNKNOWN_CALLER
from headwater.compat.mlflow.requests import Request, Required
from headwater.compat.mlflow.views import both, in_view
from headwater.errors import ConflictError
from headwater.model.access import Permission
from headwater.model.filters import Comparison, Field, Operator, Scope
from headwater.model.graph import Context, ContextChange, NewContext
from headwater.model.listing import Listing, Order
from headwater.model.protocols import Store
from headwater.upkeep import delete_experiment, restore_experiment

"""Who decides when the server does not know its callers."""


class CreateExperiment(Request, frozen=True):
    """Its location defaults to this server's own."""

    name: Required
    artifact_location: str = ""
    tags: tuple[KeyValue, ...] = ()


class NamedExperiment(Request, frozen=True):
    """Names an experiment by id."""

    experiment_id: Required


class ExperimentByName(Request, frozen=True):
    """Names an experiment by name."""

    experiment_name: Required


class UpdateExperiment(Request, frozen=True):
    """Renames an experiment."""

    experiment_id: Required
    new_name: Required


class SetExperimentTag(Request, frozen=True):
    """Sets a tag."""

    experiment_id: Required
    key: Required
    value: str = ""


class DeleteExperimentTag(Request, frozen=True):
    """Takes a tag away."""

    experiment_id: Required
    key: Required


class SearchExperiments(Request, frozen=True):
    """Asks for a page of experiments."""

    view_type: str | int = "ACTIVE_ONLY"
    max_results: int = 1000
    filter: str = ""
    order_by: tuple[str, ...] = ()
    page_token: str = ""


class Created(Answer):
    """The id of a new experiment."""

    experiment_id: str


class Experiment(Answer):
    """An experiment. Times are milliseconds since the epoch."""

    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: str
    last_update_time: int
    creation_time: int
    workspace: str
    tags: tuple[KeyValue, ...] = ()


class OneExperiment(Answer):
    """An experiment."""

    experiment: Experiment


class ExperimentPage(Answer):
    """Some experiments, and the token that asks for those after them."""

    experiments: tuple[Experiment, ...] = ()
    next_page_token: str = ""


class ExperimentCalls:
    """Answers the calls about experiments."""

    def __init__(self, store: Store, experiments: Experiments) -> None:
        """Take where they are kept, and who finds them."""
        self._store = store
        self._experiments = experiments
        self._names = experiment_names(experiments)

    def endpoints(self) -> tuple[AnyEndpoint, ...]:
        """Return the calls that are answered here."""
        search = Endpoint(
            methods=("GET", "POST"),
            path="mlflow/experiments/search",
            permission=Permission.READ,
            request=SearchExperiments,
            answer=self.search,
        )
        decide = Permission.DECIDE
        return (
            post("mlflow/experiments/create", CreateExperiment, self.create),
            get("mlflow/experiments/get", NamedExperiment, self.get),
            get("mlflow/experiments/get-by-name", ExperimentByName, self.get_by_name),
            search,
            post("mlflow/experiments/update", UpdateExperiment, self.update),
            post("mlflow/experiments/delete", NamedExperiment, self.delete, decide),
            post("mlflow/experiments/restore", NamedExperiment, self.restore, decide),
            post("mlflow/experiments/set-experiment-tag", SetExperimentTag, self.set_tag),
            post("mlflow/experiments/delete-experiment-tag", DeleteExperimentTag, self.delete_tag),
        )

    def create(self, request: CreateExperiment, _actor: str | None) -> Created:
        """Make an experiment; the names of deleted ones are taken, too."""
        self._experiments.default_id()
        check_length("name", request.name, MAX_EXPERIMENT_NAME_CHARS)
        location = request.artifact_location
        if location:
            check_location(location, "artifact_location")
        for tag in request.tags:
            _check_tag(tag.key, tag.value)
        new = NewContext(
            type_id=self._experiments.type_id,
            name=request.name,
            properties={"artifact_location": location} if location else {},
            custom_properties={tag.key: tag.value for tag in request.tags},
        )
        try:
            (made,) = self._store.contexts.add([new])
        except ConflictError as error:
            raise _is_there(request.name) from error
        return Created(experiment_id=str(made))

    def get(self, request: NamedExperiment, _actor: str | None) -> OneExperiment:
        """Return an experiment, deleted or not."""
        return OneExperiment(experiment=self._shown(self._experiments.get(request.experiment_id)))

    def get_by_name(self, request: ExperimentByName, _actor: str | None) -> OneExperiment:
        """Return an experiment, deleted or not."""
        self._experiments.default_id()
        found = self._store.contexts.find(self._experiments.type_id, request.experiment_name)
        if found is None:
            raise MlflowError(
                f"Could not find experiment with name '{request.experiment_name}'", RESOURCE_DOES_NOT_EXIST
            )
        return OneExperiment(experiment=self._shown(found))

    def search(self, request: SearchExperiments, _actor: str | None) -> ExperimentPage:
        """Return a page of experiments; without order, the newest first."""
        check_results(request.max_results)
        self._experiments.default_id()
        ours = Comparison(Field(Scope.ATTRIBUTE, "type_id"), Operator.EQ, self._experiments.type_id)
        seen, with_deleted = in_view(request.view_type)
        orders = parse_order(request.order_by, self._names) or (_NEWEST_FIRST,)
        page = self._store.contexts.page(
            Listing(
                filter=both(ours, both(seen, parse_filter(request.filter, self._names))),
                order_by=orders,
                limit=request.max_results,
                page_token=request.page_token or None,
                with_deleted=with_deleted,
            )
        )
        return ExperimentPage(
            experiments=tuple(self._shown(found) for found in page.items),
            next_page_token=page.next_token or "",
        )

    def update(self, request: UpdateExperiment, _actor: str | None) -> Nothing:
        """Rename an experiment."""
        check_length("name", request.new_name, MAX_EXPERIMENT_NAME_CHARS)
        found = self._experiments.get(request.experiment_id)
        if found.deleted_ms is not None:
            raise MlflowError("Cannot rename a non-active experiment.")
        try:
            self._store.contexts.update([ContextChange(id=found.id, name=request.new_name)])
        except ConflictError as error:
            raise _is_there(request.new_name) from error
        return Nothing()

    def delete(self, request: NamedExperiment, actor: str | None) -> Nothing:
        """Mark an experiment and its runs as deleted."""
        found = self._experiments.get(request.experiment_id)
        if found.deleted_ms is not None:
            raise no_experiment(request.experiment_id)
        delete_experiment(self._store, found, actor=actor or UNKNOWN_CALLER, reason=REASON)
        return Nothing()

    def restore(self, request: NamedExperiment, actor: str | None) -> Nothing:
        """Bring an experiment back, and the runs that were deleted with it."""
        found = self._experiments.get(request.experiment_id)
        if found.deleted_ms is None:
            raise no_experiment(request.experiment_id)
        restore_experiment(self._store, found, actor=actor or UNKNOWN_CALLER, reason=REASON)
        return Nothing()

    def set_tag(self, request: SetExperimentTag, _actor: str | None) -> Nothing:
        """Set a tag."""
        _check_tag(request.key, request.value)
        found = self._experiments.active(request.experiment_id)
        tags = {request.key: request.value}
        self._store.contexts.update([ContextChange(id=found.id, custom_properties=tags, touch=True)])
        return Nothing()

    def delete_tag(self, request: DeleteExperimentTag, _actor: str | None) -> Nothing:
        """Take a tag away."""
        found = self._experiments.active(request.experiment_id)
        if request.key not in found.custom_properties:
            raise MlflowError(
                f"No tag with name: {request.key} in experiment with id {request.experiment_id}",
                RESOURCE_DOES_NOT_EXIST,
            )
        self._store.contexts.update([ContextChange(id=found.id, custom_properties={request.key: None})])
        return Nothing()

    def _shown(self, found: Context) -> Experiment:
        name = self._experiments.name_of(found.id)
        return Experiment(
            experiment_id=name,
            name=found.name or "",
            artifact_location=experiment_location(found, name),
            lifecycle_stage="active" if found.deleted_ms is None else "deleted",
            last_update_time=found.updated_ms,
            creation_time=found.created_ms,
            workspace="default",
            tags=key_values(found.custom_properties),
        )


def _check_tag(key: str, value: str) -> None:
    check_key(key, "key")
    check_length("value", value, MAX_EXPERIMENT_TAG_CHARS)


def _is_there(name: str) -> MlflowError:
    return MlflowError(f"Experiment(name={name}) already exists.", RESOURCE_ALREADY_EXISTS)


_NEWEST_FIRST: Final = Order(Field(Scope.ATTRIBUTE, "created_time"), is_descending=True)
