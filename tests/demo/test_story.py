"""The year on made-up flights: what does not happen in every real one, and what has to happen in all."""

import pytest

from headwater.demo.gate import PROCESS
from headwater.demo.months import needed_months, scored_months
from headwater.demo.pipeline import live_month
from headwater.demo.report import read_year
from headwater.demo.steps import MODEL
from headwater.demo.story import KILLED_MONTH, Story, part_count
from headwater.model.runs import RunStatus
from headwater.model.verdicts import Outcome
from headwater.pipelines.events import StepState
from headwater.pipelines.records import RunState
from headwater.sdk.client import Client
from headwater.validation.data import newest_verdicts
from tests.demo.made_up import by_carrier, by_hour, sources

BLOCKED = ["join", "features", "score", "review", "cut", "train", "evaluate", "gate"]


class Listener:
    """Remembers what it is told; stops the year at a step, as Ctrl-C would."""

    def __init__(self, stop_at=None):
        self.said, self.begun, self.stop_at = [], [], stop_at

    def begin(self, what):
        self.begun.append(what)

    def doing(self, what):
        if (self.begun[-1], what) == self.stop_at:
            raise KeyboardInterrupt

    def say(self, when, word, text):
        self.said.append((when, word, text))


@pytest.fixture(scope="module")
def odd_march(tmp_path_factory):
    """What holds in March holds in no other month, so a challenger that learned it is worse in April."""
    folder = tmp_path_factory.mktemp("odd-march")
    return sources(folder, 4, lambda month: by_hour if month == 3 else by_carrier)


@pytest.fixture(scope="module")
def lived(odd_march):
    """A client whose store has seen March and April, the run of that year, and who was told of it."""
    listener = Listener()
    with Client("memory://") as opened:
        yield opened, live_through(opened, odd_march, listener=listener), listener


@pytest.fixture(scope="module")
def killed(odd_march, tmp_path_factory):
    """The same with March alone, on a store that a process of its own can open, and be killed."""
    listener = Listener()
    with Client(f"sqlite:///{tmp_path_factory.mktemp('killed') / 'flights.db'}") as opened:
        yield opened, live_through(opened, odd_march, months=1, listener=listener), listener


def live_through(client, year, months=2, listener=None):
    return Story(client, listener or Listener(), folder=year.folder).live_through(scored_months(months))


def attempts(client, ref):
    return {step.step: step.attempts for step in client.pipelines.steps(ref)}


def test_a_promotion_that_was_a_mistake_is_rolled_back_with_its_numbers(lived):
    client, year, listener = lived

    report = read_year(client, year)

    april = report.rows[-1]
    (rollback,) = report.rollbacks
    assert april.decision == "promote"
    assert april.auc_before > april.auc_challenger
    assert rollback.subject == f"models/{MODEL}/1"
    assert rollback.reason == (
        f"in 2013-04 v2 had AUC {april.auc_challenger:.3f}; v1, which it replaced, "
        f"would have had {april.auc_before:.3f}"
    )
    assert ("2013-04", "rollback", f"to v1: {rollback.reason}") in listener.said
    assert client.models[MODEL]["production"].version == 1


def test_a_refused_challenger_says_why_and_has_a_verdict_that_is_no_pass(lived):
    client, _, listener = lived

    refused = client.models[MODEL][3]

    verdict = client.models[MODEL].verdicts(3)["model"]
    assert refused.tags["gate"] == "refuse"
    assert refused.stage == "none"
    assert str(refused.tags["gate_reason"]).startswith("AUC 0.")
    assert verdict.outcome is not Outcome.PASS
    assert verdict.baseline == 1
    assert ("2013-05", "refuse", f"v3: {refused.tags['gate_reason']}") in listener.said


def test_nothing_goes_into_production_without_all_verdicts_and_an_approval(lived):
    client, year, _ = lived

    promoted = [entry for entry in read_year(client, year).decisions if entry.action == "promote"]

    assert client.models[MODEL].process() == PROCESS
    assert [entry.subject for entry in promoted] == [f"models/{MODEL}/1", f"models/{MODEL}/2"]
    for version in (1, 2):
        verdicts = client.models[MODEL].verdicts(version)
        assert {gate: v.outcome for gate, v in verdicts.items()} == dict.fromkeys(
            ["data", "model", "infra"], Outcome.PASS
        )
    for month in ("2013-02", "2013-03"):
        (approval,) = [s for s in client.pipelines.steps(f"flights/{month}") if s.step == "approve"]
        assert approval.note.startswith(f"by {client.actor}: policy of the demo")


def test_a_bad_delivery_is_refused_by_name_of_column_and_stops_the_month(lived):
    client, _, listener = lived
    bad = client.store.data.version("weather/2013-03", 1)

    (verdict,) = newest_verdicts(client.store, [bad.id]).values()
    again = client.pipelines.start(
        live_month, {**client.pipelines.run("flights/2013-03").run.params, "delivery": 1}, raises=False
    )

    said = [(word, text) for when, word, text in listener.said if when == "2013-03"]
    refused = [text.partition(":")[0] for word, text in said if word == "refused"]
    assert verdict.outcome is Outcome.FAIL
    assert {"dewp", "pressure"} <= {*refused} <= {"dewp", "pressure", "visib", "wind_speed", "wind_gust"}
    assert [word for word, _ in said if word not in {"refused", "promote"}] == [
        "injected",
        "stopped",
        "repaired",
    ]
    assert again.state is RunState.FAILED
    assert [step for step in BLOCKED if again.steps[step].state is not StepState.BLOCKED] == []


