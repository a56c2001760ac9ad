"""What came from a thing, in order."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.provenance.impact import Affected, impact_of

AFFECTED = st.builds(
    Affected,
    ref=st.integers(1, 30).map(lambda n: f"artifacts/{n}"),
    kind=st.sampled_from(["model", "run", "data", "artifact"]),
    name=st.sampled_from("ab"),
    stage=st.sampled_from(["none", "production", "staging", "archived"]),
    hops=st.integers(1, 4),
)


def version(number, stage="none", hops=2):
    return Affected(ref=f"models/late/{number}", kind="model", name="late", stage=stage, hops=hops)


def run(number, hops=1):
    return Affected(ref=f"runs/{number}", kind="run", name="train", hops=hops)


def test_production_comes_first_then_stages_then_versions_then_the_rest():
    data = Affected(ref="data/scores/1", kind="data", name="scores", hops=1)
    found = [data, run(1), version(1), version(2, "archived"), version(10), version(3, "production", hops=8)]

    refs = [each.ref for each in impact_of("data/raw/1", [*found, version(4, "staging")]).affected]

    numbers = (3, 4, 2, 1, 10)
    assert refs == [*(f"models/late/{number}" for number in numbers), "runs/1", "data/scores/1"]


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ([], "Nothing that is recorded came from data/raw/1."),
        ([run(1)], "data/raw/1 led to 1 run."),
        ([version(1), run(1)], "data/raw/1 led to 1 version, none in production; 1 run."),
        (
            [version(1, "production"), version(2), run(1), run(2)],
            "data/raw/1 led to 2 versions, one in production: models/late/1; 2 runs.",
        ),
        (
            [version(1, "production"), version(2, "production")],
            "data/raw/1 led to 2 versions, 2 in production: models/late/1 and models/late/2.",
        ),
    ],
)
def test_it_says_a_sentence(found, sentence):
    assert str(impact_of("data/raw/1", found)) == sentence


@given(st.lists(AFFECTED, max_size=8))
def test_the_order_does_not_depend_on_how_it_was_found(found):
    assert impact_of("x", found) == impact_of("x", reversed(found))


@given(st.lists(AFFECTED, max_size=8))
def test_it_is_json_with_its_counts(found):
    shown = json.loads(json.dumps(impact_of("x", found).json()))

    assert sum(shown["counts"].values()) == len(shown["affected"]) == len(found)
