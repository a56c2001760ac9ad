"""The search for logged models: filters and orders of their attributes, params, tags and metrics."""

import math
from collections.abc import Mapping, Sequence
from typing import Final, cast

from headwater.compat.mlflow.answers import Answer
from headwater.compat.mlflow.endpoints import AnyEndpoint, post
from headwater.compat.mlflow.errors import MlflowError
from headwater.compat.mlflow.experiments import Experiments, tag_key
from headwater.compat.mlflow.filters import EQUALITY, NULL, NUMBER, TEXT, Key, Names, Test, parse_filter
from headwater.compat.mlflow.limits import check_results
from headwater.compat.mlflow.logged_model_calls import LoggedModel, LoggedModelAnswers
from headwater.compat.mlflow.logged_models import STATES, LoggedModels, metric_facts
from headwater.compat.mlflow.pages import cut
from headwater.compat.mlflow.requests import Request, Required
from headwater.compat.mlflow.views import both
from headwater.model.access import Permission
from headwater.model.filters import And, Comparison, Field, Filter, In, IsNull, Not, Operator, Relation, Scope
from headwater.model.graph import Artifact
from headwater.model.listing import Listing, Order
from headwater.model.protocols import Store
from headwater.model.values import Json
from headwater.query.attributes import ValueType

MOST_READ: Final = 10_000
"""Models that are looked through where a data set is asked for."""


class DatasetOf(Request, frozen=True):
    """A data set that a model was measured on."""

    dataset_name: str = ""
    dataset_digest: str = ""


class OrderBy(Request, frozen=True):
    """One key to sort by."""

    field_name: Required
    ascending: bool = True
    dataset_name: str = ""
    dataset_digest: str = ""


class SearchLoggedModels(Request, frozen=True):
    """Asks for a page of models."""

    experiment_ids: tuple[str, ...]
    filter: str = ""
    datasets: tuple[DatasetOf, ...] = ()
    max_results: int = 100
    order_by: tuple[OrderBy, ...] = ()
    page_token: str = ""


class LoggedModelPage(Answer):
    """Some models, and the token that asks for those after them."""

    models: tuple[LoggedModel, ...] = ()
    next_page_token: str = ""


class LoggedModelSearch:
    """Answers the search for logged models."""

    def __init__(self, store: Store, experiments: Experiments, models: LoggedModels) -> None:
        """Take where they are kept, and who finds them."""
        self._store = store
        self._experiments = experiments
        self._models = models
        self._answers = LoggedModelAnswers(experiments, models)

    def endpoints(self) -> tuple[AnyEndpoint, ...]:
        """Return the calls that are answered here."""
        return (post("mlflow/logged-models/search", SearchLoggedModels, self.search, Permission.READ),)

    def search(self, request: SearchLoggedModels, _actor: str | None) -> LoggedModelPage:
        """Return a page of models; without order, the newest first."""
        check_results(request.max_results or 100)
        for dataset in request.datasets:
            if not dataset.dataset_name:
                raise MlflowError("`dataset_name` in the `datasets` clause must be specified.")
        size, wanted = request.max_results or 100, self._filter(request)
        if request.datasets or any(order.dataset_name for order in request.order_by):
            found, token = cut(self._on_datasets(request, wanted), size, request.page_token)
        else:
            listing = Listing(
                filter=wanted,
                order_by=_orders(request.order_by),
                limit=size,
                page_token=request.page_token or None,
            )
            page = self._store.artifacts.page(listing)
            found, token = page.items, page.next_token or ""
        return LoggedModelPage(models=self._answers.all(found), next_page_token=token)

    def _filter(self, request: SearchLoggedModels) -> Filter:
        numbers = tuple(self._experiments.number(each) for each in request.experiment_ids)
        ours: Filter = And(
            (
                Comparison(_attribute("type_id"), Operator.EQ, self._models.type_id),
                Not(IsNull(_attribute("external_id"))),
                In(Field(Scope.ATTRIBUTE, "id", Relation.CONTEXTS), numbers or (-1,)),
            )
        )
        return both(ours, parse_filter(request.filter, NAMES)) or ours

    def _on_datasets(self, request: SearchLoggedModels, wanted: Filter) -> Sequence[Artifact]:
        """Return all models that were measured on some data sets, in order: no index has them."""
        listing = Listing(filter=wanted, order_by=_orders(()), limit=MOST_READ)
        page = self._store.artifacts.page(listing)
        if page.next_token is not None:
            raise MlflowError(f"more than {MOST_READ:,} models: narrow the filter to search by data set")
        found = [each for each in page.items if _is_measured(each, request)]
        # Sorted by the last key first: each sort keeps the order of what it finds equal.
        for order in reversed(request.order_by):
            _sort(found, order)
        return found


