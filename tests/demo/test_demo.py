"""`headwater demo` on the real year."""

import json
import re
import shlex

import pytest

from headwater.demo.months import Month
from headwater.demo.report import read_year
from headwater.demo.sources import flight_anomalies, flights_of
from headwater.demo.steps import MODEL
from headwater.model.runs import RunStatus
from headwater.model.verdicts import Outcome
from headwater.sdk.client import Client
from headwater.validation.data import newest_verdicts

F1 = {
    "2013-03": (0.228, 0.676),
    "2013-04": (0.279, 0.670),
    "2013-05": (0.220, 0.728),
    "2013-06": (0.308, 0.714),
    "2013-07": (0.315, 0.711),
    "2013-08": (0.238, 0.704),
    "2013-09": (0.132, 0.695),
    "2013-10": (0.168, 0.608),
    "2013-11": (0.174, 0.649),
    "2013-12": (0.326, 0.652),
}
"""Late share and AUC of each month's challenger, as measured on the same recipe before there was a demo."""


@pytest.fixture(scope="module")
def client(demo):
    with Client(demo.url) as opened:
        yield opened


@pytest.fixture(scope="module")
def report(client):
    (year,) = client.search_runs("experiment = 'flights/year'")
    return read_year(client, year.run_id)


class TestWholeYear:
    def test_it_succeeds(self, demo, report):
        assert demo.output.rstrip().endswith(f"all kept in {demo.url}")
        assert report.run.status is RunStatus.FINISHED

    def test_the_numbers_are_those_that_were_measured_before(self, report):
        found = {row.month: (row.late_share, row.auc_challenger) for row in report.rows}

        assert list(found) == list(F1)
        for month, (late, auc) in F1.items():
            assert found[month] == (pytest.approx(late, abs=0.0006), pytest.approx(auc, abs=0.02))

    def test_only_what_passes_the_gate_is_promoted(self, client, report):
        model = client.models[MODEL]

        outcomes = {row.month: model.verdicts(row.challenger)["model"].outcome for row in report.rows}

        assert {row.decision for row in report.rows} == {"start", "promote", "refuse"}
        assert [month for month, outcome in outcomes.items() if outcome is Outcome.PASS] == [
            row.month for row in report.rows if row.decision != "refuse"
        ]
        assert all(row.gain > 0 for row in report.rows if row.decision == "promote")

    def test_challengers_in_autumn_are_refused(self, report):
        assert {row.month for row in report.rows if row.decision == "refuse"} >= {
            "2013-09",
            "2013-10",
            "2013-11",
        }

    def test_exactly_the_promotions_that_were_mistakes_are_rolled_back(self, report):
        mistakes = [r for r in report.rows if r.decision == "promote" and r.auc_before > r.auc_challenger]

        assert len(mistakes) >= 1
        assert [(e.subject, e.reason[:10]) for e in report.rollbacks] == [
            (f"models/{MODEL}/{row.before}", f"in {row.month}") for row in mistakes
        ]

    def test_one_version_is_in_production_and_refused_ones_say_why(self, client):
        versions = client.models[MODEL].versions()

        assert [v.version for v in versions] == list(range(1, 11))
        assert [v.stage for v in versions].count("production") == 1
        refused = [v for v in versions if v.tags["gate"] == "refuse"]
        assert refused
        for version in refused:
            assert version.stage == "none"
            assert "AUC 0." in str(version.tags["gate_reason"])
            assert "not better" in str(version.tags["gate_reason"])
        may = str(client.models[MODEL][3].tags["gate_reason"])
        assert re.search(r"LGA -0\.\d+ \[-0\.\d+, -0\.\d+\], more than 0\.03 worse", may)

    def test_anomalies_of_every_month_are_stored(self, client):
        stored = {n: client.store.data.version(f"flights/{Month(n)}") for n in range(1, 13)}

        for number, version in stored.items():
            flights = flights_of(Month(number))
            assert version.version == 1
            assert version.properties["row_count"] == len(flights)
            assert version.properties["anomalies"] == flight_anomalies(flights)

    def test_it_prints_the_months_the_rollback_and_the_lineage(self, demo, report):
        lines = demo.output.splitlines()

        for row in report.rows:
            (line,) = [line for line in lines if re.match(rf"{row.month} +[\d.]+% ", line)]
            assert f"v{row.production} {row.auc:.3f}" in line
        assert report.rollbacks[0].reason in demo.output
        assert "\n".join(report.tree) in demo.output
        assert "9,430 flights have no arrival delay, 1,340 of them in data/flights/2013-02/1" in demo.output
        assert "stands in for a forecast" in demo.output

    def test_it_tells_of_the_kill_and_the_bad_month_and_what_was_kept(self, demo):
        killed, resumed = re.findall(r"2013-02  (killed|resumed) +(.+)", demo.output)
        words = [word for word, _ in re.findall(r"2013-03  (\w+) +(.+)", demo.output)]

        assert killed[1].startswith("kill -9 of the process that ran this month")
        assert "kept: ingest_flights, ingest_weather, validate_flights" in resumed[1]
        assert "made to come in with five of its columns rotated" in demo.output
        assert [w for w in dict.fromkeys(words) if w != "promote"] == [
            "injected",
            "refused",
            "stopped",
            "repaired",
        ]
        assert re.search(r"refused +pressure: Jensen-Shannon distance", demo.output)

    def test_every_delivery_was_judged_and_only_the_injected_one_refused(self, client):
        names = [f"{kind}/{Month(number)}" for kind in ("flights", "weather") for number in range(1, 13)]
        versions = {v.id: v.ref for name in names for v in client.store.data.versions(name)}

        verdicts = newest_verdicts(client.store, list(versions))

        assert verdicts.keys() == versions.keys()
        refused = [versions[i] for i, verdict in verdicts.items() if verdict.outcome is not Outcome.PASS]
        assert refused == ["data/weather/2013-03/1"]

    def test_the_pipeline_tells_why_the_killed_step_ran_again(self, client, report):
        steps = {step.step: step for step in client.pipelines.steps("flights/2013-02")}
        again = [name for name, step in steps.items() if step.attempts > 1]

        assert client.pipelines.run("flights/2013-02").resumes == 1
        assert len(report.worked.runs) == 12
        # Which step the kill hits is a matter of time; whichever it was, it is the only one.
        assert len(again) <= 1
        for name in again:
            sentence = client.pipelines.why("flights/2013-02", name).sentence
            assert sentence.endswith("pipelines/flights/2013-02 failed or was interrupted")

    def test_it_ends_with_what_changed_since_the_first_version(self, demo, report):
        (train,) = [change for change in report.difference.data if change.name == "flights/train"]

        assert (report.first, report.last) == (f"models/{MODEL}/1", f"models/{MODEL}/10")
        assert (train.rows.added, train.rows.removed) == (train.after.row_count, train.before.row_count)
        assert f"{train.rows.added:,} rows added, {train.rows.removed:,} removed" in demo.output
        assert {"data", "metrics", "steps"} <= {*report.difference.different}
        assert {"code", "packages", "signature"} <= {*report.difference.same, *_unknown(report)}

    def test_it_ends_with_what_the_record_lacks(self, demo, report):
        assert str(report.missing) in demo.output
        # Where the tests run from no checkout, the commit is all that can be lacking.
        assert {check.name for check in report.missing.checks if check.findings} <= {"code commit"}

    def test_it_ends_with_the_ledger_and_with_what_was_in_production_in_summer(self, demo, report):
        (july,) = [row for row in report.rows if row.month == "2013-07"]

        assert (report.summer.month, report.summer.version) == ("2013-07", july.production)
        assert f"when 2013-07 was scored: models/{MODEL}/{july.production}" in demo.output
        assert report.ledger.is_intact
        assert f"{report.ledger.count} decisions, all as they were written" in demo.output

    def test_the_commands_to_try_next_work(self, demo):
        block = demo.output.partition("Try next")[2].splitlines()[1:11]
        commands = [shlex.split(line.partition(f"--store {demo.url} ")[2]) for line in block]

        done = [demo.run(*words) for words in commands]
        as_json = [demo.run(*words, "--json") for words in commands]

        assert [each.exit_code for each in done + as_json] == [0] * 20
        assert all(json.loads(each.output) for each in as_json)

    def test_a_second_demo_says_that_it_goes_on_and_adds_no_data(self, demo, tmp_path, client):
        again = demo.copy(tmp_path / "again")
        before = {data.name: data.version_count for data in client.store.data.all()}

        done = again.run("demo", "--months", "1")

        assert done.exit_code == 0
        assert "10 versions are there already" in done.output
        with Client(again.url) as opened:
            assert {data.name: data.version_count for data in opened.store.data.all()} == before
            assert [v.version for v in opened.models[MODEL].versions()] == list(range(1, 11))
            assert opened.models[MODEL]["production"].version == 2


def _unknown(report):
    return {each.section for each in report.difference.unknown}
