"""How many there are, and what runs have: bounded, and the same on every database."""

import pytest

from headwater.errors import InvalidError
from headwater.model.filters import Entity, Field, Filter, Scope
from headwater.model.models import NewVersion
from headwater.model.protocols import Store
from headwater.model.runs import FieldValue, RunField
from headwater.query.parse import parse_filter
from tests.contract.builders import Clock, NodeApi, append, start_run


def runs_where(text: str) -> Filter | None:
    return parse_filter(text, Entity.RUN)


def test_a_count_is_of_what_a_list_has_and_stops_at_its_limit(api: NodeApi, store: Store):
    ids = [api.add(name) for name in "abcde"]
    api.nodes.delete(ids[:1])
    entity = {"artifacts": Entity.ARTIFACT, "executions": Entity.EXECUTION, "contexts": Entity.CONTEXT}
    tree = parse_filter("name != 'b'", entity[f"{api.kind.name.lower()}s"])

    assert api.nodes.count(limit=100) == 4
    assert api.nodes.count(tree, limit=100) == 3
    assert api.nodes.count(limit=2) == 2
    assert api.nodes.count(limit=0) == 0


def test_runs_are_counted_by_any_condition(store: Store):
    for number in range(6):
        run = start_run(store, params={"lr": number % 2})
        append(store, run.id, [(0, 0, number / 10)], "auc")

    assert store.runs.count(limit=10) == 6
    assert store.runs.count(runs_where("params.lr = 1"), limit=10) == 3
    assert store.runs.count(runs_where("metrics.auc > 0.25 AND params.lr = 1"), limit=10) == 2
    assert store.runs.count(runs_where("params.lr = 7"), limit=10) == 0
    assert store.runs.count(runs_where("params.lr = 1"), limit=2) == 2


def test_the_past_is_counted_as_it_was(store: Store, clock: Clock):
    start_run(store)
    then = clock.now_ms
    clock.tick()
    start_run(store)

    assert (store.at(then).runs.count(limit=9), store.runs.count(limit=9)) == (1, 2)


def test_models_and_their_versions_are_counted_apart(store: Store):
    for name in ("a", "b"):
        store.models.register(name)
    for _ in range(3):
        store.models.add_version(NewVersion(model="a", uri="u"), actor="ann")
    is_a = parse_filter("name = 'a'", Entity.CONTEXT)
    is_late = parse_filter("model = 'a' AND version > 1", Entity.VERSION)

    assert (store.models.count(limit=9), store.models.count(is_a, limit=9)) == (2, 1)
    assert (store.models.count_versions(limit=9), store.models.count_versions(is_late, limit=9)) == (3, 2)


def test_a_count_without_end_is_refused(store: Store):
    with pytest.raises(InvalidError, match="stops at"):
        store.runs.count(limit=-1)


def test_fields_are_those_that_most_runs_have(store: Store):
    for params in ({"lr": 0.1}, {"lr": 0.1, "depth": 3}):
        append(store, start_run(store, params=params, tags={"team": "a"}).id, [(0, 0, 0.5)], "auc")
    last = start_run(store, params={"lr": 0.1, "depth": 3}, tags={"team": "a"})
    append(store, last.id, [(0, 0, 0.5)], "auc")
    append(store, last.id, [(0, 0, 0.5)], "loss")
    deleted = start_run(store, params={"gone": 1})
    store.executions.delete([deleted.id])

    assert store.runs.fields() == [
        RunField(scope=Scope.METRIC, name="auc", count=3),
        RunField(scope=Scope.PARAM, name="lr", count=3),
        RunField(scope=Scope.TAG, name="team", count=3),
        RunField(scope=Scope.PARAM, name="depth", count=2),
        RunField(scope=Scope.METRIC, name="loss", count=1),
    ]
    assert [field.name for field in store.runs.fields("l")] == ["lr", "loss"]
    assert len(store.runs.fields(limit=1)) == 3


def test_values_are_those_that_most_runs_have(store: Store):
    for name, team in (("ada", "x"), ("ada", "y"), ("bob", "x"), ("bob", "x\x00")):
        start_run(store, params={"lr": 0.1, "who": name}, tags={"team": team, "n": 1})
    team, who = Field(Scope.TAG, "team"), Field(Scope.PARAM, "who")

    assert store.runs.values(who) == [FieldValue(value="ada", count=2), FieldValue(value="bob", count=2)]
    assert store.runs.values(who, "b") == [FieldValue(value="bob", count=2)]
    assert store.runs.values(team, limit=1) == [FieldValue(value="x", count=2)]
    assert store.runs.values(team, "x\x00") == [FieldValue(value="x\x00", count=1)]
    assert store.runs.values(Field(Scope.PARAM, "lr")) == [FieldValue(value="0.1", count=4)]
    assert store.runs.values(Field(Scope.ATTRIBUTE, "experiment")) == [FieldValue(value="exp", count=4)]


@pytest.mark.parametrize("field", [Field(Scope.METRIC, "auc"), Field(Scope.ATTRIBUTE, "start_time")])
def test_only_what_has_texts_has_values(store: Store, field: Field):
    with pytest.raises(InvalidError, match="has no values to list"):
        store.runs.values(field)
