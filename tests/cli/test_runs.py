"""`headwater runs`."""

import pytest

from headwater.model.runs import NewRun
from headwater.store.sql.store import SqlStore, now_ms

AGO_MS = 10 * 60 * 1000


def test_of_an_empty_store_no_runs_are_listed(cli):
    assert cli.lines("runs", "list") == ["No runs match. `headwater demo` makes some to look at."]
    assert cli.json("runs", "list") == []


def test_runs_are_listed_newest_first(cli, trained):
    assert [run["ref"] for run in cli.json("runs", "list")] == [f"runs/{i}" for i in reversed(trained)]
    assert [run["name"] for run in cli.json("runs", "list", "--limit", "1")] == ["fold 2"]


def test_json_holds_what_the_store_holds(cli, trained):
    run = cli.json("runs", "list")[0]

    shown = ("run", "name", "experiment", "status", "error", "metrics", "params", "tags", "captured")
    assert {key: run[key] for key in shown} == {
        "run": trained[1][:8],
        "name": "fold 2",
        "experiment": "flights/train",
        "status": "finished",
        "error": None,
        "metrics": {"auc": 0.72, "loss": 0.2},
        "params": {"lr": 0.01, "depth": 3},
        "tags": {},
        "captured": {},
    }


def test_the_table_has_a_line_for_each_run(cli, trained):
    head, *rows = cli.lines("runs", "list")

    assert head.split() == ["run", "name", "experiment", "status", "start", "seconds", "metrics", "params"]
    assert [row.split()[0] for row in rows] == [i[:8] for i in reversed(trained)]
    assert "auc=0.72, loss=0.2" in rows[0]
    assert "lr=0.01, depth=3" in rows[0]


@pytest.mark.parametrize(
    "name", ["a/b/c", "späť – 航班", "it's", 'say "hi"', "back\\slash", "100% done", "a;b", "[bold]x[/]"]
)
def test_an_experiment_may_have_any_name(cli, fill, name):
    def log(client):
        with client.run(name, name=name, params={name: name}, capture=False):
            pass
        with client.run("another", capture=False):
            pass

    fill(log)

    (run,) = cli.json("runs", "list", "--experiment", name)
    assert (run["experiment"], run["name"], run["params"]) == (name, name, {name: name})
    assert name in cli("runs", "list", "--experiment", name).stdout


def test_a_silent_run_is_listed_as_lost(cli):
    with SqlStore(cli.url, clock_ms=lambda: now_ms() - AGO_MS) as store:
        store.runs.start(NewRun(run_id="ab" * 16, experiment="flights/train"))

    assert [run["status"] for run in cli.json("runs", "list")] == ["lost"]
    assert cli.json("runs", "show", "abab")["status"] == "lost"


def test_search_takes_a_filter_and_an_order(cli, trained):
    found = cli.json("runs", "search", "metrics.auc > 0.5", "--order-by", "params.lr desc")

    assert [run["name"] for run in found] == ["fold 1", "fold 2"]
    assert cli.json("runs", "search", "params.lr = 0.5") == []


@pytest.mark.parametrize("write", ["{}", "runs/{}"])
def test_a_run_is_shown_by_the_beginning_of_its_id(cli, trained, write):
    shown = cli.json("runs", "show", write.format(trained[0][:6]))

    assert shown["ref"] == f"runs/{trained[0]}"
    assert [(s["metric"], s["last"], s["min"], s["max"], s["points"]) for s in shown["series"]] == [
        ("auc", 0.71, 0.71, 0.71, 1),
        ("loss", 0.1, 0.1, 0.9, 3),
    ]


def test_a_run_is_shown_as_a_fact_a_line_and_its_metrics(cli, fill):
    def log(client):
        with client.run("flights/train", name="first", params={"lr": 0.1}) as run:
            run.log_series("loss", range(3), [0.9, 0.5, 0.1])
        return run.run_id

    run_id = fill(log)

    lines = cli.lines("runs", "show", run_id)

    assert lines[:4] == [
        f"ref         runs/{run_id}",
        "name        first",
        "experiment  flights/train",
        "status      finished",
    ]
    assert [line.split() for line in lines if line.startswith(("metric ", "loss "))] == [
        ["metric", "last", "step", "min", "max", "points"],
        ["loss", "0.1", "2", "0.1", "0.9", "3"],
    ]
    assert any(line.startswith("python version") for line in lines[lines.index("captured") :])


def test_numbers_that_json_lacks_are_texts(cli, fill):
    def log(client):
        with client.run("flights/train", params={"limit": float("-inf")}, capture=False) as run:
            run.log_metrics({"nan": float("nan"), "inf": float("inf")})

    fill(log)

    (run,) = cli.json("runs", "list")
    assert run["metrics"] == {"nan": "NaN", "inf": "Infinity"}
    assert run["params"] == {"limit": "-Infinity"}
