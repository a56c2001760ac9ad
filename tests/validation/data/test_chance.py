"""The law of chance holds: no false alarms beyond the level, and planted shifts are found."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import stats

from headwater.validation.data.bins import Bin, coarsened, cuts_of
from headwater.validation.data.chance import (
    adjusted,
    jensen_shannon_chance,
    jensen_shannon_threshold,
    l_infinity_chance,
    l_infinity_threshold,
)
from headwater.validation.data.comparing import Comparison, compare, cuts_for
from headwater.validation.data.distances import effect_size, jensen_shannon, l_infinity
from headwater.validation.data.schema import Schema
from headwater.validation.data.statistics import (
    ColumnStatistics,
    Distinct,
    Kind,
    Numbers,
    Statistics,
    ValueCount,
)

DRAWS = 1_000
LEVEL = 0.01
WORST = stats.binom.ppf(0.999, DRAWS, LEVEL) / DRAWS
"""What 1,000 draws at the level exceed once in a thousand times."""


def numeric(name: str, values: np.ndarray) -> ColumnStatistics:
    """What would be measured of numbers: bins of about equal mass, at order statistics."""
    ordered = np.sort(values)
    edges = np.unique(np.linspace(0, len(ordered), min(len(ordered), 128) + 1).astype(int))
    bins = [
        Bin(low=float(ordered[a]), high=float(ordered[b - 1]), count=int(b - a)) for a, b in pairwise(edges)
    ]
    numbers = Numbers(count=len(values), min=bins[0].low, max=bins[-1].high, bins=coarsened(bins))
    return ColumnStatistics(
        name=name, kind=Kind.NUMBER, type="float64", present=len(values), missing=0, numbers=numbers
    )


def categorical(name: str, counts: np.ndarray) -> ColumnStatistics:
    found = [ValueCount(value=f"v{i}", count=int(n)) for i, n in enumerate(counts) if n]
    return ColumnStatistics(
        name=name,
        kind=Kind.TEXT,
        type="string",
        present=int(counts.sum()),
        missing=0,
        distinct=Distinct(count=len(found)),
        top_values=tuple(found),
    )


def compared(before: np.ndarray, after: np.ndarray, shares_before, shares_after, random) -> list[bool]:
    """Compare two tables as the gate does, with counts between cuts; tell which are beyond."""
    rows, other_rows = len(after), len(before)
    other = Statistics(
        row_count=other_rows,
        columns=(
            *(numeric(f"n{i}", before[:, i]) for i in range(before.shape[1])),
            categorical("s", random.multinomial(other_rows, shares_before)),
        ),
    )
    measured = Statistics(
        row_count=rows,
        columns=(
            *(numeric(f"n{i}", after[:, i]) for i in range(after.shape[1])),
            categorical("s", random.multinomial(rows, shares_after)),
        ),
    )
    counts = {}
    for name, cuts in cuts_for(measured, other).items():
        cells = np.searchsorted(cuts, after[:, int(name[1:])], side="right")
        counts[name] = tuple(np.bincount(cells, minlength=len(cuts) + 1).tolist())
    return [d.is_beyond for d in compare(measured, other, Schema(), Comparison.DRIFT, counts)]


SHARES = np.array([0.5, 0.3, 0.15, 0.04, 0.01])


@pytest.mark.parametrize("rows", [100, 1_000, 10_000])
def test_of_unchanged_data_no_more_alarm_than_the_level_says(rows):
    random = np.random.default_rng(rows)
    alarms = 0
    for _ in range(DRAWS):
        before, after = random.normal(size=(rows, 3)), random.normal(size=(rows, 3))
        after[:, 2], before[:, 2] = np.exp(after[:, 2]), np.exp(before[:, 2])
        alarms += any(compared(before, after, SHARES, SHARES, random))

    assert alarms / DRAWS <= WORST


@pytest.mark.parametrize(("rows", "other"), [(100, 100), (1_000, 1_000), (10_000, 10_000), (100, 10_000)])
def test_the_laws_of_both_distances_keep_their_level_over_1000_draws(rows, other):
    random = np.random.default_rng(rows + other)
    bins = max(2, min(20, min(rows, other) // 20))
    even = np.full(bins, 1 / bins)
    # Two tables of one origin, counted in the same bins: a draw of the counts is a draw of the tables.
    ones, twos = random.multinomial(rows, even, DRAWS), random.multinomial(other, even, DRAWS)
    values, others = random.multinomial(rows, SHARES, DRAWS), random.multinomial(other, SHARES, DRAWS)

    far = [
        jensen_shannon(a, b) > jensen_shannon_threshold(bins, rows, other, LEVEL)
        for a, b in zip(ones, twos, strict=True)
    ]
    apart = [
        l_infinity_chance(a.tolist(), b.tolist(), l_infinity(a, b)) <= LEVEL
        for a, b in zip(values, others, strict=True)
    ]

    assert np.mean(far) <= WORST
    assert np.mean(apart) <= WORST


@pytest.mark.parametrize(
    ("rows", "shift"), [(100, 1.0), (1_000, 0.4), (10_000, 0.15)], ids=["100", "1000", "10000"]
)
def test_a_planted_shift_is_found(rows, shift):
    random = np.random.default_rng(1)
    moved = SHARES + np.array([-1, 0, 1, 0, 0]) * min(0.3, 8 / math.sqrt(rows) / 2)

    found = []
    for _ in range(50):
        before, after = random.normal(size=(rows, 2)), random.normal(size=(rows, 2))
        after[:, 0] += shift
        found.append(compared(before, after, SHARES, moved, random))

    shifted, still, values = np.mean(found, axis=0)
    assert shifted >= 0.9
    assert values >= 0.9
    assert still <= 0.1


def test_the_threshold_is_where_chance_meets_the_level():
    threshold = jensen_shannon_threshold(10, 500, 700, 0.01)
    values = ([60, 40, 20], [80, 30, 10])

    assert jensen_shannon_chance(10, 500, 700, threshold) == pytest.approx(0.01)
    edge = l_infinity_threshold(*values, 0.01)
    assert l_infinity_chance(*values, edge) <= 0.01 < l_infinity_chance(*values, edge - 0.02)


@pytest.mark.parametrize("counts", [([12, 8], [5, 15]), ([300, 700], [360, 640]), ([3, 997], [9, 991])])
def test_of_two_values_the_chance_is_fishers(counts):
    one, two = counts
    # Fisher's two sides by distance: all tables that are at least as far apart.
    rows, other, pooled = sum(one), sum(two), one[0] + two[0]
    far = l_infinity(one, two)
    law: Any = stats.hypergeom(rows + other, pooled, rows)
    counts_of = np.arange(max(0, pooled - other), min(pooled, rows) + 1)
    is_far = np.abs(counts_of / rows - (pooled - counts_of) / other) >= far - 1e-9

    assert l_infinity_chance(one, two, far) == pytest.approx(law.pmf(counts_of)[is_far].sum(), rel=1e-6)


def test_many_rows_follow_the_normal_law():
    one, two = [500_000, 500_000], [501_500, 498_500]

    exact = stats.norm.sf(0.0015 / math.sqrt(0.25 * 2e-6)) * 2

    assert l_infinity_chance(one, two, 0.0015) == pytest.approx(exact, rel=0.01)


def test_chances_are_corrected_as_scipy_corrects_them():
    chances = np.random.default_rng(1).random(30) ** 3

    assert adjusted(chances.tolist()) == pytest.approx(stats.false_discovery_control(chances))
    assert adjusted([]) == []


def test_distances_equal_those_of_scipy():
    from scipy.spatial import distance

    one, two = np.array([3, 5, 0, 9]), np.array([4, 1, 2, 8])

    assert jensen_shannon(one, two) == pytest.approx(distance.jensenshannon(one, two, base=2) ** 2)
    assert l_infinity(one, two) == pytest.approx(distance.chebyshev(one / 17, two / 15))
    assert effect_size(one, one) == 0


@pytest.mark.parametrize("measure", [jensen_shannon, l_infinity, effect_size])
def test_nothing_has_no_distance(measure):
    with pytest.raises(ValueError, match="something in both"):
        measure([0, 0], [1, 2])


def test_cuts_of_one_value_are_none():
    assert cuts_of([Bin(low=1, high=1, count=50)], 10) == ()
