"""`headwater lineage`, `runs compare` and `data compare`."""

import pytest


def test_diff_says_a_sentence_and_shows_a_table(cli, trained):
    lines = cli.lines("lineage", "diff", "models/late-flights/1", "models/late-flights/2")

    differs = "models/late-flights/2 differs from models/late-flights/1: with lr 0.01 instead of 0.1"
    assert lines[0].startswith(differs)
    assert lines[1] == ""
    assert lines[2].split() == ["section", "what", "before", "after", "note"]
    assert ["metrics", "auc", "0.71", "0.72", "+0.01"] in [line.split() for line in lines]


def test_diff_of_a_thing_with_itself_is_one_line(cli, trained):
    version = "models/late-flights/1"

    found = cli.json("lineage", "diff", version, version)

    assert found["different"] == []
    assert cli.lines("lineage", "diff", version, version)[0].startswith("Nothing that is recorded of")


def test_diff_as_json_has_every_section(cli, trained):
    found = cli.json("lineage", "diff", "models/late-flights/1", "models/late-flights/2")

    assert found["different"] == ["params", "metrics"]
    assert found["params"] == [{"name": "lr", "before": 0.1, "after": 0.01}]
    assert found["metrics"][0]["difference"] == pytest.approx(0.01)


def test_runs_are_compared_with_the_first_one(cli, trained):
    one, two = trained

    lines = cli.lines("runs", "compare", one[:8], two[:8], one)
    found = cli.json("runs", "compare", one[:8], two[:8], one)

    assert [each["different"] for each in found] == [["params", "metrics"], []]
    assert lines[0].startswith(f"runs/{two} differs from runs/{one}: with lr 0.01 instead of 0.1")


def test_one_run_cannot_be_compared(cli, trained):
    assert "two runs are needed" in cli("runs", "compare", trained[0], code=2).stderr


def test_data_versions_are_compared_with_their_rows(cli, fill):
    fill(lambda client: [client.dataset("flights", [{"late": n}, {"late": 0}]) for n in (1, 2)])

    (found,) = cli.json("data", "compare", "flights", "1", "2")["data"]

    assert found["rows"] == {"added": 1, "removed": 1}
    assert cli.json("data", "compare", "data/flights", "1", "2", "--no-rows")["data"][0]["rows"] is None


@pytest.mark.parametrize(
    "words", [("lineage", "diff", "models/x/1", "models/x/2"), ("data", "compare", "x", "1", "2")]
)
def test_what_is_not_there_is_not_found(cli, words):
    cli(*words, code=3)


def test_missing_says_how_much_is_known_and_what_would_have_recorded_the_rest(cli, trained):
    found = cli.json("lineage", "missing", "models/late-flights/1")
    lines = cli.lines("lineage", "missing", "models/late-flights/1")

    shares = {check["name"]: check["share"] for check in found["checks"]}
    assert shares == {
        "data version": 1,
        "input bytes": 1,
        "code commit": 0,
        "hyperparameters": 1,
        "environment": 0,
        "metrics": 1,
        "seed": 0,
        "evaluation data": 0,
    }
    assert found["score"] == 0.5
    assert lines[0].startswith("50% of the record of models/late-flights/1 is known; missing: code commit, ")
    assert any("capture=False" in line for line in lines)


def test_impact_shows_production_first(cli, trained):
    lines = cli.lines("lineage", "impact", "data/flights/2013-01/1")
    found = cli.json("lineage", "impact", "data/flights/2013-01/1")

    assert lines[0] == (
        "data/flights/2013-01/1 led to 2 versions, one in production: models/late-flights/2; 2 runs."
    )
    assert lines[3].split()[:4] == ["models/late-flights/2", "model", "late-flights", "production"]
    assert found["counts"] == {"model": 2, "run": 2, "data": 0, "artifact": 0}


def test_a_path_is_shown_with_the_number_of_others(cli, trained):
    words = ("lineage", "path", "data/flights/2013-01/1", "models/late-flights/2")

    assert cli.lines(*words)[-1] == "2 hops, the shortest path; 1 in all."
    assert cli.json(*words)["count"] == 1
    assert cli.lines(*words, "--format", "mermaid")[0] == "flowchart LR"
    assert (
        "no path" in cli("lineage", "path", "models/late-flights/1", "models/late-flights/2", code=3).stderr
    )


def test_a_card_explains_a_version(cli, trained):
    text = cli("models", "card", "models/late-flights/2").stdout
    found = cli.json("models", "card", "models/late-flights/2")

    assert text.startswith("# late-flights, version 2\n\nmodels/late-flights/2 is in production since")
    assert found["markdown"] == text
    assert found["sentence"] in text


def test_what_made_a_version_is_laid_out_as_far_as_it_is_known(cli, trained, tmp_path):
    done = cli("lineage", "unpack", "models/late-flights/2", str(tmp_path / "kit"), code=6)

    assert done.stdout == (tmp_path / "kit" / "REBUILD.md").read_text()
    assert "- the commit of its code was not captured" in done.stdout
    again = cli("lineage", "unpack", "models/late-flights/2", str(tmp_path / "kit"), code=4)
    assert "name a new or an empty folder" in again.stderr
