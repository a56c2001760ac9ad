"""Experiments: the contexts that native runs have, too."""

from collections.abc import Mapping
from typing import Final

from headwater.compat.mlflow.answers import Answer, KeyValue, Nothing, key_values
from headwater.compat.mlflow.endpoints import AnyEndpoint, Endpoint, get, post
from headwater.compat.mlflow.errors import (
    RESOURCE_ALREADY_EXISTS,
    RESOURCE_DOES_NOT_EXIST,
    MlflowError,
)
from headwater.compat.mlflow.filters import (
    EQUALITY,
    NULL,
    NUMBER,
    TEXT,
    Key,
    Names,
    Test,
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
from headwater.compat.mlflow.requests import Request, Required
from headwater.compat.mlflow.values import text_of
from headwater.compat.mlflow.views import both, in_view
from headwater.errors import ConflictError
from headwater.model import builtin
from headwater.model.access import Permission
from headwater.model.filters import Comparison, Field, Filter, In, Operator, Scalar, Scope
from headwater.model.graph import Context, ContextChange, NewContext
from headwater.model.ids import ContextId, TypeId
from headwater.model.listing import Listing, Order
from headwater.model.protocols import Store
from headwater.query.attributes import ValueType
from headwater.upkeep import delete_experiment, restore_experiment

DEFAULT_NAME: Final = "Default"
DEFAULT_ID: Final = "0"
_DEFAULT_KEY: Final = "mlflow:experiments/0"
"""The external id of the context that MLflow's clients know as experiment 0."""
_REASON: Final = "asked for by an MLflow client"
_ACTOR: Final = "mlflow"
"""Who decides when the server does not know its callers."""


class Experiments:
    """Finds experiments by MLflow's ids: a context's id as text, and `0` for the one named Default."""

    def __init__(self, store: Store) -> None:
        """Take where they are kept."""
        self._store = store
        self._type_id: TypeId | None = None
        self._default: ContextId | None = None

    @property
    def type_id(self) -> TypeId:
        """The type that an experiment's context has."""
        if self._type_id is None:
            (self._type_id,) = self._store.types.put([builtin.EXPERIMENT], can_add=True, can_omit=True)
        return self._type_id

    def default_id(self) -> ContextId:
        """Return the context of experiment 0, which is made when it is asked for first."""
        if self._default is None:
            self._default = self._find_default() or self._make_default()
        return self._default

    def number(self, experiment_id: str) -> ContextId:
        """Return the context id that an experiment id stands for, whether there is one or not.

        Raises:
            MlflowError: it is no number.
        """
        if experiment_id in {"", DEFAULT_ID}:
            return self.default_id()
        if not experiment_id.isdecimal() or not experiment_id.isascii():
            raise MlflowError(
                f"Invalid experiment ID '{experiment_id}'. Experiment ID must be a valid integer."
            )
        return ContextId(int(experiment_id[:_DIGITS]))

    def name_of(self, number: ContextId) -> str:
        """Return the id that MLflow's clients know an experiment by."""
        return DEFAULT_ID if number == self.default_id() else str(number)

    def get(self, experiment_id: str) -> Context:
        """Return an experiment, deleted ones too.

        Raises:
            MlflowError: there is none.
        """
        found = self._store.contexts.get([self.number(experiment_id)])
        if not found or found[0].type_id != self.type_id:
            raise _not_there(experiment_id)
        return found[0]

    def active(self, experiment_id: str) -> Context:
        """Return an experiment that can be written to.

        Raises:
            MlflowError: there is none, or it is deleted.
        """
        found = self.get(experiment_id)
        if found.deleted_ms is not None:
            raise MlflowError(
                f"The experiment {experiment_id} must be in the 'active' state. Current state is deleted."
            )
        return found

    def _find_default(self) -> ContextId | None:
        found = self._store.contexts.by_external_ids([_DEFAULT_KEY])
        return found[0].id if found else None

    def _make_default(self) -> ContextId:
        named = self._store.contexts.find(self.type_id, DEFAULT_NAME)
        try:
            if named is None:
                new = NewContext(type_id=self.type_id, name=DEFAULT_NAME, external_id=_DEFAULT_KEY)
                return self._store.contexts.add([new])[0]
            self._store.contexts.update([ContextChange(id=named.id, external_id=_DEFAULT_KEY)])
        except ConflictError:
            # Another server was first.
            if (found := self._find_default()) is None:
                raise
            return found
        return named.id


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
        self._names = _names(experiments)

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
        ours = Comparison(_attribute("type_id"), Operator.EQ, self._experiments.type_id)
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
            raise _not_there(request.experiment_id)
        delete_experiment(self._store, found, actor=actor or _ACTOR, reason=_REASON)
        return Nothing()

    def restore(self, request: NamedExperiment, actor: str | None) -> Nothing:
        """Bring an experiment back, and the runs that were deleted with it."""
        found = self._experiments.get(request.experiment_id)
        if found.deleted_ms is None:
            raise _not_there(request.experiment_id)
        restore_experiment(self._store, found, actor=actor or _ACTOR, reason=_REASON)
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
            tags=key_values((key, text_of(value)) for key, value in found.custom_properties.items()),
        )


def experiment_test(experiments: Experiments, test: Test) -> Filter:
    """Return a test of experiment ids, which are texts, as one of context ids."""

    def number(value: Scalar) -> int:
        text = str(value)
        return experiments.number(text) if text.isdecimal() and text.isascii() else _NOBODY

    match test:
        case Comparison(field, operator, value):
            return Comparison(field, operator, number(value))
        case In(field, values, is_negated):
            return In(field, tuple(map(number, values)), is_negated)
        case _:
            return test


def tag_key(name: str) -> Key:
    """Return what `tags.NAME` stands for."""
    return Key(field=Field(Scope.TAG, name), operators=TEXT | NULL)


def _names(experiments: Experiments) -> Names:
    times = {"creation_time": "created_time", "last_update_time": "updated_time"}
    number_keys = {
        name: Key(field=_attribute(stored), operators=NUMBER, value_type=ValueType.INTEGER)
        for name, stored in times.items()
    }
    id_key = Key(
        field=_attribute("id"), operators=EQUALITY, rewrite=lambda test: experiment_test(experiments, test)
    )
    attributes: Mapping[str, Key] = {
        "name": Key(field=_attribute("name")),
        "experiment_id": id_key,
        **number_keys,
    }
    return Names(attributes=attributes, scopes={"tag": tag_key, "tags": tag_key})


def _attribute(name: str) -> Field:
    return Field(Scope.ATTRIBUTE, name)


def _check_tag(key: str, value: str) -> None:
    check_key(key, "key")
    check_length("value", value, MAX_EXPERIMENT_TAG_CHARS)


def _is_there(name: str) -> MlflowError:
    return MlflowError(f"Experiment(name={name}) already exists.", RESOURCE_ALREADY_EXISTS)


def _not_there(experiment_id: str) -> MlflowError:
    return MlflowError(f"No Experiment with id={experiment_id} exists", RESOURCE_DOES_NOT_EXIST)


_NEWEST_FIRST: Final = Order(_attribute("created_time"), is_descending=True)
_NOBODY: Final = -1
_DIGITS: Final = 18
"""Longer numbers do not fit in 64 bits, and are nobody's id."""
