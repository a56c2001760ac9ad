"""Metric series: appended, retried, read, merged, and the newest point beside them."""

import math
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.errors import InvalidError, NotFoundError
from headwater.model.series import LatestMetric, Points
from headwater.model.values import INT64_MAX, INT64_MIN
from tests.contract.builders import add_executions, append, batch

NAN, INF = math.nan, math.inf
quietly = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
few = st.integers(-3, 3)
rows_of_points = st.lists(
    st.tuples(
        few | st.sampled_from([INT64_MIN, INT64_MAX]),
        few,
        st.sampled_from([0.0, -0.0, NAN, INF, 1.5]) | st.floats(),
    ),
    max_size=30,
)


def in_order(rows):
    """Rows as a series returns them: by (step, time, value bits), each exact duplicate once."""
    points = Points.of(rows)
    bits = memoryview(points.values.tobytes()).cast("q")
    return [
        row
        for _, row in sorted(
            {(s, t, b): (s, t, v) for (s, t, v), b in zip(points.rows(), bits, strict=True)}.items()
        )
    ]


def newest(store, execution, key="auc"):
    """The latest metric as a tuple, with NaN that equals itself."""
    found = store.series.latest([execution], keys=[key])[0]
    return tuple(map(repr, (found.step, found.time_ms, found.value, found.min, found.max, found.count)))


@quietly
@given(parts=st.lists(rows_of_points, max_size=4))
def test_any_points_come_back_in_order_without_duplicates(store, parts):
    [e] = add_executions(store)

    store.series.append([batch(e, rows) for rows in parts])

    expected = Points.of(in_order([row for rows in parts for row in rows]))
    assert store.series.read(e, "auc") == expected
    store.series.merge(e)
    assert store.series.read(e, "auc") == expected


def test_series_that_is_not_there_is_empty(store):
    [e] = add_executions(store)

    assert store.series.read(e, "auc") == Points()
    assert store.series.keys(e) == []
    assert store.series.latest([e]) == []
    assert store.series.merge(e) == 0


def test_empty_batches_store_nothing(store):
    [e] = add_executions(store)

    store.series.append([])
    append(store, e, [])

    assert store.series.keys(e) == []


def test_keys_are_sorted_by_code_point(store):
    [e] = add_executions(store)

    store.series.append([batch(e, [(0, 0, 1.0)], key) for key in ("b", "é", "B", "a", "a ", "val/loss")])

    assert store.series.keys(e) == ["B", "a", "a ", "b", "val/loss", "é"]


def test_series_differ_by_execution_and_by_key(store):
    d, e = add_executions(store, 2)
    store.series.append(
        [batch(d, [(0, 0, 1.0)], "k"), batch(d, [(0, 0, 2.0)], "K"), batch(e, [(0, 0, 3.0)], "k")]
    )

    values = [store.series.read(x, key).values[0] for x, key in ((d, "k"), (d, "K"), (e, "k"))]

    assert values == [1.0, 2.0, 3.0]


def test_batch_again_changes_nothing(store):
    [e] = add_executions(store)
    one, two = batch(e, [(0, 0, 1.0)]), batch(e, [(1, 0, 2.0)])
    store.series.append([one])
    before = store.series.latest([e])

    store.series.append([one, one])
    assert store.series.latest([e]) == before

    store.series.append([one, two, two])
    assert store.series.read(e, "auc").rows() == [(0, 0, 1.0), (1, 0, 2.0)]
    assert store.series.latest([e])[0].count == 2


def test_batch_again_after_merging_changes_nothing(store):
    [e] = add_executions(store)
    batches = [batch(e, [(i, 0, float(i))], batch=i, writer=7) for i in range(5)]
    store.series.append(batches)
    store.series.merge(e)
    before = (store.series.read(e, "auc"), store.series.latest([e]))

    store.series.append(batches)

    assert (store.series.read(e, "auc"), store.series.latest([e])) == before
    assert store.series.merge(e) == 1


def test_name_of_a_batch_holds_per_writer_and_series(store):
    [e] = add_executions(store)
    same = [
        batch(e, [(i, 0, 1.0)], key, writer=writer, batch=0)
        for i, (key, writer) in enumerate([("a", 1), ("a", 2), ("b", 1)])
    ]

    store.series.append(same)

    assert [len(store.series.read(e, key)) for key in "ab"] == [2, 1]


def test_append_is_all_or_none(store):
    [e] = add_executions(store)

    with pytest.raises(NotFoundError, match="no execution"):
        store.series.append([batch(e, [(0, 0, 1.0)]), batch(10**9, [(0, 0, 1.0)])])

    assert store.series.keys(e) == []


