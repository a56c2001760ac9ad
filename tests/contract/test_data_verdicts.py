from dataclasses import dataclass, replace

import pytest

from headwater.blobs import open_blobs
from headwater.errors import UnmetError
from headwater.model.graph import (
    ArtifactLink,
    EventType,
    ExecutionChange,
    NewExecution,
    NodeKind,
    Publication,
)
from headwater.model.lineage import Direction, Walk
from headwater.model.protocols import BlobStore, Store
from headwater.model.verdicts import Outcome
from headwater.tracking import Session, log_dataset
from headwater.validation.data import (
    Schema,
    Statistics,
    infer_schema,
    newest_verdicts,
    stored_statistics,
    validate,
    vouch_for,
)
from tests.contract.builders import add_versions, move, put_type
from tests.contract.releases import set_policy

GOOD = [{"carrier": "UA", "delay": 4.0}, {"carrier": "AA", "delay": 9.0}] * 20
BAD = [{"carrier": "ZZ", "delay": -1.0}, *GOOD]
SCHEMA = infer_schema(GOOD)


@dataclass(frozen=True)
class Records:
    """Where verdicts go."""

    store: Store
    blobs: BlobStore
    actor: str = "ann"


@pytest.fixture
def into(store):
    return Records(store, open_blobs("memory://"))


@pytest.fixture
def put(into, tmp_path):
    """Record data versions."""
    with Session(into.store, into.blobs, project_root=tmp_path) as session:
        yield lambda rows, name="flights": log_dataset(session, name, rows)


@pytest.fixture
def train(store):
    """Register a model version that was made from data versions."""

    def make(*data):
        (version,) = add_versions(store)
        kind = put_type(store, NodeKind.EXECUTION, "Train")
        links = [ArtifactLink(artifact=d.artifact_id, type=EventType.INPUT, path=("data",)) for d in data]
        made = ArtifactLink(artifact=version.id, type=EventType.OUTPUT, path=("model",))
        execution = NewExecution(type_id=kind)
        store.links.publish(Publication(execution=execution, artifacts=[*links, made]))
        return version

    return make


def test_a_verdict_stands_in_the_graph_with_all_that_it_rests_on(into, put):
    before, data = put(GOOD), put(BAD)
    first = validate(before, SCHEMA, into=into)

    verdict = validate(data, SCHEMA, previous=before, into=into)

    where = verdict.recorded
    events = into.store.links.events_of_executions([where.evaluation_id])
    found = {event.path[0]: (event.type, event.artifact_id) for event in events}
    (stored,) = into.store.artifacts.get([where.verdict_id])
    assert found["data"] == (EventType.INPUT, data.artifact_id)
    assert found["previous"] == (EventType.INPUT, first.recorded.statistics_id)
    assert found["statistics"] == (EventType.OUTPUT, where.statistics_id)
    assert found["anomalies"] == (EventType.OUTPUT, where.anomalies_id)
    assert found["verdict"] == (EventType.OUTPUT, where.verdict_id)
    assert set(found) == {"data", "schema", "previous", "statistics", "anomalies", "verdict"}
    assert stored.properties["gate"] == "data"
    assert stored.properties["outcome"] == "fail"
    assert stored.properties["version"] == data.ref
    assert stored.properties["config_digest"] == verdict.config_digest


def test_what_a_verdict_rests_on_can_be_read_again(into, put):
    data = put(GOOD)

    verdict = validate(data, SCHEMA, into=into)

    events = into.store.links.events_of_executions([verdict.recorded.evaluation_id])
    ids = {event.path[0]: event.artifact_id for event in events}
    digests = {name: into.store.artifacts.get([i])[0].digest for name, i in ids.items()}
    assert Schema.from_yaml(into.blobs.read(digests["schema"]).decode()) == SCHEMA
    assert Statistics.from_json(into.blobs.read(digests["statistics"])) == verdict.statistics
    assert stored_statistics(into, data.data_version).statistics == verdict.statistics


