"""Lineage through `hw.lineage`: walks, paths, and how an answer prints."""

import json
import re

import pytest

import headwater as hw
from headwater.errors import InvalidError, NotFoundError


@pytest.fixture(autouse=True)
def trained(connected):
    """Raw data, cleaned; a model trained on both; its predictions. Returns the run that trained."""
    with hw.run("prepare", capture=False) as prepare:
        raw = prepare.use(hw.dataset("raw", [{"late": 1}, {"late": None}]))
        clean = prepare.log_dataset(hw.dataset("clean", [{"late": 1}]))
    with hw.run("train", name="first", params={"lr": 0.1}, capture=False) as train:
        train.use(raw)
        train.use(clean)
        train.log_model("late", {"weights": 1}, metrics={"auc": 0.71})
    with hw.run("score", capture=False) as score:
        score.use("models/late/1")
        score.log_dataset(hw.dataset("scores", [{"p": 0.9}]))
    return train


def tree(answer):
    """Lines without the ids of runs, which differ each time."""
    return [re.sub(r"runs/[0-9a-f]{8} ", "", line) for line in str(answer).splitlines()]


def test_upstream_is_what_it_was_made_from():
    assert tree(hw.lineage("models/late/1").upstream()) == [
        "models/late/1 (auc=0.71)",
        "└─ train (first, finished, lr=0.1)",
        "   ├─ data/raw/1 (2 rows)",
        "   └─ data/clean/1 (1 rows)",
        "      └─ prepare (finished)",
        "         └─ data/raw/1 (2 rows)",
    ]


def test_downstream_is_what_came_of_it():
    assert tree(hw.lineage("data/clean/1").downstream()) == [
        "data/clean/1 (1 rows)",
        "└─ train (first, finished, lr=0.1)",
        "   └─ models/late/1 (auc=0.71)",
        "      └─ score (finished)",
        "         └─ data/scores/1 (1 rows)",
    ]


@pytest.mark.parametrize(("hops", "lines"), [(0, 1), (1, 2), (2, 4)])
def test_a_walk_goes_no_further_than_asked(hops, lines):
    assert len(hw.lineage("models/late/1").upstream(hops).lines()) == lines


def test_connected_is_both_ways_at_every_step():
    found = hw.lineage("data/scores/1").connected().graph

    assert (len(found.artifacts), len(found.executions)) == (4, 3)


def test_a_path_is_a_shortest_one():
    found = hw.lineage("data/scores/1").path("data/raw/1")

    assert found is not None
    assert len(found.graph.events) == 4
    assert hw.lineage("data/clean/1").path("models/late/1").graph.artifacts[-1].type_name == "headwater.Model"


def test_a_path_counts_the_others():
    found = hw.lineage("models/late/1").path("data/raw/1")

    # Over the training run alone, and over the one that prepared the data.
    assert (found.shortest_count, found.count) == (1, 2)
    assert found.json()["count"] == 2
    assert found.sentence() == "2 hops, the shortest path; 2 in all."
    assert hw.lineage("data/raw/1").path("models/late/1").count == 2
    assert hw.lineage("data/raw/1").path("data/raw/1").count == 1


def test_impact_is_what_came_from_it_with_production_first(connected):
    with hw.run("train", capture=False) as run:
        run.use("data/raw/1")
        run.log_model("late", {"weights": 2})
    connected.models["late"].promote(2, reason="better")

    found = hw.lineage("data/raw/1").impact()

    kinds = [each.ref for each in found.affected if each.kind != "run"]
    assert kinds == ["models/late/2", "models/late/1", "data/clean/1", "data/scores/1"]
    assert str(found) == (
        "data/raw/1 led to 2 versions, one in production: models/late/2; 4 runs; 2 data versions."
    )
    assert [each.hops for each in found.affected] == [2, 2, 1, 1, 1, 3, 2, 4]


def test_nothing_came_from_what_is_at_the_end():
    assert str(hw.lineage("data/scores/1").impact()) == "Nothing that is recorded came from data/scores/1."


def test_things_that_have_nothing_to_do_with_each_other_have_no_path():
    other = hw.dataset("other", [{"a": 1}])

    assert hw.lineage("models/late/1").path(other.ref) is None


def test_a_run_has_lineage_by_id_and_prefix(trained):
    upstream = hw.lineage(trained.ref).upstream()

    assert tree(upstream)[0] == "train (first, finished, lr=0.1)"
    assert str(hw.lineage(f"runs/{trained.run_id[:8]}").upstream()) == str(upstream)


@pytest.mark.parametrize("kind", ["artifacts", "executions"])
def test_nodes_have_lineage_by_number(kind):
    assert hw.lineage(f"{kind}/1").downstream(1).lines()


def test_json_is_whole_and_plain():
    answer = hw.lineage("models/late/1").upstream()

    found = json.loads(json.dumps(answer.json()))

    assert len(found["nodes"]) == len(found["labels"]) == 5
    assert found["labels"][0] == "models/late/1 (auc=0.71)"


def test_pictures_name_versions_and_runs():
    answer = hw.lineage("models/late/1").upstream()

    assert answer.mermaid().startswith("flowchart")
    assert answer.dot().startswith("digraph")
    for text in (answer.mermaid(), answer.dot()):
        assert "models/late/1" in text
        assert "data/raw/1" in text


def test_a_notebook_shows_the_tree():
    answer = hw.lineage("models/late/1").upstream()

    bundle = answer._repr_mimebundle_()

    assert bundle["text/plain"] == str(answer)
    assert bundle["text/html"].startswith('<div class="headwater"><ul><li>models/late/1 (auc=0.71)<ul>')


def test_the_commit_of_a_run_is_in_the_tree(connected, trained):
    from headwater.model.graph import ExecutionChange

    connected.store.executions.update([ExecutionChange(id=trained.id, properties={"git_commit": "a" * 40})])

    assert "(first, finished, lr=0.1, commit aaaaaaaaaa)" in hw.lineage("models/late/1").upstream().lines()[1]


@pytest.mark.parametrize(
    "ref",
    ["models/late/9", "models/nothing", "data/raw/7", "data/nothing", "runs/ffff", "models/late@champion"],
)
def test_what_is_not_there_is_not_found(ref):
    with pytest.raises(NotFoundError):
        hw.lineage(ref)


@pytest.mark.parametrize("number", [999_999_999, 10**17])
def test_a_number_that_no_node_has_is_not_found(number):
    with pytest.raises(NotFoundError):
        hw.lineage(f"artifacts/{number}").upstream()


@pytest.mark.parametrize("ref", ["late", "", "contexts/1", "pipelines/flights", "runs/xyz"])
def test_what_has_no_lineage_is_refused(ref):
    with pytest.raises(InvalidError):
        hw.lineage(ref)
