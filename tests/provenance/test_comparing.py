"""What differs between two histories."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given

from headwater.provenance.changes import (
    Change,
    ColumnChange,
    FileChange,
    MetricChange,
    RowChange,
    StepChange,
    Unknown,
    ValueChange,
)
from headwater.provenance.comparing import Evidence, compare
from headwater.provenance.history import History, Material, Step
from tests.provenance.histories import HISTORIES

COMMITS = "a" * 40, "b" * 40
CAPTURED = {
    "git_commit": COMMITS[0],
    "python_version": "CPython 3.11.7",
    "machine": {"cpu": "x"},
    "seeds": {},
}
MAKER = Step(id=1, ref="runs/1", name="train", captured=CAPTURED, packages={"numpy": "2.4"}, patch={})
TRAIN = Material(
    id=1,
    ref="data/train/1",
    name="train",
    kind="data",
    digest="d1",
    row_count=100,
    columns=(("hour", "int64"), ("late", "bool")),
    hops=2,
)
FIRST = History(
    ref="models/late/1", materials=(TRAIN,), maker=MAKER, params={"lr": 0.1}, metrics={"auc": 0.75}
)
SECOND = replace(FIRST, ref="models/late/2", maker=replace(MAKER, id=2))


def differing(**changes):
    return compare(FIRST, replace(SECOND, **changes))


def captured(**facts):
    return replace(MAKER, id=2, captured=CAPTURED | facts)


@given(HISTORIES)
def test_a_thing_does_not_differ_from_itself(history):
    found = compare(history, history)

    assert found.is_empty
    assert found.rows() == [row for row in found.rows() if row["what"] == "not known"]


@given(HISTORIES, HISTORIES)
def test_comparing_the_other_way_round_is_the_mirrored_difference(one, two):
    # As text, because NaN does not equal itself.
    assert repr(compare(one, two).mirrored()) == repr(compare(two, one))


@given(HISTORIES, HISTORIES)
def test_mirroring_twice_changes_nothing(one, two):
    found = compare(one, two)

    assert repr(found.mirrored().mirrored()) == repr(found)


@given(HISTORIES, HISTORIES)
def test_every_difference_is_json_and_words(one, two):
    found = compare(one, two)

    assert json.loads(json.dumps(found.json()))["sentence"] == str(found)
    assert {row["section"] for row in found.rows()} >= {*found.different}
    assert not {*found.same} & {*found.different}


def test_the_same_run_again_differs_in_nothing():
    found = compare(FIRST, SECOND)

    assert found.is_empty
    assert str(found) == (
        "Nothing that is recorded of models/late/2 and models/late/1 differs. The same in both: data, code, "
        "params, packages, environment, machine, seeds and metrics."
    )


def test_another_data_version_says_what_is_new_in_it():
    newer = replace(
        TRAIN,
        id=2,
        ref="data/train/2",
        digest="d2",
        row_count=1300,
        columns=(("hour", "float64"), ("carrier", "str")),
    )

    (change,) = differing(materials=(newer,)).data

    assert (change.change, change.row_difference) == (Change.CHANGED, 1200)
    assert change.columns == (
        ColumnChange(name="carrier", after="str"),
        ColumnChange(name="hour", before="int64", after="float64"),
        ColumnChange(name="late", before="bool"),
    )
    assert str(differing(materials=(newer,))).startswith(
        "models/late/2 differs from models/late/1: made from data/train/2 instead of data/train/1 (1,300 "
        "instead of 100 rows (+1,200), column carrier added, column late removed, column hour (float64 "
        "instead of int64) retyped). The same in both: code,"
    )


def test_the_same_content_under_another_version_is_no_difference():
    assert differing(materials=(replace(TRAIN, id=9, ref="data/train/9"),)).is_empty


def test_data_that_only_one_was_made_from_is_added_or_removed():
    weather = replace(TRAIN, id=5, ref="data/weather/1", name="weather", digest="w")

    found = differing(materials=(TRAIN, weather))

    assert [(c.change, c.name) for c in found.data] == [(Change.ADDED, "weather")]
    assert [(c.change, c.name) for c in found.mirrored().data] == [(Change.REMOVED, "weather")]
    assert "made also from data/weather/1" in str(found)
    assert "no longer made from data/weather/1" in str(found.mirrored())


def test_rows_that_somebody_counted_are_told():
    newer = replace(TRAIN, id=2, ref="data/train/2", digest="d2")
    evidence = Evidence(rows={(1, 2): RowChange(added=3, removed=4)})

    found = compare(FIRST, replace(SECOND, materials=(newer,)), evidence)

    assert found.data[0].rows == RowChange(added=3, removed=4)
    assert "by content 3 rows added and 4 removed" in str(found)


def test_another_commit_comes_with_the_files_that_git_tells():
    evidence = Evidence(files=[FileChange(path="train.py", change=Change.CHANGED)])

    found = compare(FIRST, replace(SECOND, maker=captured(git_commit=COMMITS[1])), evidence).code

    assert found.commit == ValueChange(name="commit", before=COMMITS[0], after=COMMITS[1])
    assert found.files == (FileChange(path="train.py", change=Change.CHANGED),)


def test_without_a_repository_the_commits_are_all_and_it_says_so():
    second = replace(SECOND, maker=captured(git_commit=COMMITS[1]))

    found = compare(FIRST, second, Evidence(why_no_files="no repository here"))

    assert "commit bbbbbbbbbb instead of aaaaaaaaaa (no repository here)" in str(found)


def test_uncommitted_changes_are_compared_by_file():
    dirty = replace(MAKER, id=2, patch={"train.py": "p1"})

    assert differing(maker=dirty).code.uncommitted == (FileChange(path="train.py", change=Change.ADDED),)


def test_packages_are_added_removed_or_of_another_version():
    found = differing(maker=replace(MAKER, id=2, packages={"numpy": "2.5", "polars": "2.1"}))

    assert found.packages == (
        ValueChange(name="numpy", before="2.4", after="2.5"),
        ValueChange(name="polars", after="2.1"),
    )
    assert "other packages (numpy 2.5 instead of 2.4, 1 added)" in str(found)


@pytest.mark.parametrize(
    ("section", "facts"),
    [
        ("environment", {"python_version": "CPython 3.12.1"}),
        ("machine", {"machine": {"cpu": "y"}}),
        ("seeds", {"seeds": {"random": "sha256:1"}}),
    ],
)
def test_what_it_ran_on_is_compared(section, facts):
    assert differing(maker=captured(**facts)).different == (section,)


def test_metrics_come_with_their_difference():
    (change,) = differing(metrics={"auc": 1.0}).metrics

    assert change == MetricChange(name="auc", before=0.75, after=1.0)
    assert change.difference == 0.25
    assert math.isclose(compare(SECOND, replace(FIRST, metrics={"auc": 1.0})).metrics[0].difference, 0.25)
    assert "auc is 1 instead of 0.75 (+0.25)" in str(differing(metrics={"auc": 1.0}))


def test_a_step_before_it_with_other_params_is_told():
    before = Step(id=7, ref="runs/7", name="prepare", params={"days": 60}, hops=3)
    after = replace(before, id=8, ref="runs/8", params={"days": 90})

    found = compare(replace(FIRST, steps=(before,)), replace(SECOND, steps=(after,)))

    assert found.steps == (
        StepChange(before=before, after=after, params=(ValueChange(name="days", before=60, after=90),)),
    )


@pytest.mark.parametrize(("one", "two"), [(1, 1.0), (float("nan"), float("nan")), ([1, {}], [1, {}])])
def test_equal_values_are_no_difference(one, two):
    assert compare(replace(FIRST, params={"p": one}), replace(SECOND, params={"p": two})).params == ()


@pytest.mark.parametrize(("one", "two"), [(1, True), (0, False), (1, "1"), ([True], [1])])
def test_values_of_other_kinds_differ(one, two):
    assert compare(replace(FIRST, params={"p": one}), replace(SECOND, params={"p": two})).params != ()


def test_what_is_not_recorded_is_not_called_the_same():
    found = compare(FIRST, History(ref="models/late/2"))

    assert "packages" not in found.same + found.different
    assert Unknown(section="packages", why="no packages are recorded for models/late/2") in found.unknown
    assert "no commit is recorded for models/late/2" in str(found)