@pytest.mark.parametrize(
    ("key", "fields"),
    [
        ("", {}),
        ("x" * 501, {}),
        ("\x00" * 300, {}),
        ("k", {"writer": 0}),
        ("k", {"writer": -1}),
        ("k", {"batch": -1}),
        ("k", {"writer": 2**63}),
        ("k", {"batch": 2**63}),
    ],
    ids=[
        "no-key",
        "long-key",
        "key-of-nul",
        "writer-0",
        "negative-writer",
        "negative-batch",
        "large-writer",
        "large-batch",
    ],
)
def test_unusable_batch_is_refused_and_none_is_stored(store, key, fields):
    [e] = add_executions(store)

    with pytest.raises(InvalidError):
        store.series.append([batch(e, [(0, 0, 1.0)], "good"), batch(e, [(0, 0, 1.0)], key, **fields)])

    assert store.series.keys(e) == []


def test_longest_key_is_stored(store):
    [e] = add_executions(store)

    append(store, e, [(0, 0, 1.0)], "😀" * 500)

    assert store.series.keys(e) == ["😀" * 500]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(1, 0, 0.5), (2, 0, 0.25)], (2, 0, 0.25, 0.25, 0.5, 2)),
        ([(2, 0, 0.25), (1, 9, 0.5)], (2, 0, 0.25, 0.25, 0.5, 2)),
        ([(1, 5, 0.25), (1, 4, 0.5)], (1, 5, 0.25, 0.25, 0.5, 2)),
        ([(1, 5, 0.5), (1, 5, 0.25)], (1, 5, 0.5, 0.25, 0.5, 2)),
        ([(1, 5, NAN), (1, 5, -INF)], (1, 5, -INF, -INF, -INF, 2)),
        ([(1, 0, 0.5), (2, 0, NAN)], (2, 0, NAN, 0.5, 0.5, 2)),
        ([(1, 0, NAN)], (1, 0, NAN, None, None, 1)),
        ([(1, 0, INF), (2, 0, -INF)], (2, 0, -INF, -INF, INF, 2)),
        (
            [(1, 0, 5e-324), (2, 0, 1.7976931348623157e308)],
            (2, 0, 1.7976931348623157e308, 5e-324, 1.7976931348623157e308, 2),
        ),
        ([(INT64_MIN, INT64_MIN, 1.0)], (INT64_MIN, INT64_MIN, 1.0, 1.0, 1.0, 1)),
        ([(INT64_MAX, INT64_MAX, 1.0), (INT64_MIN, 0, 2.0)], (INT64_MAX, INT64_MAX, 1.0, 1.0, 2.0, 2)),
    ],
    ids=[
        "step",
        "older-step-later",
        "time",
        "value",
        "nan-below-infinity",
        "nan-is-newest",
        "only-nan",
        "infinities",
        "ends-of-double",
        "lowest-step",
        "ends-of-step",
    ],
)
@pytest.mark.parametrize("at_once", [True, False], ids=["one-batch", "a-batch-each"])
def test_latest_is_the_greatest_by_step_time_and_value(store, rows, expected, at_once):
    [e] = add_executions(store)

    for part in [rows] if at_once else [[row] for row in rows]:
        append(store, e, part)

    assert newest(store, e) == tuple(map(repr, expected))
    store.series.merge(e)
    assert newest(store, e) == tuple(map(repr, expected))


def test_latest_does_not_depend_on_the_order_of_batches(store):
    d, e = add_executions(store, 2)
    rows = [(s, t, v) for s in (1, 2) for t in (1, 2) for v in (NAN, -INF, 0.5, INF)]

    for execution, seed in ((d, 1), (e, 2)):
        for row in random.Random(seed).sample(rows, len(rows)):
            append(store, execution, [row])

    assert newest(store, d) == newest(store, e) == tuple(map(repr, (2, 2, INF, -INF, INF, 16)))


def test_latest_is_by_execution_and_key(store):
    d, e = add_executions(store, 2)
    store.series.append([batch(x, [(0, 1, 1.0)], key) for x in (e, d) for key in ("b", "a")])

    found = store.series.latest([e, d])

    assert [(m.execution_id, m.key) for m in found] == [(d, "a"), (d, "b"), (e, "a"), (e, "b")]
    assert [m.key for m in store.series.latest([d], keys=["b", "zzz"])] == ["b"]
    assert store.series.latest([d], keys=[]) == store.series.latest([]) == []
    assert found[0] == LatestMetric(
        execution_id=d, key="a", step=0, time_ms=1, value=1.0, min=1.0, max=1.0, count=1
    )


def test_last_points_are_the_newest_ones_by_execution_and_key(store):
    d, e, none = add_executions(store, 3)
    values = {"finite": 1.5, "high": INF, "low": -INF, "nan": NAN, "a\0b": 0.25}
    store.series.append([batch(d, [(0, 9, 2.0), (1, 7, value)], key) for key, value in values.items()])
    store.series.append([batch(e, [(2, 5, 0.5)], "b")])

    found = store.series.last_points([e, d, none])

    expected = [(key, 1, 7, values[key]) for key in sorted(values)]
    assert found == {d: found[d], e: [("b", 2, 5, 0.5)], none: []}
    assert repr(found[d]) == repr(expected)
    assert store.series.last_points([]) == {}


