"""Tables: what is shown of much, in how much room."""

import pytest
from rich.cells import cell_len

from headwater.cli.cells import cell, fact, fitted
from headwater.cli.output import print_rows

METRICS = ("accuracy", "auc", "brier", "calibration_error", "log_loss", "recall")
PARAMS = {"depth": 3, "objective": "logloss", "seed": 7, "subsample": 0.8, "trees": 400}


@pytest.fixture
def dozen(fill):
    """A dozen runs with 6 metrics and 6 params each; only the learning rate differs."""

    def log(client):
        for number in range(12):
            params = PARAMS | {"learning_rate": 0.1 / (number + 1)}
            name = f"fold {number}"
            with client.run("flights/train", name=name, params=params, capture=False) as run:
                run.log_metrics(dict.fromkeys(METRICS, 0.7123456 + number / 1000))

    fill(log)


@pytest.mark.parametrize("columns", [80, 100, 120, 160, 400])
def test_a_run_is_one_line_that_fits(cli, dozen, columns):
    lines = cli.lines("runs", "list", columns=columns)

    assert len(lines) == 13
    assert max(map(cell_len, lines)) <= columns
    assert not any("…" in line for line in lines)


def test_what_does_not_fit_is_counted(cli, dozen):
    assert "accuracy=0.7233 +5" in cli.lines("runs", "list", columns=80)[1]
    assert "accuracy=0.7233, auc=0.7233 +4" in cli.lines("runs", "list", columns=160)[1]
    assert "recall=0.7233" in cli.lines("runs", "list", columns=400)[1]


def test_what_differs_between_runs_is_shown_first(cli, dozen):
    assert "  learning_rate=0.008333, " in cli.lines("runs", "list")[1]


def test_a_narrow_table_does_without_times(cli, dozen):
    assert cli.lines("runs", "list", columns=80)[0].split() == [
        *("run", "experiment", "status", "metrics", "params")
    ]


def test_columns_in_which_nothing_stands_are_left_out(cli, fill):
    def log(client):
        with client.run("flights/train", capture=False):
            pass

    fill(log)

    assert cli.lines("runs", "list")[0].split() == ["run", "experiment", "status", "start", "seconds"]


def test_a_word_that_is_too_long_is_folded(cli, fill):
    name = "z" * 100

    def log(client):
        with client.run(name, capture=False):
            pass

    fill(log)

    lines = cli.lines("runs", "list", columns=60)
    assert "".join(lines).count("z") == 100
    assert max(map(len, lines)) <= 60


def test_lines_have_no_blanks_at_their_ends(cli, dozen, trained):
    for words in (["runs", "list"], ["models", "list"], ["ledger", "show"], ["runs", "show", trained[0]]):
        assert [line for line in cli.lines(*words) if line != line.rstrip()] == []


def test_nothing_that_steers_a_terminal_is_printed(cli, fill):
    def log(client):
        with client.run("train", params={"a": "\x1b[2Jgone\x07"}, capture=False) as run:
            run.set_tag("note", "\x1b]0;title\x07")

    fill(log)

    run_id = cli.json("runs", "list")[0]["run"]
    assert "\x1b" not in cli("runs", "list").stdout
    assert "\x1b" not in cli("runs", "show", run_id).stdout


def test_half_a_surrogate_pair_can_be_printed(cli, fill):
    def log(client):
        with client.run("train", params={"a": "x\ud800y"}, capture=False):
            pass

    fill(log)

    assert cli.json("runs", "list")[0]["params"] == {"a": "x\ud800y"}
    assert "a=x" in cli("runs", "list").stdout


@pytest.mark.parametrize(
    ("value", "short", "full"),
    [
        (None, "", ""),
        (True, "yes", "yes"),
        (0.123456789, "0.1235", "0.123456789"),
        (336776.0, "336776", "336776"),
        (float("nan"), "nan", "nan"),
        ("blake3:" + "ab" * 32, "blake3:abababababab", "blake3:" + "ab" * 32),
        ({"a": 1, "b": [1, {"c": 2}]}, "a=1, b=[1, {c=2}]", "a=1, b=[1, {c=2}]"),
        (["x", 1.5], "x, 1.5", "x, 1.5"),
        ({"a": 1, "b": 2, "c": 3, "d": 4}, "a=1, b=2, c=3, d=4", "a=1\nb=2\nc=3\nd=4"),
    ],
)
def test_a_value_is_shown_short_in_tables_and_in_full_alone(value, short, full):
    assert (cell(value), fact(value)) == (short, full)


@pytest.mark.parametrize(
    ("width", "shown"), [(99, "a=1, b=2, c=3"), (13, "a=1, b=2, c=3"), (12, "a=1, b=2 +1"), (1, "a=1 +2")]
)
def test_as_many_entries_are_shown_as_fit(width, shown):
    assert fitted(["a=1", "b=2", "c=3"], width) == shown


def test_rows_without_a_mapping_stand_beside_those_with_one(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    print_rows([{"a": {"x": 1}}, {"a": None}, {"a": {}}], ("a",), as_json=False, empty="")

    assert capsys.readouterr().out.split("\n")[:2] == ["a", "x=1"]
