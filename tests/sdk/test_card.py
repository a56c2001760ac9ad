"""A model version explained to somebody who does not read code."""

import re

import pytest

import headwater as hw
from headwater.errors import InvalidError
from headwater.model.models import NewVersion
from headwater.model.verdicts import Outcome
from tests.sdk.repository import commit


@pytest.fixture
def connected():
    return hw.connect("memory://")


def sections(card):
    """Return the text of each section by its heading."""
    parts = re.split(r"^## (.+)$", card.markdown(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text):
    """Return the cells of all tables of a text."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@pytest.fixture
def released(connected, project):
    """A version with all that a record can have, in production."""
    commit(project, pyproject_toml="")
    with hw.run("clean") as clean:
        raw = clean.use(hw.dataset("raw", [{"late": 1}, {"late": 2}], source="the airline"))
        clean.log_dataset(made := hw.dataset("train", [{"late": 1}]))
    with hw.run("train", name="amber", params={"seed": 0, "lr": 0.1}) as run:
        run.use(made)
        run.log_metric("loss", 0.25)
        example = [{"late": 1}]
        version = run.log_model("late", {"w": 1}, input_example=example, metrics={"auc": 0.7})
    model = hw.models["late"]
    model.describe(description="Says which flights will be late.", owner="rosa")
    model.add_verdict(1, gate="model", outcome=Outcome.PASS, summary="better everywhere", data=[raw.ref])
    model.add_verdict(1, gate="data", outcome=Outcome.INSUFFICIENT, summary="12 rows")
    model.promote(1, reason="beats v0 | on all", loads=False)
    model.record_deployment(1, target="eu-1/scoring", url="http://eu-1")
    return version


def test_card_answers_what_people_ask(released):
    found = sections(hw.lineage("models/late@production").card())

    assert [*found] == [
        "What it is",
        "Where it comes from",
        "How good it is",
        "Who decided",
        "Where it runs",
        "What is not known",
    ]
    assert ["owner", "rosa"] in rows(found["What it is"])
    assert "It takes late (int64)." in found["What it is"]
    origin = found["Where it comes from"]
    assert re.search(r"Made by runs/\w{8} “amber” of train by \S+ on \S+, .+, in [\d.]+ s\.", origin)
    assert ["train", "data/train/1", "1", "1"] in [row[:4] for row in rows(origin)]
    assert "Through 1 more step it goes back to data/raw/1 from the airline." in origin
    assert re.search(r"Code: commit [0-9a-f]{10}, clean\.", origin)
    assert ["lr", "0.1"] in rows(origin)
    assert rows(found["How good it is"])[2:3] == [["auc", "0.7"]]
    assert [row[:3] for row in rows(found["How good it is"])[-2:]] == [
        ["data", "not enough evidence", "12 rows"],
        ["model", "passed", "better everywhere"],
    ]
    decided = rows(found["Who decided"])
    assert [row[2] for row in decided[2:]] == ["register", "promote to production"]
    assert decided[-1][3] == "beats v0 \\| on all"
    assert ["eu-1/scoring", "http://eu-1"] in [row[:2] for row in rows(found["Where it runs"])]


def test_sentence_says_where_it_stands_and_what_gates_say(released):
    actor = hw.models["late"].actor

    sentence = hw.lineage(released.ref).card().sentence()

    assert sentence.startswith("models/late/1 is in production since ")
    assert f"put there by {actor}: beats v0 | on all; " in sentence
    assert "the gate data had not enough evidence, the gate model passed; " in sentence
    hw.models["late"].deprecate(1, reason="the feed ends")
    assert (
        f"is deprecated by {actor}: the feed ends; in production"
        in hw.lineage(released.ref).card().sentence()
    )


def test_a_rollback_is_named_as_such(released, project):
    with hw.run("train") as run:
        run.log_model("late", {"w": 2})
    hw.models["late"].promote(2, reason="newer", loads=False)
    hw.models["late"].rollback(reason="incident 12", loads=False)

    sentence = hw.lineage("models/late/1").card().sentence()

    assert "rolled back to by" in sentence
    assert "incident 12" in sentence
    other = hw.lineage("models/late/2").card()
    assert other.sentence().startswith("models/late/2 is in stage archived since ")
    assert "replaced with models/late/1 by" in other.sentence()
    decided = [row[2] for row in rows(sections(other)["Who decided"])[2:]]
    assert decided == ["register", "promote to production", "rollback models/late/1 in its place"]


def test_what_was_not_recorded_is_said(connected):
    connected.store.models.add_version(NewVersion(model="late", uri="s3://models/late"), actor="ann")

    card = hw.lineage("models/late/1").card()
    found = sections(card)

    assert card.sentence().endswith("; no gate has judged it; 0% of its record is known.")
    assert "What it takes and gives was not recorded." in found["What it is"]
    assert "What made it was not recorded." in found["Where it comes from"]
    assert "No metrics were recorded." in found["How good it is"]
    assert "It was not seen anywhere." in found["Where it runs"]
    assert len(rows(found["What is not known"])) > 5


def test_what_is_alike_is_said_once(connected):
    with hw.run("clean", capture=False) as clean:
        clean.log_dataset(made := hw.dataset("train", [{"late": 1}]))
    with hw.run("train", capture=False) as run:
        run.use(made)
        version = run.log_model("late", {"w": 1})

    gaps = rows(sections(hw.lineage(version.ref).card())["What is not known"])

    assert sum(row[0] == "code commit" for row in gaps) == 1
    assert any(" and runs/" in row[1] for row in gaps)


def test_names_and_reasons_stay_text(connected):
    with hw.run("train", name="<b>[x](http://evil)", capture=False) as run:
        version = run.log_model("late", {"w": 1})
    hw.models["late"].describe(description="Fast\n# y\n<b>bold")
    hw.models["late"].promote(version.version, reason="<script>\n# y\n| a | b |", loads=False)

    text = hw.lineage(version.ref).card().markdown()

    assert "<b>" not in text
    assert "<script>" not in text
    assert "](http" not in text
    assert "\n# y" not in text
    assert "> Fast\n> # y\n> &lt;b>bold" in text


def test_only_versions_of_models_have_a_card(connected):
    data = hw.dataset("train", [{"late": 1}])

    with pytest.raises(InvalidError, match="data/train/1 is no version of a model"):
        hw.lineage(data.ref).card()


def test_a_notebook_shows_markdown(released):
    card = hw.lineage(released.ref).card()

    assert card._repr_mimebundle_()["text/markdown"] == str(card) == card.json()["markdown"]
