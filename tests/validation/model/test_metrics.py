"""Every metric against scikit-learn called directly, and its resampled form against its own value."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from headwater.errors import InvalidError
from headwater.validation.model.catalogue import DEFAULTS, metric_named
from headwater.validation.model.metrics import rows_in
from headwater.validation.model.samples import Task, given_answers, sample_of
from tests.validation.model.made_up import classified, everything, predicted, ranked, value_of

CLASSIFIED = {
    "accuracy": lambda y, p, s, w: sk.accuracy_score(y, p, sample_weight=w),
    "precision": lambda y, p, s, w: sk.precision_score(y, p, sample_weight=w),
    "recall": lambda y, p, s, w: sk.recall_score(y, p, sample_weight=w),
    "f1": lambda y, p, s, w: sk.f1_score(y, p, sample_weight=w),
    "roc_auc": lambda y, p, s, w: sk.roc_auc_score(y, s, sample_weight=w),
    "pr_auc": lambda y, p, s, w: sk.average_precision_score(y, s, sample_weight=w),
    "log_loss": lambda y, p, s, w: sk.log_loss(y, s, sample_weight=w),
    "brier": lambda y, p, s, w: sk.brier_score_loss(y, s, sample_weight=w),
}
MULTICLASS = {
    "accuracy": lambda y, p, s, w: sk.accuracy_score(y, p, sample_weight=w),
    "precision": lambda y, p, s, w: sk.precision_score(y, p, sample_weight=w, average="macro"),
    "recall": lambda y, p, s, w: sk.recall_score(y, p, sample_weight=w, average="macro"),
    "f1": lambda y, p, s, w: sk.f1_score(y, p, sample_weight=w, average="macro"),
    "roc_auc": lambda y, p, s, w: sk.roc_auc_score(y, s, sample_weight=w, multi_class="ovr"),
    "log_loss": lambda y, p, s, w: sk.log_loss(y, s, sample_weight=w),
    "brier": lambda y, p, s, w: sk.brier_score_loss(y, s, sample_weight=w),
}
REGRESSED = {
    "mae": lambda y, p, w: sk.mean_absolute_error(y, p, sample_weight=w),
    "mse": lambda y, p, w: sk.mean_squared_error(y, p, sample_weight=w),
    "rmse": lambda y, p, w: sk.root_mean_squared_error(y, p, sample_weight=w),
    "mape": lambda y, p, w: sk.mean_absolute_percentage_error(y, p, sample_weight=w),
    "r2": lambda y, p, w: sk.r2_score(y, p, sample_weight=w),
    "quantile_loss": lambda y, p, w: sk.mean_pinball_loss(y, p, sample_weight=w),
    "quantile_loss(0.9)": lambda y, p, w: sk.mean_pinball_loss(y, p, sample_weight=w, alpha=0.9),
}
seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("name", CLASSIFIED)
@given(seed=seeds)
@settings(max_examples=15, deadline=None)
def test_a_metric_of_two_classes_is_scikit_learns(name, seed):
    rows = classified(seed, classes=2)

    found = value_of(name, rows)

    wanted = CLASSIFIED[name](rows.truth, rows.predicted, rows.scores[:, 1], rows.weights)
    assert found == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("name", MULTICLASS)
@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_a_metric_of_many_classes_is_scikit_learns(name, seed):
    rows = classified(seed, classes=4)

    found = value_of(name, rows)

    assert found == pytest.approx(MULTICLASS[name](rows.truth, rows.predicted, rows.scores, rows.weights))


@pytest.mark.parametrize("name", REGRESSED)
@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_a_metric_of_numbers_is_scikit_learns(name, seed):
    rows = predicted(seed)

    found = value_of(name, rows, Task.REGRESSION)

    assert found == pytest.approx(REGRESSED[name](rows.truth, rows.predicted, rows.weights))


@given(seed=seeds)
@settings(max_examples=15, deadline=None)
def test_ndcg_is_scikit_learns_mean_over_queries(seed):
    rows = ranked(seed)
    queries = [rows.groups == q for q in set(rows.groups.tolist()) if rows.truth[rows.groups == q].any()]

    wanted = [sk.ndcg_score(rows.truth[q][None], rows.predicted[q][None], k=3) for q in queries]

    assert value_of("ndcg(3)", rows, Task.RANKING) == pytest.approx(np.mean(wanted))


@given(seed=seeds)
@settings(max_examples=15, deadline=None)
def test_map_without_ties_is_scikit_learns_mean_average_precision(seed):
    rows = ranked(seed)
    queries = [rows.groups == q for q in set(rows.groups.tolist()) if rows.truth[rows.groups == q].any()]

    wanted = [sk.average_precision_score(rows.truth[q] > 0, rows.predicted[q]) for q in queries]

    assert value_of("map", rows, Task.RANKING) == pytest.approx(np.mean(wanted))


def test_mrr_is_one_by_the_place_of_the_first_hit():
    data = {"query": ["a", "a", "a", "b", "b"], "relevance": [0, 1, 0, 2, 0]}
    sample = sample_of(data, target="relevance", task=Task.RANKING, group="query")
    answers = given_answers(sample, predicted=[0.9, 0.5, 0.1, 0.8, 0.2])

    rows = rows_in(sample, answers, everything(sample))

    assert value_of("mrr", rows, Task.RANKING) == (1 / 2 + 1 / 1) / 2


def test_equal_scores_count_against_a_ranking():
    data = {"query": ["a"] * 4, "relevance": [1, 0, 0, 0]}
    sample = sample_of(data, target="relevance", task=Task.RANKING, group="query")

    rows = rows_in(sample, given_answers(sample, predicted=[0.5] * 4), everything(sample))

    assert value_of("mrr", rows, Task.RANKING) == 1 / 4
    assert value_of("map", rows, Task.RANKING) == 1 / 4


def test_calibration_error_is_the_mean_distance_of_claims_and_shares():
    data = {"y": [1, 0, 0, 1, 1], "w": [1.0, 1.0, 2.0, 1.0, 1.0]}
    sample = sample_of(data, target="y", weight="w")

    rows = rows_in(sample, given_answers(sample, scores=[0.15, 0.15, 0.15, 0.95, 0.95]), everything(sample))

    # Four weights at 0.15 of which one came true, two at 0.95 of which both did.
    assert value_of("calibration_error", rows) == pytest.approx((4 * 0.1 + 2 * 0.05) / 6)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("demographic_parity_difference(sex)", 3 / 4 - 1 / 4),
        ("equal_opportunity_difference(sex)", 1 - 1 / 2),
        ("equalized_odds_difference(sex)", 0.5),
    ],
)
def test_fairness_is_the_distance_between_groups(name, wanted):
    data = {"y": [1, 1, 0, 0, 1, 1, 0, 0], "sex": list("ffffmmmm")}
    sample = sample_of(data, target="y")

    rows = rows_in(sample, given_answers(sample, predicted=[1, 1, 1, 0, 1, 0, 0, 0]), everything(sample))

    assert value_of(name, rows) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("task", "name"),
    [
        *((Task.CLASSIFICATION, n) for n in (*DEFAULTS[Task.CLASSIFICATION], "calibration_error(4)")),
        *((Task.CLASSIFICATION, f"{n}_difference(part)") for n in ("equal_opportunity", "equalized_odds")),
        (Task.CLASSIFICATION, "demographic_parity_difference(part)"),
        *((Task.REGRESSION, n) for n in DEFAULTS[Task.REGRESSION]),
        *((Task.RANKING, n) for n in DEFAULTS[Task.RANKING]),
    ],
)
@given(seed=seeds, classes=st.sampled_from([2, 3]))
@settings(max_examples=8, deadline=None)
def test_what_is_resampled_is_the_metric_itself(task, name, seed, classes):
    """Weights that name rows several times give what scikit-learn says of rows that stand there as often."""
    binary = "difference" in name
    rows = {
        Task.CLASSIFICATION: lambda: classified(seed, classes=2 if binary else classes),
        Task.REGRESSION: lambda: predicted(seed),
        Task.RANKING: lambda: ranked(seed),
    }[task]()
    metric = metric_named(name, task)
    random = np.random.default_rng(seed)
    counts = random.integers(1, 4, size=(3, len(rows.truth)))
    if rows.groups is not None:
        counts = random.integers(1, 4, size=(3, rows.groups.max() + 1))[:, rows.groups]
    drawn = metric.drawn(rows)

    assert drawn(rows.weights[None])[0] == pytest.approx(metric.point(rows))
    values = drawn(counts * rows.weights)

    wanted = [metric.point(rows_weighted(rows, count)) for count in counts]
    assert values == pytest.approx(wanted)


def rows_weighted(rows, counts):
    from dataclasses import replace

    return replace(rows, weights=rows.weights * counts)


@pytest.mark.parametrize("name", ["accuracy", "f1", "roc_auc", "ndcg", "r2"])
def test_a_metric_of_another_task_is_refused(name):
    task = Task.REGRESSION if name != "r2" else Task.CLASSIFICATION

    with pytest.raises(InvalidError, match=f"no metric '{name}' for {task}"):
        metric_named(name, task)


@pytest.mark.parametrize(
    ("name", "task", "says"),
    [
        ("auc", Task.CLASSIFICATION, "did you mean"),
        ("f1(3)", Task.CLASSIFICATION, "takes nothing in parentheses"),
        ("ndcg(x)", Task.RANKING, "takes a number"),
        ("ndcg(0)", Task.RANKING, "1 or more"),
        ("quantile_loss(2)", Task.REGRESSION, "between 0 and 1"),
        ("calibration_error(1.5)", Task.CLASSIFICATION, "whole number"),
        ("equalized_odds_difference", Task.CLASSIFICATION, "needs a column"),
    ],
)
def test_a_metric_that_makes_no_sense_is_refused(name, task, says):
    with pytest.raises(InvalidError, match=says):
        metric_named(name, task)


@pytest.mark.parametrize("name", ["roc_auc", "pr_auc", "recall"])
def test_a_metric_of_one_class_alone_is_undefined(name):
    sample = sample_of({"y": [0, 0, 0]}, target="y", classes=[1])

    rows = rows_in(sample, given_answers(sample, scores=[0.2, 0.4, 0.1]), everything(sample))

    assert metric_named(name, Task.CLASSIFICATION).why_undefined(rows) != ""
