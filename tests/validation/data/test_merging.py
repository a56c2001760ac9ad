from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import InvalidError
from headwater.validation.data import merge_all, statistics
from headwater.validation.data.bins import MASSES, Bin, coarsened, cuts_of, merged, quantile

values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200)


def single(numbers: list[float]) -> list[Bin]:
    """A bin for each value."""
    return [Bin(low=v, high=v, count=numbers.count(v)) for v in sorted(set(numbers))]


@given(values, values)
def test_bins_of_single_values_are_merged_exactly(one, two):
    assert merged([*single(one), *single(two)]) == tuple(single(one + two))


@given(st.lists(values, min_size=1, max_size=4))
def test_merging_loses_no_value_and_leaves_no_overlap(parts):
    bins = merged([b for part in parts for b in coarsened(single(part), 4)])

    assert sum(b.count for b in bins) == sum(map(len, parts))
    assert all(b.low <= b.high for b in bins)
    assert all(a.high <= b.low for a, b in pairwise(bins))
    assert (bins[0].low, bins[-1].high) == (min(map(min, parts)), max(map(max, parts)))


@given(values, st.integers(2, 20))
def test_every_part_between_cuts_holds_its_share(numbers, parts):
    cuts = cuts_of(single(numbers), parts)

    held = np.diff([0, *(sum(v < cut for v in numbers) for cut in cuts), len(numbers)])
    assert all(count >= len(numbers) / parts - 1e-9 for count in held) or not cuts


@given(values)
def test_quantiles_of_single_values_are_those_of_numpy(numbers):
    bins = single(numbers)

    for share in (0.0, 0.25, 0.5, 1.0):
        assert quantile(bins, share) == pytest.approx(np.quantile(numbers, share), rel=1e-9, abs=1e-9)


@pytest.fixture(scope="module")
def parts():
    random = np.random.default_rng(2)
    return [
        pa.table(
            {
                "x": random.normal(shift, 1 + shift, 4_000),
                "s": random.choice(list("abcd"[: 3 + shift]), 4_000),
                "k": random.integers(0, 5, 4_000),
                "id": np.arange(4_000) + 4_000 * shift,
            }
        )
        for shift in (0, 1)
    ]


def test_what_is_exact_after_a_merge_equals_the_whole(parts):
    whole = statistics(pa.concat_tables(parts), slices=["s"])

    found = merge_all([statistics(part, slices=["s"]) for part in parts])

    assert found.row_count == whole.row_count
    for name in ("s", "k"):
        assert (found[name].top_values, found[name].distinct) == (
            whole[name].top_values,
            whole[name].distinct,
        )
    assert found["s"].lengths == whole["s"].lengths
    assert found["k"].numbers.bins == whole["k"].numbers.bins
    x, y = found["x"].numbers, whole["x"].numbers
    assert (x.count, x.min, x.max, x.zeros) == (y.count, y.min, y.max, y.zeros)
    assert (x.mean, x.std) == (pytest.approx(y.mean, rel=1e-10), pytest.approx(y.std, rel=1e-10))
    assert {each.name: each.row_count for each in found.slices} == {
        each.name: each.row_count for each in whole.slices
    }


def test_what_is_approximate_after_a_merge_is_near_the_whole(parts):
    values = np.concatenate([part["x"].to_numpy() for part in parts])

    found = merge_all([statistics(part) for part in parts])

    for share in (0.05, 0.5, 0.95):
        below = (values < found["x"].numbers.quantile(share)).mean()
        assert below == pytest.approx(share, abs=2 / MASSES)
    assert sum(found["x"].numbers.histogram.counts) == len(values)
    assert not found["id"].distinct.is_exact


def test_an_empty_part_changes_nothing(parts):
    measured = statistics(parts[0])

    assert measured.merge(statistics(parts[0][:0])) == measured
    assert statistics(parts[0][:0]).merge(measured) == measured


def test_parts_of_other_kinds_or_columns_are_not_merged():
    one, two = statistics(pa.table({"x": [1]})), statistics(pa.table({"x": ["a"]}))

    with pytest.raises(InvalidError, match="integer in one part and text in the other"):
        one.merge(two)
    with pytest.raises(InvalidError, match="only one of two parts has the columns x, y"):
        one.merge(statistics(pa.table({"y": [1]})))
    with pytest.raises(InvalidError, match="no part to merge"):
        merge_all([])
