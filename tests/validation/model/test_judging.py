"""Gates: three outcomes, both directions, slices, and nothing that passes because it is not there."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import InvalidError
from headwater.model.verdicts import Outcome
from headwater.validation.model import (
    Across,
    Check,
    Estimate,
    Evaluation,
    Evidence,
    Gate,
    Measure,
    Plan,
    Small,
    Task,
    evaluate,
    hold,
)

PLAN = Plan(target="y", draws=0)
REGRESSION = replace(PLAN, task=Task.REGRESSION)


def estimate(value, spread=0.0, *, draws=200):
    """A number whose draws are spread evenly around it."""
    return Estimate(value=value, draws=value + spread * np.linspace(-1, 1, draws))


def evaluation(found, *, task=Task.CLASSIFICATION, specs=None, rows=100, missing=None):
    """What was measured, from `{(slice, metric): value or (value, baseline)}`."""
    measures = {}
    for (where, metric), pair in found.items():
        value, baseline = pair if isinstance(pair, tuple) else (pair, None)
        count = rows if isinstance(rows, int) else rows.get(where, 100)
        measures[where, metric] = Measure(
            slice=where, metric=metric, row_count=count, value=value, baseline=baseline
        )
    slices = specs or {where: (where,) for where, _ in found}
    return Evaluation(
        task=task, row_count=100, confidence=0.95, measures=measures, slices=slices, missing=missing or {}
    )


def outcome(check, found, *, plan=PLAN, **options):
    """What a gate of one check says."""
    gate_options = {k: options.pop(k) for k in ("min_rows", "on_small") if k in options}
    gate = Gate(plan=plan, checks=(check,), **gate_options)
    return hold(gate, evaluation(found, task=plan.task, **options)).outcome


@pytest.mark.parametrize(
    ("value", "wanted"), [(0.9, Outcome.PASS), (0.7, Outcome.FAIL), (0.81, Outcome.INSUFFICIENT)]
)
def test_the_whole_interval_decides(value, wanted):
    found = {("all", "roc_auc"): estimate(value, 0.05)}

    assert outcome(Check(metric="roc_auc", lower=0.8), found) is wanted
    mirrored = {("all", "log_loss"): estimate(1 - value, 0.05)}
    assert outcome(Check(metric="log_loss", upper=0.2), mirrored) is wanted


def test_the_number_alone_decides_where_the_author_says_so():
    found = {("all", "roc_auc"): estimate(0.81, 0.05)}

    assert outcome(Check(metric="roc_auc", lower=0.8, by=Evidence.POINT), found) is Outcome.PASS
    assert outcome(Check(metric="roc_auc", lower=0.82, by=Evidence.POINT), found) is Outcome.FAIL


def test_without_an_interval_only_the_number_alone_can_decide():
    found = {("all", "roc_auc"): Estimate(value=0.9)}

    assert outcome(Check(metric="roc_auc", lower=0.8), found) is Outcome.INSUFFICIENT
    assert outcome(Check(metric="roc_auc", lower=0.8, by=Evidence.POINT), found) is Outcome.PASS


@pytest.mark.parametrize(
    ("metric", "plan", "better", "worse"),
    [("roc_auc", PLAN, 0.8, 0.6), ("rmse", REGRESSION, 0.6, 0.8)],
    ids=["higher", "lower"],
)
@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_a_change_is_held_in_the_direction_of_its_metric(metric, plan, better, worse, kind):
    check = Check(metric=metric, **{kind: 0.0})
    gained = {("all", metric): (estimate(better, 0.01), estimate(worse, 0.01))}
    lost = {("all", metric): (estimate(worse, 0.01), estimate(better, 0.01))}

    assert outcome(check, gained, plan=plan) is Outcome.PASS
    assert outcome(check, lost, plan=plan) is Outcome.FAIL
    other_way = replace(check, higher_is_better=metric == "rmse")
    assert outcome(other_way, gained, plan=plan) is Outcome.FAIL


def test_of_an_absolute_and_a_relative_change_both_have_to_hold():
    found = {("all", "roc_auc"): (estimate(0.66), estimate(0.6))}
    both = Check(metric="roc_auc", absolute=0.05, relative=0.2)

    assert outcome(replace(both, relative=None), found) is Outcome.PASS
    assert outcome(both, found) is Outcome.FAIL


def test_a_loss_that_the_gate_tolerates_passes():
    found = {("all", "roc_auc"): (estimate(0.79, 0.001), estimate(0.8))}

    assert outcome(Check(metric="roc_auc", absolute=-0.02), found) is Outcome.PASS
    assert outcome(Check(metric="roc_auc", absolute=0.0), found) is Outcome.FAIL


def test_a_relative_change_of_a_negative_baseline_keeps_its_direction():
    better = {("all", "r2"): (estimate(-0.5), estimate(-1.0))}

    assert outcome(Check(metric="r2", relative=0.3), better, plan=REGRESSION) is Outcome.PASS


SIZES = {"size": ("big", "small")}


def test_one_bad_slice_fails_the_gate():
    found = {("big", "f1"): estimate(0.9), ("small", "f1"): estimate(0.5)}
    check = Check(metric="f1", slices=("size",), lower=0.8)

    judgement = hold(Gate(plan=PLAN, checks=(check,)), evaluation(found, specs=SIZES))

    assert judgement.outcome is Outcome.FAIL
    assert judgement.summary == "f1 on small is 0.5 [0.5, 0.5], which is not at least 0.8"


def test_the_worst_slice_and_the_gap_are_one_number_each():
    found = {("big", "f1"): estimate(0.9), ("small", "f1"): estimate(0.7)}
    worst = Check(metric="f1", slices=("size",), across=Across.WORST, lower=0.65)
    gap = Check(metric="f1", slices=("size",), across=Across.GAP, upper=0.15)

    assert outcome(worst, found, specs=SIZES) is Outcome.PASS
    assert outcome(replace(worst, lower=0.75), found, specs=SIZES) is Outcome.FAIL
    assert outcome(gap, found, specs=SIZES) is Outcome.FAIL
    assert outcome(replace(gap, upper=0.25), found, specs=SIZES) is Outcome.PASS


def test_a_gap_that_grew_against_production_fails():
    found = {
        ("big", "f1"): (estimate(0.9), estimate(0.85)),
        ("small", "f1"): (estimate(0.7), estimate(0.8)),
    }
    check = Check(metric="f1", slices=("size",), across=Across.GAP, absolute=0.1)

    assert outcome(check, found, specs=SIZES) is Outcome.FAIL
    assert outcome(replace(check, absolute=0.2), found, specs=SIZES) is Outcome.PASS


def test_a_slice_with_too_few_rows_is_not_enough_evidence():
    found = {("big", "f1"): estimate(0.9), ("small", "f1"): estimate(0.9)}
    check = Check(metric="f1", slices=("size",), lower=0.8)
    few = {"big": 500, "small": 9}

    assert outcome(check, found, specs=SIZES, rows=few, min_rows=10) is Outcome.INSUFFICIENT
    assert outcome(check, found, specs=SIZES, rows=few, min_rows=9) is Outcome.PASS
    assert outcome(replace(check, min_rows=9), found, specs=SIZES, rows=few, min_rows=10) is Outcome.PASS


def test_small_slices_can_be_skipped_but_never_all_of_them():
    found = {("big", "f1"): estimate(0.9), ("small", "f1"): estimate(0.1)}
    gate = Gate(
        plan=PLAN, checks=(Check(metric="f1", slices=("size",), lower=0.8),), on_small=Small.SKIP, min_rows=50
    )

    judgement = hold(gate, evaluation(found, specs=SIZES, rows={"big": 500, "small": 9}))

    assert (judgement.outcome, judgement.skipped) == (Outcome.PASS, ("small has 9 rows",))
    assert judgement.facts()["skipped"] == ["small has 9 rows"]
    assert hold(gate, evaluation(found, specs=SIZES, rows=9)).outcome is Outcome.INSUFFICIENT


def test_what_is_undefined_is_not_enough_evidence():
    found = {("all", "roc_auc"): Estimate.undefined("no row of class 1")}

    judgement = hold(Gate(plan=PLAN, checks=(Check(metric="roc_auc", lower=0.1),)), evaluation(found))

    assert judgement.outcome is Outcome.INSUFFICIENT
    assert judgement.summary == "roc_auc on all is undefined: no row of class 1"


def test_a_slice_of_one_class_neither_crashes_nor_passes():
    data = {"y": [0, 1] * 40 + [0] * 40, "part": ["mixed"] * 80 + ["pure"] * 40}
    gate = Gate(
        plan=Plan(target="y", draws=50), checks=(Check(metric="roc_auc", slices=("part",), lower=0.0),)
    )
    scores = np.linspace(0, 1, 120)

    found = evaluate(data, {"scores": scores}, gate.plan, metrics=gate.metrics, slices=gate.slices)

    judgement = hold(gate, found)
    assert [each.outcome for each in judgement.findings] == [Outcome.PASS, Outcome.INSUFFICIENT]
    assert judgement.outcome is Outcome.INSUFFICIENT


def test_the_first_version_is_a_rubber_stamp():
    found = {("all", "roc_auc"): estimate(0.9)}
    gate = Gate(plan=PLAN, checks=(Check(metric="roc_auc", absolute=0.0),))

    judgement = hold(gate, evaluation(found))

    assert judgement.outcome is Outcome.PASS
    assert "rubber stamp" in judgement.facts()
    assert hold(replace(gate, forbids_first=True), evaluation(found)).outcome is Outcome.INSUFFICIENT


METRICS = ("accuracy", "f1", "roc_auc")
SPECS = ("all", "size", "hour > 7")


@st.composite
def results_with_holes(draw):
    """What was measured, all of it excellent, with some slices and metrics missing."""
    specs, found = {}, {}
    for spec in SPECS:
        if draw(st.booleans()):
            specs[spec] = tuple(f"{spec} {i}" for i in range(draw(st.integers(1, 3))))
    for names in specs.values():
        for name in names:
            for metric in METRICS:
                if draw(st.integers(0, 9)):
                    baseline = (estimate(0.99), estimate(0.5)) if draw(st.booleans()) else estimate(0.99)
                    found[name, metric] = baseline
    return specs, found


@st.composite
def checks(draw):
    return Check(
        metric=draw(st.sampled_from(METRICS)),
        slices=tuple(draw(st.lists(st.sampled_from(SPECS), min_size=1, max_size=3, unique=True))),
        across=draw(st.sampled_from([Across.EACH, Across.WORST])),
        lower=draw(st.sampled_from([None, 0.1])),
        absolute=0.0,
        by=draw(st.sampled_from([*Evidence])),
    )


@given(results=results_with_holes(), asked=st.lists(checks(), min_size=1, max_size=4))
def test_a_gate_never_passes_where_a_slice_or_a_metric_is_missing(results, asked):
    specs, found = results
    gate = Gate(plan=PLAN, checks=tuple(asked))

    judgement = hold(gate, evaluation(found, specs=specs))

    wanted = {(spec, check.metric) for check in asked for spec in check.slices}
    is_complete = all(
        spec in specs and all((name, metric) in found for name in specs[spec]) for spec, metric in wanted
    )
    if not is_complete:
        assert judgement.outcome is Outcome.FAIL
        assert any("is missing" in each.text for each in judgement.of(Outcome.FAIL))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Gate(plan=PLAN, checks=()), "would let everything through"),
        (lambda: Check(metric="f1"), "has no limit"),
        (lambda: Check(metric="f1", lower=0.5, upper=0.4), "is above"),
        (lambda: Check(metric="f1", lower=float("nan")), "NaN"),
        (lambda: Check(metric="f1", slices=("__import__('os')",), lower=0.1), "may not hold"),
        (lambda: Check(metric="size_bytes", slices=("hour",), upper=1), "has no slices"),
        (lambda: Gate(plan=PLAN, checks=(Check(metric="rmse", upper=1),)), "no metric 'rmse'"),
        (lambda: Plan(target="y", confidence=1.0), "confidence"),
        (lambda: Plan(target="y", metrics=("auc",)), "no metric 'auc'"),
        (lambda: Plan(target="y", slices=("hour >",)), "is no expression"),
    ],
)
def test_a_gate_that_makes_no_sense_is_refused(make, says):
    with pytest.raises(InvalidError, match=says):
        make()


def test_an_evaluation_of_another_task_is_refused():
    gate = Gate(plan=PLAN, checks=(Check(metric="f1", lower=0.1),))

    with pytest.raises(InvalidError, match="the gate is for classification"):
        hold(gate, evaluation({("all", "r2"): estimate(0.1)}, task=Task.REGRESSION))


def test_the_digest_is_of_what_the_gate_means():
    gate = Gate(plan=PLAN, checks=(Check(metric="f1", lower=1),))

    assert gate.digest == Gate(plan=Plan(target="y", draws=0), checks=(Check(metric="f1", lower=1.0),)).digest
    assert gate.digest != replace(gate, min_rows=31).digest
    assert gate.digest != replace(gate, checks=(Check(metric="f1", lower=0.9),)).digest


def test_a_judgement_shows_itself():
    found = {("size == '<b>'", "f1"): (estimate(0.9, 0.05), estimate(0.8, 0.05))}
    check = Check(metric="f1", slices=("size",), lower=0.8)
    judgement = hold(Gate(plan=PLAN, checks=(check,)), evaluation(found, specs={"size": ("size == '<b>'",)}))

    assert str(judgement).splitlines()[0] == "Gate model: pass. 1 of 1 limits hold"
    row = "| size == '<b>' | 100 | f1 | 0.9 [0.8525, 0.9475] | 0.8 [0.7525, 0.8475] | +0.1 [+0.1, +0.1] |"
    assert row in judgement.to_markdown().splitlines()
    assert "&lt;b&gt;" in judgement._repr_html_()
    assert "<b>'" not in judgement._repr_html_()
