import numpy as np
import pandas as pd
import pytest

from headwater.demo.gate import GATE, Hindsight, told
from headwater.model.verdicts import Outcome
from headwater.validation.model import evaluate, hold

ROWS = 3_000


@pytest.fixture(scope="module")
def flights():
    random = np.random.default_rng(0)
    origin = random.choice(["EWR", "JFK", "LGA"], ROWS)
    return pd.DataFrame({"late": random.integers(0, 2, ROWS), "origin": origin})


def risk(flights, noise, seed=1):
    """Return risks that rank the flights the better the less noise there is."""
    return flights["late"].to_numpy() + noise * np.random.default_rng(seed).normal(size=ROWS)


def judged(flights, challenger, production=None):
    scaled = [
        None if each is None else {"scores": 1 / (1 + np.exp(-each))} for each in (challenger, production)
    ]
    found = evaluate(
        flights, scaled[0], GATE.plan, baseline=scaled[1], metrics=GATE.metrics, slices=GATE.slices
    )
    return hold(GATE, found, why_no_baseline="nothing is in production")


def test_a_challenger_that_is_proven_better_passes_and_its_reason_has_the_numbers(flights):
    found = judged(flights, risk(flights, 1), risk(flights, 2))

    assert found.outcome is Outcome.PASS
    assert told(found).startswith("AUC 0.7")
    assert "better at a confidence of 95 %; at no airport worse by 0.03" in told(found)


def test_a_challenger_that_is_worse_is_refused_with_every_airport_at_which_it_is(flights):
    found = judged(flights, risk(flights, 2), risk(flights, 1))

    assert found.outcome is Outcome.FAIL
    reason = told(found)
    assert "]: not better; " in reason
    assert all(f"{airport} -0." in reason for airport in ("EWR", "JFK", "LGA"))
    assert reason.count("more than 0.03 worse") == 3


def test_better_on_the_whole_and_worse_at_one_airport_is_refused_for_that_airport(flights):
    is_there = (flights["origin"] == "LGA").to_numpy()

    found = judged(flights, np.where(is_there, risk(flights, 2), risk(flights, 0.7)), risk(flights, 1.2))

    assert found.outcome is Outcome.FAIL
    assert "LGA -0." in told(found)
    assert "EWR" not in told(found)
    assert "not better" not in told(found)


def test_what_chance_alone_could_do_is_not_enough_evidence(flights):
    found = judged(flights, risk(flights, 2, seed=3), risk(flights, 2, seed=4))

    assert found.outcome is Outcome.INSUFFICIENT
    assert "not proven to be" in told(found)


def test_a_tie_is_refused(flights):
    same = risk(flights, 1)

    assert judged(flights, same, same).outcome is Outcome.FAIL


def test_the_first_version_needs_no_more_than_the_floor_and_its_reason_says_so(flights):
    first = judged(flights, risk(flights, 1))

    assert first.outcome is Outcome.PASS
    assert told(first).endswith("on the last 14 days; nothing is in production, so no change was looked at")
    assert judged(flights, risk(flights, 20)).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("is_promoted", "before", "challenger", "is_regretted"),
    [(True, 0.7, 0.6, True), (True, 0.6, 0.7, False), (False, 0.7, 0.6, False)],
    ids=["promoted-and-worse", "promoted-and-better", "refused"],
)
def test_only_a_promotion_that_made_it_worse_is_regretted(is_promoted, before, challenger, is_regretted):
    found = Hindsight(before=before, challenger=challenger, is_promoted=is_promoted)

    assert found.is_regretted is is_regretted
