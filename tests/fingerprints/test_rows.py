"""Rows that only one of two tables has."""

from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import InvalidError
from headwater.fingerprints.rows import rows_between

ROWS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["x", "y", None])), max_size=6)


def frame(rows):
    return pl.DataFrame(
        {"n": [n for n, _ in rows], "t": [t for _, t in rows]}, schema={"n": pl.Int64, "t": pl.String}
    )


@given(ROWS, ROWS)
def test_rows_are_counted_as_often_as_they_stand(before, after):
    ours, theirs = Counter(before), Counter(after)

    assert rows_between(frame(before), frame(after)) == ((theirs - ours).total(), (ours - theirs).total())


@given(ROWS)
def test_no_library_makes_a_difference(rows):
    tables = frame(rows), frame(rows).to_arrow(), frame(rows).to_pandas()

    assert {rows_between(one, two) for one in tables for two in tables} == {(0, 0)}


def test_missing_values_and_nan_are_alike():
    before = pd.DataFrame({"a": [1.0, float("nan")]})
    after = pa.table({"a": pa.array([1, None])})

    assert rows_between(before, after) == (0, 0)


def test_only_columns_of_both_count():
    assert rows_between(pd.DataFrame({"a": [1], "b": [2]}), pd.DataFrame({"c": [3], "a": [1]})) == (0, 0)


def test_lists_and_structs_are_values():
    before = pa.table({"a": [{"k": [1.0, None]}, {"k": []}]})
    after = pa.table({"a": [{"k": [1.0, None]}]})

    assert rows_between(before, after) == (0, 1)


def test_times_and_texts_are_values():
    days = pd.DataFrame({"day": pd.to_datetime(["2013-01-01", None]), "kind": pd.Categorical(["a", None])})

    assert rows_between(days, days.iloc[:1]) == (0, 1)
    assert rows_between(days, pa.Table.from_pandas(days)) == (0, 0)


def test_arrays_have_rows_too():
    assert rows_between(np.array([[1, 2], [1, 2]]), np.array([[1, 2], [3, 4]])) == (1, 1)


@pytest.mark.parametrize("thing", [3, "text", np.float64(1)])
def test_what_is_no_table_is_refused(thing):
    with pytest.raises(InvalidError):
        rows_between(thing, thing)