def test_only_the_repaired_delivery_gets_any_further(lived):
    client, _, _ = lived

    (join,) = [step for step in client.pipelines.steps("flights/2013-03") if step.step == "join"]

    read = client.store.links.events_of_executions([join.execution_id], are_outputs=False)
    names = {data.ref for data in client.store.data.by_artifact_ids([event.artifact_id for event in read])}
    assert names == {"data/flights/2013-03/1", "data/weather/2013-03/2"}
    assert attempts(client, "flights/2013-03")["ingest_flights"] == 1
    assert attempts(client, "flights/2013-03")["validate_weather"] == 2


def test_a_killed_month_goes_on_where_it_was_and_makes_the_same_as_one_that_was_not(lived, killed):
    whole, _, _ = lived
    client, _, listener = killed

    made = {data.name: client.store.data.version(data.name).digest for data in client.store.data.all()}

    ref = f"flights/{KILLED_MONTH}"
    assert [word for when, word, _ in listener.said if when == str(KILLED_MONTH)][:2] == ["killed", "resumed"]
    assert client.pipelines.run(ref).resumes == 1
    assert {attempts(client, ref)[step] for step in ("ingest_flights", "validate_weather", "cut")} == {1}
    # Trained on later months, the others have newer versions.
    same = {*made} - {"flights/train", "flights/holdout"}
    assert {name: made[name] for name in same} == {
        name: whole.store.data.version(name).digest for name in same
    }
    assert [v.digest for v in client.models[MODEL].versions()] == [
        whole.models[MODEL][number].digest for number in (1, 2)
    ]


def test_in_memory_no_process_is_killed(lived):
    client, _, listener = lived

    assert [word for _, word, _ in listener.said if word == "killed"] == []
    assert [word for when, word, _ in listener.said if when == str(KILLED_MONTH)][:1] == ["spared"]
    assert client.pipelines.run(f"flights/{KILLED_MONTH}").resumes == 0


def test_the_lineage_of_production_ends_at_the_deliveries(lived):
    client, _, _ = lived

    graph = client.lineage(f"models/{MODEL}@production").upstream().graph

    ingested = {
        event.artifact_id for event in graph.events if not event.type.is_input and _has_no_input(graph, event)
    }
    ends = client.store.data.by_artifact_ids([a.id for a in graph.artifacts if a.id in ingested])
    assert sorted(data.ref for data in ends) == [
        "data/flights/2013-01/1",
        "data/flights/2013-02/1",
        "data/weather/2013-01/1",
        "data/weather/2013-02/1",
    ]


def _has_no_input(graph, made):
    return not [e for e in graph.events if e.type.is_input and e.execution_id == made.execution_id]


def test_what_judged_a_version_is_no_part_of_what_made_it(lived):
    client, _, _ = lived

    made_from = client.lineage(f"models/{MODEL}@production").upstream().lines()
    came_of_it = client.lineage("data/flights/holdout/1").downstream().lines()

    assert not [line for line in made_from if "data/flights/holdout/" in line]
    assert any("(evaluate" in line for line in came_of_it)
    assert not any(f"models/{MODEL}" in line for line in came_of_it)


def test_the_year_has_a_point_a_month_and_one_a_day(lived):
    client, year, _ = lived

    run = client.get_run(year)

    monthly = client.store.series.read(run.id, "auc")
    daily = client.store.series.read(run.id, "auc_daily")
    assert list(monthly.steps) == [3, 4]
    assert list(daily.steps) == list(range(31 + 28 + 1, 31 + 28 + 31 + 30 + 1))


def test_as_many_parts_are_told_as_were_announced(lived):
    _, _, listener = lived

    months = scored_months(2)
    assert listener.begun == ["schemas", *map(str, needed_months(months))]
    assert len(listener.begun) == part_count(months)


def test_another_year_makes_nothing_again_and_decides_anew(killed, odd_march):
    client, year, _ = killed
    first = read_year(client, year)
    data = {d.name: d.version_count for d in client.store.data.all()}
    listener = Listener()

    again = read_year(client, live_through(client, odd_march, months=1, listener=listener))

    assert {d.name: d.version_count for d in client.store.data.all()} == data
    assert len(client.models[MODEL].versions()) == 2
    assert listener.said[0][2].startswith("2 versions are there already")
    assert [(row.month, row.challenger, row.auc) for row in again.rows] == [
        (row.month, row.challenger, row.auc) for row in first.rows
    ]
    march = again.worked.runs[-1]
    reused = {s.step for s in client.pipelines.steps(march) if s.state is StepState.REUSED}
    assert march.startswith("pipelines/flights/2013-03.")
    assert {"join", "features", "cut", "train", "evaluate", "gate"} <= reused


def test_a_year_cut_short_is_marked_and_the_next_one_is_whole(killed, odd_march):
    client, _, _ = killed
    with pytest.raises(KeyboardInterrupt):
        live_through(client, odd_march, months=1, listener=Listener(stop_at=("2013-02", "promote")))
    cut = client.search_runs("experiment = 'flights/year'", order_by="id desc")[0]

    report = read_year(client, live_through(client, odd_march, months=1))

    assert cut.status is RunStatus.KILLED
    assert [row.month for row in report.rows] == ["2013-03"]
    assert len(client.models[MODEL].versions()) == 2
