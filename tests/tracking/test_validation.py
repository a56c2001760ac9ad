import datetime as dt
import enum
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
import pytest

from headwater.errors import InvalidError, MetricTypeError
from headwater.tracking.validation import (
    check_key,
    metric_value,
    param_values,
    same_value,
    step_value,
    storable,
    tag_values,
    time_value,
)


@pytest.mark.parametrize(
    "key", ["a", "val/auc @ 0.5", "ключ", "x" * 250, "a b:c.d-e_f", "日本\u3000語", "e\u0301"]
)
def test_these_keys_are_fine(key):
    assert check_key("metric", key) == key


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "1 to 250"),
        ("x" * 251, "not 251"),
        ("a\nb", "control"),
        ("a\x00b", "control"),
        ("a\u2028b", "control"),
        ("\ud800", "control"),
        (" a", "white space"),
        ("a ", "white space"),
        (3, "int 3"),
        (None, "NoneType"),
    ],
    ids=repr,
)
def test_these_keys_are_refused(key, reason):
    with pytest.raises(InvalidError, match=reason):
        check_key("metric", key)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, 1.0),
        (3, 3.0),
        (2**60 + 1, float(2**60)),
        (0.5, 0.5),
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.int64(-3), -3.0),
        (np.bool_(True), 1.0),
        (np.array(2.5), 2.5),
        (np.longdouble(2.5), 2.5),
        (Decimal("1.5"), 1.5),
        (Fraction(1, 4), 0.25),
        (float("inf"), math.inf),
    ],
    ids=repr,
)
def test_these_are_numbers(value, expected):
    found = metric_value("m", value)

    assert (found, type(found)) == (expected, float)


@pytest.mark.parametrize(
    "value",
    [
        "0.5",
        b"1",
        np.str_("1"),
        np.array("1"),
        None,
        1j,
        np.complex128(1),
        [0.5],
        np.array([0.5]),
        np.array([]),
        pd.NA,
        np.datetime64("2026-01-01"),
        np.timedelta64(1, "s"),
        dt.timedelta(1),
        pd.Series([1.0]),
        int,
    ],
    ids=repr,
)
def test_these_are_none_and_the_error_names_metric_and_type(value):
    with pytest.raises(MetricTypeError, match=f"'auc' must be a number, got {type(value).__name__}"):
        metric_value("auc", value)


def test_an_integer_beyond_any_float_is_refused():
    with pytest.raises(InvalidError, match="401 digits"):
        metric_value("m", 10**400)


@pytest.mark.parametrize("step", [-(2**63), 2**63 - 1, 0, np.int32(7), True], ids=repr)
def test_whole_numbers_are_steps(step):
    assert step_value("m", step) == int(step)


@pytest.mark.parametrize("step", [2**63, -(2**63) - 1, 1.0, "1", None, np.float64(1)], ids=repr)
def test_other_things_are_no_steps(step):
    with pytest.raises(InvalidError, match="'m'"):
        step_value("m", step)


def test_times_are_milliseconds_or_datetimes_with_a_zone():
    when = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

    assert time_value("m", when) == time_value("m", 1_767_225_600_000) == 1_767_225_600_000
    for wrong in (when.replace(tzinfo=None), 1.5, "now", 2**70):
        with pytest.raises(InvalidError, match="'m'"):
            time_value("m", wrong)


class Color(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "None"),
        (True, True),
        (2**70, str(2**70)),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.str_("x"), "x"),
        (Color.RED, "RED"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (PurePosixPath("a/b"), "a/b"),
        ((1, None, np.float64(2)), [1, None, 2.0]),
        ({3: {1}}, {"3": [1]}),
        (b"\x00", b"\x00"),
        (int, "<class 'int'>"),
    ],
    ids=repr,
)
def test_any_value_becomes_storable(value, expected):
    found = storable(value)

    assert (found, type(found)) == (expected, type(expected))


def test_nested_params_get_dots_and_may_not_meet_others():
    assert param_values({"a": {"b": {"c": 1}}, "d": {}}) == {"a.b.c": 1, "d": {}}
    with pytest.raises(InvalidError, match=r"'a\.b' is given twice"):
        param_values({"a": {"b": 1}, "a.b": 2})
    with pytest.raises(InvalidError, match="int 1"):
        param_values({"a": {1: 2}})


def test_a_tag_of_none_stays_none():
    assert tag_values({"a": None, "b": 1}) == {"a": None, "b": 1}


def test_equal_params():
    assert same_value(1, 1.0)
    assert same_value(math.nan, math.nan)
    assert not same_value(1, True)
    assert not same_value(math.nan, 1.0)
