"""Fewer points that keep the shape: samples and buckets."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.errors import InvalidError
from headwater.model.series import Bucket, Points
from headwater.model.values import INT64_MAX, INT64_MIN
from tests.contract.builders import add_executions, append

NAN, INF = math.nan, math.inf
quietly = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
steps = st.integers(-20, 20) | st.sampled_from([INT64_MIN, INT64_MIN + 1, INT64_MAX - 1, INT64_MAX])
series = st.lists(st.tuples(steps, st.integers(0, 3), st.floats()), min_size=1, max_size=60)


def stored(store, rows):
    """Store a series and return its execution and its points."""
    [e] = add_executions(store)
    append(store, e, rows)
    return e, store.series.read(e, "auc")


def bits(points):
    """Rows that are equal when their bits are."""
    return [(step, time, value.hex()) for step, time, value in points.rows()]


@quietly
@given(rows=series, max_points=st.integers(2, 70))
def test_sample_is_part_of_the_series_with_both_ends(store, rows, max_points):
    e, whole = stored(store, rows)

    sample = store.series.sample(e, "auc", max_points=max_points)

    assert len(sample) == min(max_points, len(whole))
    picked = iter(bits(whole))
    assert all(row in picked for row in bits(sample)), "real points, in order, each once"
    assert (bits(sample)[0], bits(sample)[-1]) == (bits(whole)[0], bits(whole)[-1])


def test_short_series_is_its_own_sample(store):
    e, whole = stored(store, [(i, 0, float(i)) for i in range(10)])

    assert store.series.sample(e, "auc", max_points=10) == whole


def test_sample_keeps_a_spike(store):
    e, _ = stored(store, [(i, 0, 100.0 if i == 777 else math.sin(i / 50)) for i in range(2000)])

    assert 777 in store.series.sample(e, "auc", max_points=100).steps


def test_sample_of_nothing_is_empty(store):
    [e] = add_executions(store)

    assert store.series.sample(e, "auc", max_points=2) == Points()


@pytest.mark.parametrize("max_points", [1, 0, -1])
def test_sample_needs_two_points(store, max_points):
    [e] = add_executions(store)

    with pytest.raises(InvalidError):
        store.series.sample(e, "auc", max_points=max_points)


@quietly
@given(rows=series, count=st.integers(1, 70) | st.sampled_from([10**9, 2**63, 2**70]))
def test_buckets_lose_no_point_and_no_spike(store, rows, count):
    e, whole = stored(store, rows)

    found = store.series.buckets(e, "auc", count=count)

    assert 1 <= len(found) <= count
    assert sum(b.count for b in found) == len(whole)
    assert sum(b.nan_count for b in found) == sum(map(math.isnan, whole.values))
    assert sum(b.infinite_count for b in found) == sum(map(math.isinf, whole.values))
    numbers = [v for v in whole.values if not math.isnan(v)]
    assert min((b.min for b in found if b.min is not None), default=None) == min(numbers, default=None)
    assert max((b.max for b in found if b.max is not None), default=None) == max(numbers, default=None)


@quietly
@given(rows=series, count=st.integers(1, 70))
def test_buckets_have_one_width_and_do_not_overlap(store, rows, count):
    e, whole = stored(store, rows)
    low, high = whole.steps[0], whole.steps[-1]
    width = max(1, -(-(high - low + 1) // count))

    found = store.series.buckets(e, "auc", count=count)

    numbers = [(b.first_step - low) // width for b in found]
    assert numbers == [(b.last_step - low) // width for b in found], "within one bucket"
    assert numbers == sorted(set(numbers)), "each bucket once, in order"


def test_bucket_says_what_is_in_it(store):
    e, _ = stored(store, [(1, 10, 4.0), (2, 20, NAN), (3, 30, 1.0), (4, 40, INF), (9, 90, NAN)])

    found = store.series.buckets(e, "auc", count=2)

    assert found == [
        Bucket(
            first_step=1,
            last_step=4,
            first_time_ms=10,
            last_time_ms=40,
            last=INF,
            min=1.0,
            max=INF,
            mean=INF,
            count=4,
            nan_count=1,
            infinite_count=1,
        ),
        Bucket(
            first_step=9,
            last_step=9,
            first_time_ms=90,
            last_time_ms=90,
            last=None,
            min=None,
            max=None,
            mean=None,
            count=1,
            nan_count=1,
            infinite_count=0,
        ),
    ]


def test_one_bucket_spans_all_steps(store):
    e, _ = stored(store, [(INT64_MIN, 0, 1.0), (INT64_MAX, 0, 3.0)])

    [only] = store.series.buckets(e, "auc", count=1)

    assert (only.first_step, only.last_step, only.mean, only.count) == (INT64_MIN, INT64_MAX, 2.0, 2)


def test_buckets_of_a_range_leave_the_rest_out(store):
    e, _ = stored(store, [(i, 0, float(i)) for i in range(10)])

    found = store.series.buckets(e, "auc", count=2, min_step=2, max_step=5)

    assert [(b.first_step, b.last_step) for b in found] == [(2, 3), (4, 5)]


def test_buckets_of_nothing_are_none(store):
    [e] = add_executions(store)

    assert store.series.buckets(e, "auc", count=5) == []


@pytest.mark.parametrize("count", [0, -1])
def test_ask_for_at_least_one_bucket(store, count):
    [e] = add_executions(store)

    with pytest.raises(InvalidError):
        store.series.buckets(e, "auc", count=count)
