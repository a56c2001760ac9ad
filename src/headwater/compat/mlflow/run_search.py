"""Searches for runs."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from headwater.compat.mlflow.answers import Answer
from headwater.compat.mlflow.endpoints import AnyEndpoint, post
from headwater.compat.mlflow.errors import MlflowError
from headwater.compat.mlflow.experiments import Experiments, tag_key
from headwater.compat.mlflow.filters import (
    EQUALITY,
    NULL,
    NUMBER,
    TEXT,
    Key,
    Names,
    Test,
    matching,
    parse_filter,
    parse_order,
)
from headwater.compat.mlflow.limits import MAX_RESULTS
from headwater.compat.mlflow.requests import Int64, Request, wrong_type
from headwater.compat.mlflow.run_answers import PARENT_TAG, RUN_NAME_TAG, STATUS_NAMES, RunAnswer, RunViews
from headwater.compat.mlflow.run_data import dataset_keys
from headwater.compat.mlflow.views import both, in_view
from headwater.model.access import Permission
from headwater.model.filters import Comparison, Field, Filter, In, IsNull, Operator, Or, Scalar, Scope
from headwater.model.ids import RunId
from headwater.model.listing import Listing, Order
from headwater.model.protocols import Store
from headwater.query.attributes import ValueType

_RUN_URI: Final = re.compile(r".*/([0-9a-f]{32})/artifacts", re.DOTALL)


class SearchRuns(Request, frozen=True):
    """Asks for a page of runs of some experiments."""

    experiment_ids: tuple[str, ...] = ()
    filter: str = ""
    run_view_type: str | int = "ACTIVE_ONLY"
    max_results: Int64 = 1000
    order_by: tuple[str, ...] = ()
    page_token: str = ""


class RunPage(Answer):
    """Some runs, and the token that asks for those after them."""

    runs: tuple[RunAnswer, ...] = ()
    next_page_token: str = ""


class RunSearch:
    """Answers searches for runs."""

    def __init__(self, store: Store, experiments: Experiments, views: RunViews) -> None:
        """Take where runs are kept, who finds their experiments, and who shows them."""
        self._store = store
        self._experiments = experiments
        self._views = views
        self._names = run_names(store)

    def endpoints(self) -> tuple[AnyEndpoint, ...]:
        """Return the calls that are answered here."""
        return (post("mlflow/runs/search", SearchRuns, self.search, Permission.READ),)

    def search(self, request: SearchRuns, _actor: str | None) -> RunPage:
        """Return a page of runs; without order, and where keys are equal, the newest first."""
        if request.max_results > MAX_RESULTS:
            raise wrong_type("max_results", request.max_results)
        if request.max_results < 1:
            raise MlflowError(
                f"Invalid value {request.max_results} for parameter 'max_results' supplied. "
                "It must be a positive integer."
            )
        wanted = parse_filter(request.filter, self._names)
        orders = parse_order(request.order_by, self._names)
        numbers = [self._experiments.number(i) for i in request.experiment_ids]
        if not numbers:
            return RunPage()
        seen, with_deleted = in_view(request.run_view_type)
        theirs: Filter = (
            In(_EXPERIMENT, tuple(numbers))
            if len(numbers) > 1
            else Comparison(_EXPERIMENT, Operator.EQ, numbers[0])
        )
        page = self._store.runs.page(
            Listing(
                filter=both(theirs, both(seen, wanted)),
                order_by=(*orders, _NEWEST_FIRST) if orders else (),
                limit=request.max_results,
                page_token=request.page_token or None,
                with_deleted=with_deleted,
            ),
            with_metrics=False,
        )
        return RunPage(runs=tuple(self._views.of_page(page.items)), next_page_token=page.next_token or "")


def run_names(store: Store) -> Names:
    """Return what a filter on runs can name."""
    start = Key(field=_attribute("start_time"), operators=NUMBER, value_type=ValueType.INTEGER)
    attributes: Mapping[str, Key] = {
        "run_id": Key(field=_attribute("run_id")),
        "run_name": Key(field=_attribute("name")),
        "status": Key(field=_attribute("status"), rewrite=_status_test),
        "user_id": Key(field=_attribute("user")),
        "artifact_uri": Key(
            field=_attribute("run_id"), operators=EQUALITY, rewrite=_uri_test, is_sortable=False
        ),
        "start_time": start,
        "created": start,
        "Created": start,
        "end_time": Key(field=_attribute("end_time"), operators=NUMBER, value_type=ValueType.INTEGER),
    }
    metric, param, tag = _metric_key, _param_key, _tag_keys(store)
    datasets = dataset_keys(store)
    return Names(
        attributes=attributes,
        attribute_words=frozenset({"attribute", "attributes", "attr", "run"}),
        scopes={
            **dict.fromkeys(("metrics", "metric"), metric),
            **dict.fromkeys(("params", "param", "parameters", "parameter"), param),
            **dict.fromkeys(("tags", "tag"), tag),
            **dict.fromkeys(("datasets", "dataset"), datasets),
        },
    )


def _attribute(name: str) -> Field:
    return Field(Scope.ATTRIBUTE, name)


_EXPERIMENT: Final = _attribute("experiment_id")
_NEWEST_FIRST: Final = Order(_attribute("id"), is_descending=True)


def _metric_key(name: str) -> Key:
    return Key(field=Field(Scope.METRIC, name), operators=NUMBER | NULL, value_type=ValueType.NUMBER)


def _param_key(name: str) -> Key:
    return Key(field=Field(Scope.PARAM, name), operators=TEXT | NULL)


def _tag_keys(store: Store) -> Callable[[str], Key]:
    def parent_test(test: Test) -> Filter:
        """Find native runs, too, whose parent no tag names."""
        match test:
            case Comparison(operator=Operator.EQ, value=value):
                run_ids = [RunId(str(value))]
            case In(values=values, is_negated=False):
                run_ids = [RunId(str(value)) for value in values]
            case _:
                return test
        parents = tuple(run.id for run in store.runs.get(run_ids))
        return Or((test, In(_attribute("parent_id"), parents))) if parents else test

    def key(name: str) -> Key:
        if name == RUN_NAME_TAG:
            return Key(field=_attribute("name"), operators=TEXT | NULL)
        if name == PARENT_TAG:
            return Key(field=Field(Scope.TAG, name), operators=TEXT | NULL, rewrite=parent_test)
        return tag_key(name)

    return key


def _status_test(test: Test) -> Filter:
    if isinstance(test, IsNull):
        return test
    names = frozenset(matching(set(STATUS_NAMES.values()), test))
    return In(
        test.field, tuple(int(status) for status, name in STATUS_NAMES.items() if name in names) or (0,)
    )


def _uri_test(test: Test) -> Filter:
    """Ask for the run id that an artifact URI holds."""

    def run_id(value: Scalar) -> str:
        found = _RUN_URI.fullmatch(str(value))
        return found[1] if found else ""

    match test:
        case Comparison(field, operator, value):
            return Comparison(field, operator, run_id(value))
        case In(field, values, is_negated):
            return In(field, tuple(map(run_id, values)), is_negated)
        case _:
            return test