def test_latest_of_many_series_that_come_at_once(store):
    [e] = add_executions(store)
    values = {"finite": 1.5, "high": INF, "low": -INF, "nan": NAN, "zero": 0.0}

    for step in (0, 1):
        store.series.append([batch(e, [(step, 7, value)], key) for key, value in values.items()])

    for key, value in values.items():
        bound = None if key == "nan" else value
        assert newest(store, e, key) == tuple(map(repr, (1, 7, value, bound, bound, 2)))


STEPS = [INT64_MIN, -5, 0, 0, 7, 2**40, INT64_MAX]


@pytest.mark.parametrize("is_merged", [True, False], ids=["merged", "in-chunks"])
@pytest.mark.parametrize(
    ("low", "high"),
    [
        (None, None),
        (0, None),
        (None, 0),
        (0, 0),
        (-5, 7),
        (1, 6),
        (7, -5),
        (INT64_MIN, INT64_MIN),
        (INT64_MAX, None),
        (-(2**70), 2**70),
        (2**70, None),
        (None, -(2**70)),
    ],
    ids=str,
)
def test_read_by_steps_includes_both_ends(store, is_merged, low, high):
    [e] = add_executions(store)
    for i, step in enumerate(STEPS):
        append(store, e, [(step, i, 1.0)])
    if is_merged:
        store.series.merge(e)

    found = store.series.read(e, "auc", min_step=low, max_step=high)

    assert list(found.steps) == [
        s for s in STEPS if (low is None or s >= low) and (high is None or s <= high)
    ]


def test_merging_leaves_few_chunks_and_all_points(store):
    [e] = add_executions(store)
    rows = [(i % 1000, i, i / 7) for i in range(10_000)]
    random.Random(5).shuffle(rows)
    store.series.append([batch(e, rows[i::40]) for i in range(40)])

    assert store.series.merge(e) == 3

    assert store.series.read(e, "auc") == Points.of(sorted(rows))
    assert store.series.latest([e])[0].count == 10_000


def test_merging_drops_exact_duplicates_from_the_count(store):
    [e] = add_executions(store)
    same = [(0, 0, NAN), (1, 1, 0.5)]
    store.series.append([batch(e, same), batch(e, same)])
    assert store.series.latest([e])[0].count == 4

    store.series.merge(e)

    assert store.series.latest([e])[0].count == 2


def test_merging_again_and_appending_after_it_lose_nothing(store):
    [e] = add_executions(store)
    for i in range(6):
        append(store, e, [(-i, i, float(i)), (i, i, -float(i))])
        store.series.merge(e)

    assert store.series.merge(e) == 1
    assert store.series.read(e, "auc").rows() == in_order(
        [(s * i, i, -s * float(i)) for i in range(6) for s in (1, -1)]
    )


def test_series_is_merged_by_itself_when_many_chunks_have_come_together(store):
    [e] = add_executions(store)

    for i in range(200):
        append(store, e, [(i, i, float(i))])

    assert list(store.series.read(e, "auc").steps) == list(range(200))
    assert store.series.latest([e])[0].count == 200
    # A second merge finds what the store had not merged by itself, which is less than all.
    assert store.series.merge(e) == 1


def test_many_crowded_series_are_merged_and_keep_their_points(store):
    [e] = add_executions(store)
    keys = [f"k{i:02}" for i in range(20)]

    for i in range(66):
        store.series.append([batch(e, [(i, i, float(place))], key) for place, key in enumerate(keys)])

    # Each has one merged chunk and those that came after it.
    assert store.series.merge(e) == len(keys)
    for place, key in enumerate(keys):
        expected = Points.of((i, i, float(place)) for i in range(66))
        assert store.series.read(e, key) == expected
    assert [m.count for m in store.series.latest([e])] == [66] * len(keys)


def test_large_series_comes_back_bit_by_bit(store):
    [e] = add_executions(store)
    points = Points.of(
        (i * 3 - 50_000, 1_700_000_000_000 + i, math.sin(i) if i % 97 else NAN) for i in range(100_000)
    )

    store.series.append([batch(e, points.rows())])

    assert store.series.read(e, "auc") == points


def test_many_series_go_in_one_call(store):
    [e] = add_executions(store)
    store.series.append([batch(e, [(0, 0, float(i))], f"m{i}") for i in range(700)])
    store.series.append([batch(e, [(1, 0, float(i))], f"m{i}") for i in range(700)])

    found = store.series.latest([e])

    assert sorted((m.key, m.value, m.count) for m in found) == sorted(
        (f"m{i}", float(i), 2) for i in range(700)
    )
