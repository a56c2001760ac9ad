"""Comparing a table with another one, column by column: with what is served, with the version before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import Final, TypeAlias

from headwater.model.values import Json
from headwater.validation.data.bins import count_below, cuts_of
from headwater.validation.data.chance import (
    adjusted,
    jensen_shannon_chance,
    jensen_shannon_threshold,
    l_infinity_chance,
    l_infinity_threshold,
)
from headwater.validation.data.distances import effect_size, jensen_shannon, l_infinity
from headwater.validation.data.schema import Column, Comparator, Method, Schema
from headwater.validation.data.statistics import ColumnStatistics, Kind, Statistics

MIN_VALUES: Final = 20
"""With fewer values on a side nothing can be told about how they are distributed."""
_VALUES_PER_BIN: Final = 20
"""With fewer expected in a bin the law of chance is no longer the chi-square that is computed with."""
_MAX_BINS: Final = 20
NEGLIGIBLE: Final = 0.1
"""Differences with a smaller effect are told as distances and raise nothing, however certain they are."""


class Comparison(StrEnum):
    """What a table is compared with."""

    DRIFT = "drift"
    """The version before it."""
    SKEW = "skew"
    """What is served."""


class Metric(StrEnum):
    """What a distance measures."""

    L_INFINITY = "l_infinity"
    """Of values: the largest difference of a share, from 0 to 1."""
    JENSEN_SHANNON = "jensen_shannon"
    """Of numbers in bins: a divergence in bits, from 0 to 1."""


Cuts: TypeAlias = Mapping[str, tuple[float, ...]]
Counts: TypeAlias = Mapping[str, tuple[int, ...]]
"""How many numbers of a column lie between cuts: one more than there are cuts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """How far a column is from that of another table.

    Attributes:
        value: The raw distance, also where it is small.
        effect: Cohen's w: how large the difference is, whatever the number of rows.
        chance: How likely so much is when nothing has changed, corrected for the number of columns; None
            where the author fixed a threshold.
        threshold: The author's; else the distance at which this one column would be at the level.
        rows, other_rows: Values that were compared.
        is_exact: False without the data at hand: the distance is then estimated from bins, and what they
            do not tell is taken to be as in the other table.
        is_beyond: The threshold is exceeded; or chance is no likely cause.
    """

    column: str
    comparison: Comparison
    metric: Metric
    value: float
    effect: float
    chance: float | None
    threshold: float
    rows: int
    other_rows: int
    is_exact: bool = True
    is_beyond: bool = False

    def facts(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {
            "column": self.column,
            "comparison": str(self.comparison),
            "metric": str(self.metric),
            "value": self.value,
            "effect": self.effect,
            "chance": self.chance,
            "threshold": self.threshold,
            "rows": self.rows,
            "other_rows": self.other_rows,
            "is_exact": self.is_exact,
            "is_beyond": self.is_beyond,
        }


def comparator_of(schema: Schema, column: Column | None, comparison: Comparison) -> Comparator:
    """Return how a column is compared: as it says, else as the schema does."""
    own = column and (column.drift if comparison is Comparison.DRIFT else column.skew)
    return own or (schema.drift if comparison is Comparison.DRIFT else schema.skew)


def compared_columns(
    measured: Statistics, other: Statistics, schema: Schema, comparison: Comparison
) -> list[tuple[ColumnStatistics, ColumnStatistics, Comparator]]:
    """Return the columns that both tables have and the schema wants compared, with how."""
    theirs, wanted = other.by_name, schema.by_name
    found: list[tuple[ColumnStatistics, ColumnStatistics, Comparator]] = []
    for column in measured.columns:
        comparator = comparator_of(schema, wanted.get(column.name), comparison)
        if comparator.method is not Method.OFF and column.name in theirs:
            found.append((column, theirs[column.name], comparator))
    return found


def cuts_for(measured: Statistics, other: Statistics) -> dict[str, tuple[float, ...]]:
    """Return where numbers are cut to be compared: into parts of about the same mass of the other table."""
    found: dict[str, tuple[float, ...]] = {}
    theirs = other.by_name
    for column in measured.columns:
        two = theirs.get(column.name)
        if two is None or column.numbers is None or two.numbers is None:
            continue
        fewer = min(column.numbers.count, two.numbers.count)
        if fewer >= MIN_VALUES:
            parts = max(2, min(_MAX_BINS, fewer // _VALUES_PER_BIN))
            found[column.name] = cuts_of(two.numbers.bins, parts)
    return found


def compare(
    measured: Statistics,
    other: Statistics,
    schema: Schema,
    comparison: Comparison,
    counts: Counts | None = None,
) -> list[Distance]:
    """Return the distances of all columns that are compared, by their place in the table.

    Columns in which a side has fewer than `MIN_VALUES` values, or kinds that have no distance, are left out.

    Args:
        measured: The table.
        other: The one that it is compared with.
        schema: Which columns are compared, and how.
        comparison: Whether the other one is what is served, or the version before.
        counts: The table's numbers counted between the cuts of `cuts_for`; without them they are
            estimated from its bins, in favour of no difference.
    """
    cuts = cuts_for(measured, other)
    found: list[Distance] = []
    raw: list[int] = []
    for one, two, comparator in compared_columns(measured, other, schema, comparison):
        if one.kind.is_numeric and two.kind.is_numeric:
            distance = _numbers(one, two, cuts.get(one.name), counts, comparison, schema.level)
        elif {one.kind, two.kind} <= {Kind.TEXT, Kind.BOOLEAN}:
            distance = _values(one, two, comparison, schema.level)
        else:
            continue
        if distance is None:
            continue
        if comparator.method is Method.FIXED:
            assert comparator.threshold is not None
            is_beyond = distance.value > comparator.threshold
            distance = replace(distance, chance=None, threshold=comparator.threshold, is_beyond=is_beyond)
        else:
            raw.append(len(found))
        found.append(distance)
    return _corrected(found, raw, schema.level)


def _corrected(found: list[Distance], raw: Sequence[int], level: float) -> list[Distance]:
    """Correct the chances of those that are judged by them."""
    chances = adjusted([found[i].chance or 0.0 for i in raw])
    for i, chance in zip(raw, chances, strict=True):
        found[i] = replace(found[i], chance=chance, is_beyond=chance <= level)
    return found


def _numbers(
    one: ColumnStatistics,
    two: ColumnStatistics,
    cuts: tuple[float, ...] | None,
    counts: Counts | None,
    comparison: Comparison,
    level: float,
) -> Distance | None:
    if cuts is None or one.numbers is None or two.numbers is None:
        return None
    theirs = _own_counts(two, cuts)
    ours = counts.get(one.name) if counts is not None else None
    is_exact = ours is not None
    if ours is None:
        ours = _favourable_counts(one, cuts, theirs)
    rows, other_rows = sum(ours), sum(theirs)
    value = jensen_shannon(ours, theirs)
    return Distance(
        column=one.name,
        comparison=comparison,
        metric=Metric.JENSEN_SHANNON,
        value=value,
        effect=effect_size(ours, theirs),
        chance=jensen_shannon_chance(len(ours), rows, other_rows, value),
        threshold=jensen_shannon_threshold(len(ours), rows, other_rows, level),
        rows=rows,
        other_rows=other_rows,
        is_exact=is_exact,
    )


def _values(
    one: ColumnStatistics, two: ColumnStatistics, comparison: Comparison, level: float
) -> Distance | None:
    if min(one.present, two.present) < MIN_VALUES or not one.top_values or not two.top_values:
        return None
    ours, theirs = _value_counts(one, two)
    value = l_infinity(ours, theirs)
    return Distance(
        column=one.name,
        comparison=comparison,
        metric=Metric.L_INFINITY,
        value=value,
        effect=effect_size(ours, theirs),
        chance=l_infinity_chance(ours, theirs, value),
        threshold=l_infinity_threshold(ours, theirs, level),
        rows=sum(ours),
        other_rows=sum(theirs),
        is_exact=one.has_all_values and two.has_all_values,
    )


def _value_counts(one: ColumnStatistics, two: ColumnStatistics) -> tuple[list[int], list[int]]:
    """Return counts of the same values; those that are among the frequent ones of neither are one."""
    ours = {v.value: v.count for v in one.top_values}
    theirs = {v.value: v.count for v in two.top_values}
    names = sorted(ours.keys() | theirs.keys())
    counts = (
        [_count(name, one, ours, theirs, two.present) for name in names],
        [_count(name, two, theirs, ours, one.present) for name in names],
    )
    for each, total in zip(counts, (one.present, two.present), strict=True):
        each.append(max(0, total - sum(each)))
    return counts


def _count(
    name: str, column: ColumnStatistics, own: Mapping[str, int], others: Mapping[str, int], other_rows: int
) -> int:
    """Return how often a value stands in a column; if that is not known, as in the other table or less."""
    if name in own:
        return own[name]
    if column.has_all_values:
        return 0
    return min(column.top_values[-1].count, round(others[name] * column.present / other_rows))


def _own_counts(column: ColumnStatistics, cuts: tuple[float, ...]) -> tuple[int, ...]:
    """Count a column between cuts that were made at the edges of its own bins."""
    assert column.numbers is not None
    return _between([count_below(column.numbers.bins, cut)[0] for cut in cuts], column.numbers.count)


def _favourable_counts(
    column: ColumnStatistics, cuts: tuple[float, ...], theirs: Sequence[int]
) -> tuple[int, ...]:
    """Count a column between cuts; what cannot be known is taken to be as in the other table."""
    assert column.numbers is not None
    total, expected, below = column.numbers.count, 0.0, list[int]()
    for cut, other in zip(cuts, theirs, strict=False):
        expected += other * total / sum(theirs)
        least, most = count_below(column.numbers.bins, cut)
        below.append(min(most, max(least, round(expected))))
    return _between(below, total)


def _between(below: Sequence[int], total: int) -> tuple[int, ...]:
    ends = [0, *below, total]
    return tuple(b - a for a, b in pairwise(ends))
