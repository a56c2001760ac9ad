"""`headwater data validate|stats|schema|vouch` and `compare --distances`."""

import json
import re

import pytest

GOOD = [{"carrier": c, "delay": float(i)} for i in range(100) for c in ("UA", "AA")]
LATE = [{"carrier": c, "delay": i + 60.0} for i in range(100) for c in ("UA", "AA")]


@pytest.fixture
def flights(fill, project):
    """Two versions of a data set, the second one shifted, and a model made from the first."""

    def work(client):
        client.dataset("flights", GOOD)
        client.dataset("flights", LATE)
        with client.run("train", capture=False) as run:
            run.use("data/flights/1")
            run.log_model("m", {"a": 1})

    fill(work)
    return project


@pytest.fixture
def schema(cli, flights):
    cli("data", "schema", "infer", "data/flights/1", "--output", "flights.yaml")
    return "flights.yaml"


def test_a_schema_is_written_once(cli, flights, schema):
    shown = cli("data", "schema", "infer", "data/flights/1").stdout

    assert shown == (flights / schema).read_text()
    refused = cli("data", "schema", "infer", "data/flights/1", "-o", schema, code=2)
    assert "exists" in refused.output


def test_two_schemas_are_compared(cli, flights, schema):
    wider = (flights / schema).read_text().replace("- UA\n", "- UA\n    - ZZ\n")
    (flights / "wider.yaml").write_text(wider)

    assert cli.lines("data", "schema", "diff", schema, "wider.yaml") == ["~ carrier.domain: +ZZ"]
    assert cli.lines("data", "schema", "diff", schema, schema) == ["They say the same."]
    assert cli.json("data", "schema", "diff", schema, "wider.yaml") == ["~ carrier.domain: +ZZ"]


def test_good_data_pass(cli, schema):
    lines = cli.lines("data", "validate", "data/flights/1", "--schema", schema)

    assert lines[:2] == ["data/flights/1: pass", "  there is no version before to compare with"]
    assert re.fullmatch(r"Recorded as artifacts/\d+\.", lines[2])


def test_bad_data_exit_with_5_and_say_why(cli, flights, schema):
    cli("data", "validate", "data/flights/1", "--schema", schema)

    done = cli("data", "validate", "data/flights/2", "--schema", schema, "--html", "page.html", code=5)

    # Compared with the version before by itself, for that one passed.
    assert "drift_jensen_shannon" in done.stdout
    assert "data/flights/2 did not pass: delay: Jensen-Shannon distance" in done.stderr
    page = (flights / "page.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "data/flights/2" in page
    assert not re.search(r"(?:src|href)=|https?:|<script|@import|url\(", page)


def test_a_verdict_is_one_line_of_json(cli, schema):
    found = cli.json("data", "validate", "data/flights/1", "--schema", schema)

    assert (found["outcome"], found["rows"], found["anomalies"]) == ("pass", 200, [])
    shown = cli.json("lineage", "show", found["verdict"])
    assert any("data/flights/1" in label for label in shown["labels"])


def test_files_are_judged_too_and_not_recorded(cli, flights, schema):
    (flights / "new.csv").write_text("carrier,delay\nZZ,1.0\n")

    done = cli("data", "validate", "new.csv", "--schema", schema, code=5)

    assert "ZZ" in done.stdout
    assert "Recorded" not in done.stdout


def test_what_cannot_be_told_is_no_pass_unless_that_is_allowed(cli, flights, schema):
    (flights / "few.csv").write_text("carrier,delay\nUA,1.0\n")
    words = ("data", "validate", "few.csv", "--schema", schema, "--previous", "data/flights/1")

    assert "cannot be judged" in cli(*words, code=5).stderr
    cli(*words, "--allow-insufficient")


def test_columns_are_measured(cli, flights):
    lines = cli.lines("data", "stats", "data/flights/1", "--by", "carrier")
    measured = cli.json("data", "stats", "data/flights/1")

    assert lines[0] == "200 rows"
    assert any(line.startswith("carrier=UA  delay") for line in lines)
    assert [c["name"] for c in measured["columns"]] == ["carrier", "delay"]


def test_a_page_of_statistics_escapes_what_stands_in_the_data(cli, fill, flights):
    fill(lambda client: client.dataset("odd", [{"<b>x": "<script>alert(1)</script>"}] * 30))

    cli("data", "stats", "data/odd/1", "--html", "odd.html")

    page = (flights / "odd.html").read_text()
    assert "<script" not in page
    assert "&lt;b&gt;x" in page


def test_distances_of_two_versions_are_told(cli, flights):
    found = cli.json("data", "compare", "flights", "1", "2", "--distances")

    assert {row["column"]: row["beyond"] for row in found} == {"carrier": False, "delay": True}


def test_a_model_is_vouched_for(cli, schema):
    before = cli.json("data", "vouch", "m", "1")
    cli("data", "validate", "data/flights/1", "--schema", schema)

    assert before["outcome"] == "insufficient"
    assert cli.lines("data", "vouch", "m", "1") == ["pass: all 1 data versions behind it passed"]


def test_a_fault_in_a_schema_is_told_with_its_line(cli, flights):
    (flights / "bad.yaml").write_text("format: headwater.schema/1\nlevel: high\n")

    done = cli("data", "validate", "data/flights/1", "--schema", "bad.yaml", code=2)

    assert "bad.yaml, line 2, column 8: level: must be a number" in done.stderr


def test_statistics_are_json_that_can_be_read_again(cli, flights):
    from headwater import Statistics

    text = cli("data", "stats", "data/flights/1", "--json").stdout

    assert Statistics.from_json(text.encode()).row_count == json.loads(text)["row_count"] == 200
