"""The year on made-up flights: what does not happen in every real one, and what has to happen in all."""

import pytest

from headwater.demo.gate import MARGIN
from headwater.demo.months import scored_months
from headwater.demo.report import read_year
from headwater.demo.steps import MODEL
from headwater.demo.story import Story, step_count
from headwater.model.runs import RunStatus
from headwater.sdk.client import Client
from tests.demo.made_up import by_carrier, by_hour, sources


class Listener:
    """Remembers what it is told; stops the year at a word, as Ctrl-C would."""

    def __init__(self, stop_at=None):
        self.said, self.done, self.stop_at = [], [], stop_at

    def doing(self, what):
        self.done.append(what)
        if what == self.stop_at:
            raise KeyboardInterrupt

    def say(self, text):
        self.said.append(text)


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


@pytest.fixture
def client():
    with Client("memory://") as opened:
        yield opened


def live_through(client, year, months=2, listener=None):
    return Story(client, year, listener or Listener()).live_through(scored_months(months))


def test_a_promotion_that_was_a_mistake_is_rolled_back_with_its_numbers(lived):
    client, year, _ = lived

    report = read_year(client, year)

    april = report.rows[-1]
    (rollback,) = report.rollbacks
    assert april.decision == "promote"
    assert april.auc_before > april.auc_challenger
    assert rollback.subject == f"models/{MODEL}/{april.before}"
    assert rollback.reason == (
        f"in 2013-04 v3 had AUC {april.auc_challenger:.3f}; v1, which it replaced, "
        f"would have had {april.auc_before:.3f}"
    )
    assert client.models[MODEL]["production"].version == 1


def test_the_same_training_data_are_found_and_said(lived):
    client, _, _ = lived

    refused = client.models[MODEL][2]

    assert (
        client.lineage("models/late-flights/1").upstream(2).graph.artifacts[1:]
        == (client.lineage("models/late-flights/2").upstream(2).graph.artifacts[1:])
    )
    assert refused.tags["gate"] == "keep"
    assert str(refused.tags["gate_reason"]).endswith("trained on the same data, data/flights/train/1")
    assert refused.stage == "none"


def test_every_month_has_one_decision_that_follows_from_stored_numbers(lived):
    client, year, _ = lived

    report = read_year(client, year)

    assert [row.month for row in report.rows] == ["2013-03", "2013-04"]
    for row in report.rows:
        assert row.decision == ("promote" if row.gain > MARGIN else "keep")
        assert client.models[MODEL][row.challenger].tags["gate"] == row.decision


def test_the_lineage_of_production_ends_at_the_sources(lived):
    client, _, _ = lived

    graph = client.lineage(f"models/{MODEL}@production").upstream().graph

    made = {event.artifact_id for event in graph.events if not event.type.is_input}
    ends = client.store.data.by_artifact_ids([a.id for a in graph.artifacts if a.id not in made])
    assert sorted(data.ref for data in ends) == [
        "data/flights/2013-01/1",
        "data/flights/2013-02/1",
        "data/weather/1",
    ]


def test_what_judged_a_version_is_no_part_of_what_made_it(lived):
    client, _, _ = lived

    made_from = client.lineage(f"models/{MODEL}@production").upstream().lines()
    came_of_it = client.lineage("data/flights/holdout/1").downstream().lines()

    assert not [line for line in made_from if "data/flights/holdout/" in line]
    assert any("flights/evaluate" in line for line in came_of_it)
    assert not any(f"models/{MODEL}" in line for line in came_of_it)


def test_the_year_has_a_point_a_month_and_one_a_day(lived):
    client, year, _ = lived

    run = client.get_run(year)

    monthly = client.store.series.read(run.id, "auc")
    daily = client.store.series.read(run.id, "auc_daily")
    assert list(monthly.steps) == [3, 4]
    assert list(daily.steps) == list(range(31 + 28 + 1, 31 + 28 + 31 + 30 + 1))


def test_as_many_steps_are_told_as_were_announced(lived):
    _, _, listener = lived

    assert len(listener.done) == step_count(scored_months(2))


def test_a_second_year_goes_on_with_new_versions_of_the_model_and_none_of_the_data(client, odd_march):
    first = read_year(client, live_through(client, odd_march, months=1))
    data = {d.name: d.version_count for d in client.store.data.all()}
    listener = Listener()

    second = read_year(client, live_through(client, odd_march, months=1, listener=listener))

    assert {d.name: d.version_count for d in client.store.data.all()} == data
    assert listener.said[0].startswith("2 versions are there already")
    assert [row.challenger for row in second.rows] == [4]
    assert [(row.auc, row.gain) for row in second.rows] == [(row.auc, row.gain) for row in first.rows]
    assert len(second.tree) == len(first.tree)


@pytest.mark.parametrize("moment", ["2013-02: flights come in", "2013-03: scoring"])
def test_a_year_cut_short_is_marked_and_the_next_one_is_whole(client, odd_march, moment):
    with pytest.raises(KeyboardInterrupt):
        live_through(client, odd_march, months=1, listener=Listener(stop_at=moment))
    (cut,) = client.search_runs("experiment = 'flights/year'")

    report = read_year(client, live_through(client, odd_march, months=1))

    assert cut.status is RunStatus.KILLED
    assert [row.month for row in report.rows] == ["2013-03"]
    assert {data.version_count for data in client.store.data.all()} == {1}
