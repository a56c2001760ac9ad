"""Versions that are judged in a store: scikit-learn's own data, real models, every kind of store."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from headwater.errors import InvalidError, NotFoundError, RefusedError, UnmetError
from headwater.model.graph import EventType
from headwater.model.process_files import process_from
from headwater.model.verdicts import Outcome
from headwater.sdk import Client
from headwater.validation.model import RUBBER_STAMP, Check, Gate, Plan, Task, judge

REQUIRES = {"policies": {"production": {"requires": ["data", "model", "infra"]}}}
PLAN = Plan(target="target", slices=("size",), draws=200)
GATE = Gate(plan=PLAN, checks=(Check(metric="roc_auc", lower=0.6, absolute=0.0),))


@pytest.fixture
def client(tmp_path):
    """A client of a store in memory."""
    with Client("memory://", blobs=str(tmp_path / "blobs"), actor="ann") as opened:
        yield opened


@pytest.fixture
def any_client(client, url, open_store, clock):
    """A client of each kind of store."""
    client.store.close()
    client.store = open_store(url, clock)
    return client


@pytest.fixture
def cancer():
    """Cells, of which some are big and some small."""
    table = frame_of(load_breast_cancer)
    size = np.where(table["mean radius"] > 13, "big", "small")
    return table.iloc[:, :8].assign(target=table["target"], size=size)


def frame_of(load: Any) -> Any:
    return load(as_frame=True).frame


def good():
    return make_pipeline(StandardScaler(), LogisticRegression())


def poor():
    return DecisionTreeClassifier(max_depth=1)


def log(client, table, estimator, *, without=("target", "size"), name="m"):
    """Train on every other row and register."""
    train = table.iloc[::2]
    features = train.drop(columns=[c for c in without if c in train])
    with client.run("train", capture=False) as run:
        fitted = estimator.fit(features, train["target"])
        return run.log_model(name, fitted, input_example=features.head(2), format="pickle")


def holdout(client, table):
    """Record the other rows."""
    return client.dataset("holdout", table.iloc[1::2].reset_index(drop=True))


def test_a_better_version_passes_and_its_verdict_says_what_it_rests_on(any_client, cancer):
    client = any_client
    log(client, cancer, poor())
    log(client, cancer, good())
    client.models["m"].promote(1, reason="first", loads=False)
    data = holdout(client, cancer)

    judged = client.judge("models/m/2", gate=GATE, on=data)

    verdict = judged.verdict
    assert client.store.releases.verdicts("m", 2) == [verdict]
    assert (verdict.outcome, verdict.baseline, verdict.data) == (Outcome.PASS, 1, (data.ref,))
    assert (verdict.gate, verdict.config_digest, verdict.actor) == ("model", GATE.digest, "ann")
    assert RUBBER_STAMP not in verdict.facts
    events = client.store.links.events_of_executions([verdict.evaluation_id])
    one, two = (client.models["m"][n].id for n in (1, 2))
    assert {e.path: e.artifact_id for e in events if e.type is EventType.INPUT} == {
        ("version",): two,
        ("baseline",): one,
        ("data", 0): data.artifact_id,
    }
    outputs = {e.path[0] for e in events if e.type is EventType.OUTPUT}
    curves = {"roc", "precision_recall", "calibration", "confusion"}
    assert outputs == {"verdict", "gate", "measures", *curves}


def test_curves_are_stored_as_data(client, cancer):
    from sklearn.metrics import roc_auc_score

    version = log(client, cancer, good())
    data = holdout(client, cancer)

    judged = client.judge(version.ref, gate=GATE, on=data)

    stored = {each.name: each.digest for each in judged.verdict.exhibits}
    (roc,) = json.loads(client.blobs.read(stored["roc"]))
    area = np.trapezoid(roc["columns"]["true_positive_rate"], roc["columns"]["false_positive_rate"])
    table = cancer.iloc[1::2]
    chance = client.load_model(version.ref).predict_proba(table.iloc[:, :8])[:, 1]
    assert (roc["role"], roc["label"]) == ("candidate", "1")
    assert area == pytest.approx(roc_auc_score(table["target"], chance))
    (confusion,) = json.loads(client.blobs.read(stored["confusion"]))
    assert sum(confusion["columns"]["weight"]) == len(table)


def test_the_baseline_is_what_is_in_production_not_what_was_trained_last(client, cancer):
    for estimator in (good(), poor(), DummyClassifier(), good()):
        log(client, cancer, estimator)
    client.models["m"].promote(2, reason="for now", loads=False)

    judged = client.judge("models/m/4", gate=GATE, on=holdout(client, cancer))

    assert judged.verdict.baseline == 2


def test_a_worse_version_fails(client, cancer):
    log(client, cancer, good())
    log(client, cancer, poor())
    client.models["m"].promote(1, reason="first", loads=False)

    judged = client.judge("models/m/2", gate=GATE, on=holdout(client, cancer))

    assert judged.verdict.outcome is Outcome.FAIL
    assert "roc_auc on all changed by -" in judged.verdict.summary


def test_a_first_version_is_a_rubber_stamp_and_says_so(client, cancer):
    version = log(client, cancer, good())

    judged = client.judge(version.ref, gate=GATE, on=holdout(client, cancer))

    assert (judged.verdict.outcome, judged.verdict.baseline) == (Outcome.PASS, None)
    assert (
        judged.verdict.facts["rubber stamp"] == "no version of m is in production, so no change was looked at"
    )
    assert "rubber stamp" in judged.verdict.summary


def test_a_gate_can_forbid_a_first_version(client, cancer):
    version = log(client, cancer, good())

    judged = client.judge(version.ref, gate=replace(GATE, forbids_first=True), on=holdout(client, cancer))

    assert judged.verdict.outcome is Outcome.INSUFFICIENT
    assert "forbids a first version" in judged.verdict.summary


def test_what_is_in_production_is_not_compared_with_itself(client, cancer):
    version = log(client, cancer, good())
    client.models["m"].promote(1, reason="first", loads=False)

    judged = client.judge(version.ref, gate=GATE, on=holdout(client, cancer))

    assert judged.verdict.baseline is None
    assert "models/m/1 is itself in production" in judged.verdict.facts["rubber stamp"]


def test_a_promotion_without_the_verdicts_of_its_policy_says_exactly_which(any_client, cancer):
    client = any_client
    version = log(client, cancer, good())
    model = client.models["m"]
    model.set_process(process_from(REQUIRES), reason="rules")

    with pytest.raises(UnmetError) as caught:
        model.promote(1, reason="better", loads=False)

    assert [str(need) for need in caught.value.missing] == [
        "no verdict of gate 'data'",
        "no verdict of gate 'model'",
        "no verdict of gate 'infra'",
    ]
    strict = replace(GATE, checks=(Check(metric="roc_auc", lower=0.999),))
    client.judge(version.ref, gate=strict, on=holdout(client, cancer))
    model.add_verdict(1, gate="data", outcome="pass")
    model.add_verdict(1, gate="infra", outcome="pass")
    with pytest.raises(UnmetError, match="gate 'model' says fail: roc_auc on all is"):
        model.promote(1, reason="better", loads=False)
    client.judge(version.ref, gate=GATE, on=holdout(client, cancer))
    assert model.promote(1, reason="better", loads=False).stage == "production"


def test_a_slice_that_the_data_lack_is_a_stored_fail(client, cancer):
    version = log(client, cancer, good())
    gate = replace(
        GATE,
        checks=(
            Check(metric="roc_auc", slices=("hospital",), lower=0.1),
            Check(metric="roc_auc", slices=("size == 'huge'",), lower=0.1),
        ),
    )

    judged = client.judge(version.ref, gate=gate, on=holdout(client, cancer))

    assert judged.verdict.outcome is Outcome.FAIL
    assert [f["text"] for f in judged.verdict.facts["findings"]] == [
        "roc_auc on hospital is missing: 'hospital': the data has no column 'hospital'",
        "roc_auc on size == 'huge' is missing: \"size == 'huge'\" selects no row",
    ]


def test_two_versions_may_take_different_columns(client, cancer):
    log(client, cancer, poor(), without=("target", "size", "mean radius", "mean area"))
    log(client, cancer, good())
    client.models["m"].promote(1, reason="first", loads=False)

    judged = client.judge("models/m/2", gate=GATE, on=holdout(client, cancer))

    assert judged.verdict.baseline == 1


def test_numbers_and_many_classes_are_judged_too(client):
    diabetes, wine = frame_of(load_diabetes), frame_of(load_wine)
    log(client, diabetes, DecisionTreeRegressor(max_depth=1, random_state=0), name="sugar")
    log(client, diabetes, LinearRegression(), name="sugar")
    client.models["sugar"].promote(1, reason="first", loads=False)
    log(client, wine, good(), name="wine")
    sugar = Gate(
        plan=Plan(target="target", task=Task.REGRESSION, draws=200),
        checks=(Check(metric="rmse", upper=70, relative=-0.05), Check(metric="r2", lower=0.2)),
    )
    grapes = Gate(plan=Plan(target="target", draws=200), checks=(Check(metric="f1", lower=0.9),))

    data = client.dataset("diabetes", diabetes.iloc[1::2].reset_index(drop=True))
    wines = client.dataset("wine", wine.iloc[1::2].reset_index(drop=True))

    assert client.judge("models/sugar/2", gate=sugar, on=data).verdict.outcome is Outcome.PASS
    assert client.judge("models/wine/1", gate=grapes, on=wines).verdict.outcome is Outcome.PASS


def test_what_cannot_be_judged_is_refused_and_nothing_stored(client, cancer):
    version = log(client, cancer, good())
    data = holdout(client, cancer)

    with pytest.raises(InvalidError, match="no column 'label'"):
        client.judge(version.ref, gate=replace(GATE, plan=Plan(target="label")), on=data)
    with pytest.raises(NotFoundError):
        client.judge("models/m/7", gate=GATE, on=data)
    with pytest.raises(InvalidError, match="is not a version"):
        client.judge("data/holdout/1", gate=GATE, on=data)
    narrow = client.dataset("narrow", cancer[["mean radius", "target", "size"]])
    with pytest.raises(InvalidError, match="lack columns that the model takes: mean texture"):
        client.judge(version.ref, gate=GATE, on=narrow)

    assert client.store.releases.verdicts("m", 1) == []


def test_a_frame_that_is_not_the_recorded_one_is_refused(client, cancer):
    version = log(client, cancer, good())
    table = cancer.iloc[1::2].reset_index(drop=True)
    data = client.dataset("holdout", table)

    assert client.judge(version.ref, gate=GATE, on=data.ref, frame=table).verdict.data == (data.ref,)
    with pytest.raises(InvalidError, match="not the content of data/holdout/1"):
        client.judge(version.ref, gate=GATE, on=data, frame=table.assign(target=1))


def test_measuring_alone_stores_nothing(client, cancer):
    version = log(client, cancer, good())
    before = client.store.executions.count(limit=99)

    found = client.evaluate(version.ref, gate=GATE, on=holdout(client, cancer))

    assert found["roc_auc"].value.value > 0.9
    assert client.store.executions.count(limit=99) == before


def test_a_version_without_bytes_is_refused(client, cancer):
    from headwater.model.models import NewVersion

    client.store.models.add_version(NewVersion(model="far", uri="s3://there"), actor="ann")

    with pytest.raises(RefusedError, match="without its bytes"):
        client.judge("models/far/1", gate=GATE, on=holdout(client, cancer))


def test_judging_needs_no_client(client, cancer):
    from headwater.validation.model import Place

    version = log(client, cancer, good())
    place = Place(store=client.store, blobs=client.blobs, actor="robot")

    assert judge(place, version.ref, on=holdout(client, cancer), gate=GATE).verdict.actor == "robot"
