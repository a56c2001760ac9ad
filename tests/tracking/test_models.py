import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from headwater.errors import InvalidError, MetricTypeError, NotFoundError
from headwater.model.graph import EventType
from headwater.tracking import start_run

X = pd.DataFrame({"hour": [1.0, 2.0, 3.0, 4.0], "dist": [1.0, 0.0, 1.0, 0.0]})
Y = pd.Series([0, 0, 1, 1], name="late")


@pytest.fixture
def model():
    return LogisticRegression().fit(X, Y)


@pytest.fixture
def run(session):
    return start_run(session, "e", params={"C": 1.0}, capture=False)


def test_a_model_becomes_a_numbered_version_of_its_run(session, run, model):
    first = run.log_model("late", model, input_example=X, metrics={"auc": 0.71}, tags={"team": "ops"})
    second = run.log_model("late", model)

    assert (first.ref, second.ref) == ("models/late/1", "models/late/2")
    assert (first.metrics, first.params, first.tags) == ({"auc": 0.71}, {"C": 1.0}, {"team": "ops"})
    assert (first.properties["format"], first.properties["is_safe"]) == ("skops", True)
    assert [c["name"] for c in first.properties["signature"]["inputs"]] == ["hour", "dist"]
    assert len(first.properties["input_example"]) == 4
    assert session.blobs.has(first.digest)
    events = session.store.links.events_of_artifacts([first.id, second.id])
    assert [(e.type, e.execution_id) for e in events] == [(EventType.OUTPUT, run.id)] * 2


def test_any_object_has_a_format(run):
    version = run.log_model("rules", {"threshold": 15})

    assert version.properties["is_safe"] is False


@pytest.mark.parametrize(
    "signature",
    [X, (X, Y), {"inputs": [{"name": "hour", "dtype": "float64"}]}],
    ids=["inputs", "pair", "dict"],
)
def test_a_signature_can_be_given(run, model, signature):
    version = run.log_model("late", model, signature=signature)

    assert version.properties["signature"]["inputs"][0] == {"name": "hour", "dtype": "float64"}
    assert ("outputs" in version.properties["signature"]) is isinstance(signature, tuple)


def test_a_fault_is_found_before_anything_is_stored(session, run, model):
    with pytest.raises(MetricTypeError):
        run.log_model("late", model, metrics={"auc": "high"})
    with pytest.raises(NotFoundError, match="model format 'onxx'"):
        run.log_model("late", model, format="onxx")
    with pytest.raises(InvalidError):
        run.log_model("", model)
    with pytest.raises(InvalidError, match="inputs"):
        run.log_model("late", model, signature={"columns": []})

    assert session.store.models.page().items == ()
    assert list(session.blobs.digests()) == []