def _is_measured(found: Artifact, request: SearchLoggedModels) -> bool:
    if not request.datasets:
        return True
    points = [point for points in metric_facts(found).values() for point in points]
    asked = [(each.dataset_name, each.dataset_digest) for each in request.datasets]
    return any(_is_on(point, *each) for point in points for each in asked)


def _is_on(point: Mapping[str, Json], name: str, digest: str) -> bool:
    is_named = not name or point.get("dataset_name") == name
    return is_named and (not digest or point.get("dataset_digest") == digest)


def _sort(found: list[Artifact], order: OrderBy) -> None:
    (key,) = _orders((order,))[:1]
    values = {each.id: _value(each, key.field, order) for each in found}
    known = [each for each in found if values[each.id] is not None]
    known.sort(key=lambda each: cast(float, values[each.id]), reverse=not order.ascending)
    found[:] = known + [each for each in found if values[each.id] is None]


def _value(found: Artifact, field: Field, order: OrderBy) -> float | str | int | None:
    if field.scope is Scope.METRIC:
        points = [
            point
            for point in metric_facts(found).get(field.name, [])
            if _is_on(point, order.dataset_name, order.dataset_digest)
        ]
        newest = max(points, key=lambda p: (cast(int, p["timestamp"]), cast(int, p["step"])), default=None)
        value = None if newest is None else float(cast(float, newest["value"]))
        return None if value is not None and math.isnan(value) else value
    times = {"created_time": found.created_ms, "updated_time": found.updated_ms}
    if field.name == "external_id":
        return found.external_id
    return times.get(field.name, cast(str | None, found.properties.get(field.name)))


def _orders(given: Sequence[OrderBy]) -> tuple[Order, ...]:
    orders = [Order(_order_field(each.field_name), is_descending=not each.ascending) for each in given]
    named = {order.field for order in orders}
    ties = (Order(_attribute("created_time"), is_descending=True), Order(_attribute("external_id")))
    return (*orders, *(tie for tie in ties if tie.field not in named))


def _order_field(name: str) -> Field:
    scope, dot, rest = name.partition(".")
    if dot:
        if scope != "metrics":
            raise MlflowError(f"Invalid order by field name: {name}. Only metrics are supported.")
        return Field(Scope.METRIC, rest)
    if (key := NAMES.attributes.get(name)) is None:
        raise MlflowError(f"Invalid order by field name: {name}")
    return key.field


def _status_test(test: Test) -> Filter:
    """Return a test of MLflow's words or numbers as one of states."""
    numbers = {str(number): state for number, state in enumerate(STATES.values(), 1)}
    words = {name.removeprefix("LOGGED_MODEL_"): state for name, state in STATES.items()}
    states = {**STATES, **words, **numbers}

    def state(value: object) -> int:
        if (found := states.get(str(value))) is None:
            raise MlflowError(f"Invalid status {value!r}: it is one of {', '.join(words)}")
        return int(found)

    match test:
        case Comparison(field, operator, value):
            return Comparison(field, operator, state(value))
        case In(field, values, is_negated):
            return In(field, tuple(map(state, values)), is_negated)
        case _:
            return test


def _attribute(name: str) -> Field:
    return Field(Scope.ATTRIBUTE, name)


def _text(name: str) -> Key:
    return Key(field=Field(Scope.PROPERTY, name))


def _time(name: str) -> Key:
    return Key(field=_attribute(name), operators=NUMBER, value_type=ValueType.NUMBER)


def _metric(name: str) -> Key:
    return Key(field=Field(Scope.METRIC, name), operators=NUMBER, value_type=ValueType.NUMBER)


def _param(name: str) -> Key:
    return Key(field=Field(Scope.PARAM, name), operators=TEXT | NULL)


NAMES: Final = Names(
    attributes={
        "name": _text("name"),
        "model_id": Key(field=_attribute("external_id")),
        "model_type": _text("kind"),
        "source_run_id": _text("source_run"),
        "status": Key(field=_attribute("state"), operators=EQUALITY, rewrite=_status_test),
        "creation_time": _time("created_time"),
        "creation_timestamp": _time("created_time"),
        "creation_timestamp_ms": _time("created_time"),
        "last_updated_timestamp": _time("updated_time"),
        "last_updated_timestamp_ms": _time("updated_time"),
    },
    scopes={"tags": tag_key, "params": _param, "metrics": _metric},
)
