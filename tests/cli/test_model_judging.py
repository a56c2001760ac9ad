"""`headwater models judge` and `evaluate`."""

import pytest
from sklearn.linear_model import LogisticRegression

GATE = """
[model.plan]
target = "late"
draws = 100

[[model.checks]]
metric = "accuracy"
lower = {lower}
"""
INFRA = """
[infra]
timeout_s = 60
"""


@pytest.fixture
def judgeable(fill, project):
    """A version, a data version, and gates that it passes and fails."""

    def work(client):
        import pandas as pd

        table = pd.DataFrame({"hour": [float(i % 24) for i in range(96)]})
        table["late"] = (table["hour"] > 15).astype(int)
        client.dataset("flights", table)
        with client.run("train", capture=False) as run:
            model = LogisticRegression().fit(table[["hour"]], table["late"])
            run.log_model("late-flights", model, input_example=table[["hour"]].head(2))

    (project / "easy.toml").write_text(GATE.format(lower=0.5) + INFRA)
    (project / "hard.toml").write_text(GATE.format(lower=1.1))
    (project / "infra.toml").write_text(INFRA)
    fill(work)


def test_a_version_is_judged_by_all_gates_of_a_file(cli, judgeable):
    found = cli.json("models", "judge", "late-flights", "1", "easy.toml", "--on", "data/flights/1")

    assert [(each["gate"], each["outcome"]) for each in found] == [("model", "pass"), ("infra", "pass")]
    assert found[0]["data"] == ["data/flights/1"]
    stored = cli.json("models", "status", "late-flights", "1")["verdicts"]
    assert {each["gate"] for each in stored} == {"model", "infra"}


def test_what_does_not_pass_exits_with_5(cli, judgeable):
    done = cli("models", "judge", "late-flights", "1", "hard.toml", "--on", "data/flights/1", code=5)

    assert done.stdout.startswith("Gate model: FAIL. accuracy on all is ")


def test_measuring_prints_and_stores_nothing(cli, judgeable):
    words = ("models", "evaluate", "late-flights", "1", "easy.toml", "--on", "data/flights/1")

    assert cli.lines(*words)[0].split() == ["slice", "rows", "metric", "value"]
    assert {"accuracy", "size_bytes"} <= {row["metric"] for row in cli.json(*words)}
    assert cli.json("models", "status", "late-flights", "1")["verdicts"] == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("judge", "late-flights", "1", "easy.toml"), "--on data/NAME/VERSION"),
        (("evaluate", "late-flights", "1", "infra.toml"), "no table [model]"),
        (("judge", "late-flights", "1", "easy.toml", "--on", "data/flights"), "is not a data version"),
    ],
)
def test_what_is_missing_is_told_in_one_line(cli, judgeable, words, says):
    done = cli("models", *words, code=2)

    assert says in done.output
    assert done.output.count("\n") == 1
