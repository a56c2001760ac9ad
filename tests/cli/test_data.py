"""`headwater data` and `headwater lineage`."""

import pytest


def test_of_an_empty_store_no_data_sets_are_listed(cli):
    assert cli.lines("data", "list") == ["No data sets yet."]
    assert cli.json("data", "list") == []


def test_data_sets_are_listed_with_how_many_versions_they_have(cli, trained):
    (data,) = cli.json("data", "list")

    assert (data["ref"], data["name"], data["versions"]) == ("data/flights/2013-01", "flights/2013-01", 1)
    assert cli.lines("data", "list")[1].split()[:2] == ["flights/2013-01", "1"]


@pytest.mark.parametrize("ref", ["flights/2013-01", "data/flights/2013-01"])
def test_the_versions_of_a_data_set_are_shown(cli, trained, ref):
    (version,) = cli.json("data", "show", ref)

    assert (version["ref"], version["rows"]) == ("data/flights/2013-01/1", 2)
    assert version["schema"] == [{"name": "late", "dtype": "int64"}]


def test_one_version_is_shown_in_full(cli, fill):
    fill(lambda client: client.dataset("a", [{"x": 1}], anomalies={"x": "1 missing"}))

    shown = cli.json("data", "show", "data/a/1")

    lines = cli.lines("data", "show", "data/a/1")
    assert lines[0] == "ref         data/a/1"
    assert f"digest      {shown['digest']}" in lines
    assert "anomalies   x=1 missing" in lines


def test_lineage_is_shown_as_a_tree(cli, trained):
    lines = cli.lines("lineage", "show", "models/late-flights@production")

    assert lines == [
        "models/late-flights/2 (production, auc=0.72)",
        f"└─ runs/{trained[1][:8]} flights/train (fold 2, finished, depth=3, lr=0.01)",
        "   └─ data/flights/2013-01/1 (2 rows)",
    ]


def test_lineage_goes_down_too(cli, trained):
    lines = cli.lines("lineage", "show", "data/flights/2013-01/1", "--down", "--max-hops", "1")

    assert [line.split()[1] for line in lines[1:]] == [f"runs/{run_id[:8]}" for run_id in trained]


def test_lineage_is_drawn_in_other_languages(cli, trained):
    ref = "models/late-flights/1"

    assert cli.lines("lineage", "show", ref, "--format", "mermaid")[0].startswith("flowchart")
    assert cli.lines("lineage", "show", ref, "--format", "dot")[0].startswith("digraph")
    assert cli.json("lineage", "show", ref)["labels"][0].startswith("models/late-flights/1")


def test_a_long_line_of_a_tree_is_not_cut(cli, fill):
    name = "flights/" + "very-long-" * 20 + "name"
    fill(lambda client: client.dataset(name, [{"x": 1}]))

    assert cli.lines("lineage", "show", f"data/{name}/1", columns=40) == [f"data/{name}/1 (1 rows)"]
