import math

import pytest

from headwater.demo.gate import Hindsight, Judgement


@pytest.mark.parametrize(
    ("production", "challenger", "decision"),
    [
        (0.6, 0.7, "promote"),
        (0.6, 0.6099, "keep"),
        (0.7, 0.6, "keep"),
        (math.nan, 0.9, "keep"),
        (0.5, math.nan, "keep"),
    ],
    ids=["wins", "wins-too-little", "loses", "no-production-auc", "no-challenger-auc"],
)
def test_a_challenger_is_promoted_only_if_it_wins_by_more_than_the_margin(production, challenger, decision):
    judgement = Judgement(production=production, challenger=challenger)

    assert judgement.decision == decision


def test_a_reason_has_both_numbers_and_says_when_the_data_were_the_same():
    judgement = Judgement(production=0.659, challenger=0.659, same_data="data/flights/train/1")

    assert judgement.reason == (
        "AUC 0.659 against 0.659 on the last 14 days (+0.000, not more than 0.01); "
        "trained on the same data, data/flights/train/1"
    )


@pytest.mark.parametrize(
    ("judged", "month", "is_regretted"),
    [((0.6, 0.7), (0.7, 0.6), True), ((0.6, 0.7), (0.6, 0.7), False), ((0.6, 0.6), (0.7, 0.6), False)],
    ids=["promoted-and-worse", "promoted-and-better", "kept"],
)
def test_only_a_promotion_that_made_it_worse_is_regretted(judged, month, is_regretted):
    judgement = Judgement(production=judged[0], challenger=judged[1])

    assert Hindsight(before=month[0], challenger=month[1]).is_regretted(judgement) is is_regretted
