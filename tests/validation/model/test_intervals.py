"""Intervals: how often they cover the truth, and whether they agree with exact answers."""

import numpy as np
import pytest
from scipy import stats

from headwater.validation.model import Estimate, Plan, Task, evaluate
from headwater.validation.model.estimates import gap
from headwater.validation.model.ranks import roc_auc_statistic
from headwater.validation.model.resampling import Resampling

CONFIDENCE = 0.9


def coverage(truth, values, draws):
    """How often the interval of each of some experiments holds the truth."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(draws, [tail, 1 - tail], axis=1)
    assert values.shape == low.shape
    return np.mean((low <= truth) & (truth <= high))


def test_the_interval_of_a_difference_covers_the_truth_as_often_as_it_says():
    """Two models that are right in 80 and 75 of 100, together in 65: 400 experiments of 300 rows."""
    random = np.random.default_rng(1)
    both = random.choice(4, p=[0.65, 0.15, 0.10, 0.10], size=(400, 300))
    difference = np.where(both == 1, 1.0, np.where(both == 2, -1.0, 0.0))
    (weights,) = Resampling(draws=500, seed=2).weights("all", np.ones(300), units=None, strata=None)

    draws = difference @ weights.T / 300

    assert coverage(0.05, difference.mean(axis=1), draws) == pytest.approx(CONFIDENCE, abs=0.04)


def test_the_interval_of_an_auc_covers_the_truth_as_often_as_it_says():
    """Normal scores one deviation apart: the area is known. 300 experiments of 60 and 90 rows."""
    random = np.random.default_rng(3)
    is_positive = np.arange(150) < 60
    truth = stats.norm.cdf(1 / np.sqrt(2))
    (weights,) = Resampling(draws=300).weights(
        "all", np.ones(150), units=None, strata=is_positive.astype(int)
    )
    values, draws = [], []
    for _ in range(300):
        statistic = roc_auc_statistic(is_positive, random.normal(is_positive * 1.0, 1))
        values.append(statistic(np.ones((1, 150)))[0])
        draws.append(statistic(weights))

    assert coverage(truth, np.array(values), np.array(draws)) == pytest.approx(CONFIDENCE, abs=0.05)


def test_the_error_of_an_auc_is_delongs():
    """DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988), in closed form."""
    random = np.random.default_rng(5)
    y = random.random(500) < 0.4
    one, two = (random.normal(y * shift, 1) for shift in (1.2, 0.9))
    places = []
    for score in (one, two):
        wins = (score[y][:, None] > score[~y]) + 0.5 * (score[y][:, None] == score[~y])
        places.append((wins.mean(axis=1), wins.mean(axis=0)))
    (p1, n1), (p2, n2) = places
    variance = np.var(p1 - p2, ddof=1) / y.sum() + np.var(n1 - n2, ddof=1) / (~y).sum()
    (weights,) = Resampling(draws=2000).weights("all", np.ones(500), units=None, strata=y.astype(int))

    drawn = roc_auc_statistic(y, one)(weights) - roc_auc_statistic(y, two)(weights)

    assert drawn.std() == pytest.approx(np.sqrt(variance), rel=0.07)
    assert drawn.mean() == pytest.approx(p1.mean() - p2.mean(), abs=3 * drawn.std() / np.sqrt(1000))


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_an_auc_is_told_from_chance_as_a_permutation_test_would(shift):
    random = np.random.default_rng(7)
    y = np.arange(120) % 3 == 0
    score = random.normal(y * shift, 1)
    statistic = roc_auc_statistic(y, score)
    value = statistic(np.ones((1, 120)))[0]
    permuted = [roc_auc_statistic(random.permutation(y), score)(np.ones((1, 120)))[0] for _ in range(999)]
    p = (1 + np.sum(np.abs(np.array(permuted) - 0.5) >= abs(value - 0.5))) / 1000
    (weights,) = Resampling(draws=1000).weights("all", np.ones(120), units=None, strata=y.astype(int))

    interval = Estimate(value=value, draws=statistic(weights)).interval(0.95)

    assert (interval.low > 0.5 or interval.high < 0.5) is bool(p < 0.05)


def test_the_gap_between_equal_slices_is_not_made_of_noise():
    """Ten slices of one truth: the noisy gap is far from 0, its interval is not."""
    random = np.random.default_rng(9)
    slices = []
    for _ in range(10):
        hits = random.random(200) < 0.8
        draws = random.binomial(200, hits.mean(), size=1000) / 200
        slices.append(Estimate(value=hits.mean(), draws=draws))

    found = gap(slices)

    assert found.value > 0.04
    assert found.interval(0.95).low < 0.03
    assert found.interval(0.95).low >= 0


def test_the_same_seed_gives_the_same_intervals_whatever_else_is_measured():
    random = np.random.default_rng(11)
    data = {"y": random.integers(2, size=90), "part": random.choice(["a", "b"], size=90)}
    answers = {"scores": random.random(90)}
    small = Plan(target="y", metrics=("accuracy",), draws=100)
    large = Plan(target="y", metrics=("f1", "roc_auc", "accuracy"), slices=("part",), draws=100)

    one, two, other = (
        evaluate(data, answers, plan)["accuracy"].value.interval(0.9)
        for plan in (small, large, Plan(target="y", metrics=("accuracy",), draws=100, seed=1))
    )

    assert one == two
    assert one != other


def test_two_models_that_answer_alike_do_not_differ_by_noise():
    random = np.random.default_rng(13)
    data = {"y": random.integers(2, size=200)}
    answers = {"scores": random.random(200)}

    found = evaluate(data, answers, Plan(target="y", draws=100), baseline=answers)

    for measure in found.measures.values():
        assert (measure.change.draws == 0).all()


def test_rows_of_one_group_are_drawn_together():
    """Each row stands ten times: whoever draws rows alone believes in ten times as much evidence."""
    random = np.random.default_rng(15)
    y = random.normal(size=50)
    error = random.normal(size=50)
    data = {"y": np.repeat(y, 10), "day": np.repeat(np.arange(50), 10)}
    answers = {"predicted": np.repeat(y + error, 10)}
    plan = {"target": "y", "task": Task.REGRESSION, "metrics": ("mae",)}

    alone, together = (
        evaluate(data, answers, Plan(**plan, group=group))["mae"].value.draws.std() for group in (None, "day")
    )

    assert together / alone == pytest.approx(np.sqrt(10), rel=0.1)


def test_a_number_that_most_resamples_lack_has_no_interval():
    draws = np.array([0.5] * 90 + [np.nan] * 10)

    assert Estimate(value=0.5, draws=draws).interval(0.95) is None
    assert Estimate(value=float("nan"), draws=np.ones(3)).interval(0.95) is None


def test_one_row_has_no_interval():
    found = evaluate({"y": [1.0]}, {"predicted": [1.5]}, Plan(target="y", task=Task.REGRESSION))

    assert found["mae"].value.value == 0.5
    assert found["mae"].value.interval(0.95) is None


def test_weights_count_as_rows_do():
    random = np.random.default_rng(17)
    y, p = random.integers(2, size=40), random.integers(2, size=40)
    w = random.integers(1, 4, size=40)
    plan = Plan(target="y", metrics=("accuracy", "f1"), draws=0)

    weighted = evaluate({"y": y, "w": w}, {"predicted": p}, Plan(target="y", weight="w", draws=0))
    repeated = evaluate({"y": np.repeat(y, w)}, {"predicted": np.repeat(p, w)}, plan)

    for metric in ("accuracy", "f1"):
        assert weighted[metric].value.value == pytest.approx(repeated[metric].value.value)
