"""Artifacts carry params and metrics of their own, which are searched and become those of a version."""

import math

import pytest

from headwater.errors import InvalidError
from headwater.model import builtin
from headwater.model.filters import Entity
from headwater.model.graph import ArtifactChange, NewArtifact
from headwater.model.listing import Listing
from headwater.model.models import NewVersion
from headwater.query.parse import parse_filter, parse_order


def add(store, **given):
    (kind,) = store.types.put([builtin.MODEL])
    return store.artifacts.add([NewArtifact(type_id=kind, **given)])[0]


def change(store, id, **given):
    store.artifacts.update([ArtifactChange(id=id, **given)])
    return store.artifacts.get([id])[0]


def test_params_and_metrics_come_back_and_change_key_by_key(store):
    model = add(store, params={"lr": 0.1, "loss": "log"}, metrics={"auc": 0.7, "n": 3})
    [stored] = store.artifacts.get([model])

    assert (stored.params, stored.metrics) == ({"lr": 0.1, "loss": "log"}, {"auc": 0.7, "n": 3.0})
    changed = change(store, model, params={"loss": None, "depth": 3}, metrics={"auc": 0.8, "n": None})
    assert (changed.params, changed.metrics) == ({"lr": 0.1, "depth": 3}, {"auc": 0.8})
    assert changed.revision == stored.revision + 1
    assert change(store, model, metrics={"auc": 0.8}) == changed


def test_odd_doubles_are_kept(store):
    stored = change(store, add(store, metrics={"a": math.nan}), metrics={"b": math.inf})

    assert math.isnan(stored.metrics["a"])
    assert stored.metrics["b"] == math.inf


def test_artifacts_are_searched_and_sorted_by_them(store):
    better, worse, other = (add(store, metrics=m, params={"lr": 1}) for m in ({"auc": 2}, {"auc": 1}, {}))

    def found(filter, order="metrics.auc desc"):
        listing = Listing(
            filter=parse_filter(filter, Entity.ARTIFACT), order_by=parse_order(order, Entity.ARTIFACT)
        )
        return [a.id for a in store.artifacts.page(listing).items]

    assert found("metrics.auc > 0") == [better, worse]
    assert found("params.lr = 1", "metrics.auc") == [worse, better, other]
    assert found("metrics.auc is null") == [other]


def test_a_version_has_what_its_artifact_had(store):
    model = add(store, params={"lr": 1}, metrics={"auc": 0.7})
    new = NewVersion(model="m", artifact_id=model, metrics={"f1": 0.5, "auc": 0.8}, params={"lr": 2})

    version = store.models.add_version(new, actor="ann")

    assert (version.metrics, version.params) == ({"auc": 0.8, "f1": 0.5}, {"lr": 2})


def test_a_name_that_cannot_be_stored_is_refused(store):
    with pytest.raises(InvalidError):
        add(store, params={"x" * 501: 1})