def test_one_schema_is_one_artifact(into, put):
    one, two = (validate(put(rows), SCHEMA, into=into).recorded for rows in (GOOD, BAD))

    events = into.store.links.events_of_executions([one.evaluation_id, two.evaluation_id])

    assert len({event.artifact_id for event in events if event.path == ("schema",)}) == 1


def test_a_verdict_is_reached_from_its_data_version(into, put):
    data = put(GOOD)
    verdict = validate(data, SCHEMA, into=into)

    walk = Walk(artifacts=(data.artifact_id,), direction=Direction.DOWNSTREAM)
    reached = into.store.lineage.reach(walk)

    assert verdict.recorded.verdict_id in reached.artifacts


def test_the_newest_verdict_counts(into, put):
    data = put(BAD)
    first = validate(data, SCHEMA, into=into)

    second = validate(data, SCHEMA.update(first.proposals), into=into)

    found = newest_verdicts(into.store, [data.artifact_id])[data.artifact_id]
    assert (found.id, found.outcome) == (second.recorded.verdict_id, Outcome.PASS)


def test_a_model_is_vouched_for_when_all_data_behind_it_passed(into, put, train):
    one, two = put(GOOD, "flights"), put(GOOD[:30], "weather")
    version = train(one, two)
    for data in (one, two):
        validate(data, SCHEMA, into=into)

    verdict = vouch_for(into, version)

    assert (verdict.gate, verdict.outcome, verdict.actor) == ("data", Outcome.PASS, "ann")
    assert verdict.facts["data"] == {"data/flights/1": "pass", "data/weather/1": "pass"}
    assert into.store.releases.verdicts("m", 1) == [verdict]


def test_a_model_is_not_vouched_for_while_data_behind_it_were_never_judged(into, put, train):
    judged, forgotten = put(GOOD, "flights"), put(GOOD[:30], "weather")
    version = train(judged, forgotten)
    validate(judged, SCHEMA, into=into)

    verdict = vouch_for(into, version)

    assert verdict.outcome is Outcome.INSUFFICIENT
    assert verdict.summary == "data/weather/1 was never judged"
    assert vouch_for(into, version, names=["flight*"]).outcome is Outcome.PASS


def test_a_model_fails_with_the_data_behind_it(into, put, train):
    good, bad, forgotten = put(GOOD), put(BAD), put(GOOD[:30], "weather")
    version = train(good, bad, forgotten)
    for data in (good, bad):
        validate(data, SCHEMA, into=into)

    verdict = vouch_for(into, version)

    assert verdict.outcome is Outcome.FAIL
    assert "data/flights/2 failed" in verdict.summary


def test_data_that_others_were_compared_with_are_not_behind_a_model(into, put, train):
    before, data = put(GOOD[:30]), put(GOOD)
    validate(before, replace(SCHEMA, columns=()), into=into)
    verdict = validate(data, SCHEMA, previous=before, into=into)
    version = train(data)
    # A step that was let through by the verdict has it as an input.
    makers = into.store.links.events_of_artifacts([version.id], are_outputs=True)
    gate = ArtifactLink(artifact=verdict.recorded.verdict_id, type=EventType.INPUT, path=("gate",))
    into.store.links.publish(
        Publication(execution=ExecutionChange(id=makers[0].execution_id), artifacts=[gate])
    )

    assert vouch_for(into, version).facts["data"] == {"data/flights/2": "pass"}


def test_a_model_without_data_in_its_lineage_is_not_vouched_for(into, train):
    assert vouch_for(into, train()).outcome is Outcome.INSUFFICIENT


def test_a_policy_can_require_the_verdict_on_the_data(into, put, train):
    data = put(GOOD)
    version = train(data)
    set_policy(into.store, requires=["data"])
    with pytest.raises(UnmetError, match="no verdict of gate 'data'"):
        move(into.store, version.version)
    validate(data, SCHEMA, into=into)

    vouch_for(into, version)

    assert move(into.store, version.version).stage == "production"
