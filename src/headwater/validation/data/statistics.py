"""What a table holds, column by column, as values that are stored, merged and compared."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import reduce
from itertools import pairwise
from typing import Final, Self, TypeVar

from headwater.errors import InvalidError
from headwater.validation.data.bins import Bin, Histogram, coarsened, count_between, merged, quantile

TOP: Final = 1000
"""So many of the most frequent values of a column are kept."""
BARS: Final = 20
"""Bins of a histogram."""
QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)

T = TypeVar("T")
N = TypeVar("N", int, float)


class Kind(StrEnum):
    """What the values of a column are."""

    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"
    TIME = "time"
    """Dates and times; as numbers they are seconds since the epoch."""
    LIST = "list"
    OTHER = "other"
    """Bytes, structs and the like: counted, not looked into."""

    @property
    def is_numeric(self) -> bool:
        """True where values have `Numbers`."""
        return self in {Kind.INTEGER, Kind.NUMBER, Kind.TIME}


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """The numbers of a column; all but `nans` and `infinities` are about the finite ones.

    Attributes:
        std: Of a sample (divided by count - 1); None of fewer than two numbers.
        bins: Of about equal mass; what quantiles and comparisons are computed from.
    """

    count: int
    zeros: int = 0
    nans: int = 0
    infinities: int = 0
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None
    histogram: Histogram | None = None
    bins: tuple[Bin, ...] = ()

    def quantile(self, share: float) -> float | None:
        """Return a quantile: exact where bins are single values, else off by a bin's mass at the most."""
        return quantile(self.bins, share)

    def merge(self, other: Self) -> Self:
        """Return the numbers of both."""
        if not self.count or not other.count:
            full, empty = (self, other) if self.count else (other, self)
            return replace(full, nans=full.nans + empty.nans, infinities=full.infinities + empty.infinities)
        bins = merged([*self.bins, *other.bins])
        low, high = _least(self.min, other.min), _largest(self.max, other.max)
        return replace(
            self,
            count=self.count + other.count,
            zeros=self.zeros + other.zeros,
            nans=self.nans + other.nans,
            infinities=self.infinities + other.infinities,
            min=low,
            max=high,
            mean=_mean(self.count, self.mean, other.count, other.mean),
            std=_merged_std(self, other),
            histogram=_histogram(bins, low, high),
            bins=coarsened(bins),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """How long texts (in characters) or lists (in values) are.

    Attributes:
        empty: How many have no length.
        invalid: Texts with U+FFFD, which readers put where bytes are no UTF-8.
    """

    count: int
    min: int | None = None
    max: int | None = None
    mean: float | None = None
    empty: int = 0
    invalid: int = 0

    def merge(self, other: Self) -> Self:
        """Return the lengths of both."""
        return replace(
            self,
            count=self.count + other.count,
            min=_least(self.min, other.min),
            max=_largest(self.max, other.max),
            mean=_mean(self.count, self.mean, other.count, other.mean),
            empty=self.empty + other.empty,
            invalid=self.invalid + other.invalid,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCount:
    """A value, as text, and how often it stands in a column."""

    value: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Distinct:
    """How many different values there are."""

    count: int
    is_exact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnStatistics:
    """What one column holds.

    Attributes:
        type: The engine's name of its type, such as `int64`.
        present, missing: Rows with a value and without; NaN is a value, except in pandas' frames.
        distinct: None where values are not compared (lists, bytes).
        top_values: The most frequent values, by count and then value: of texts, booleans, and integers
            with few different ones. All of them where `distinct` is exact and not larger.
    """

    name: str
    kind: Kind
    type: str
    present: int
    missing: int
    distinct: Distinct | None = None
    top_values: tuple[ValueCount, ...] = ()
    numbers: Numbers | None = None
    lengths: Lengths | None = None

    @property
    def fraction(self) -> float:
        """Share of rows that have a value; 1 of no rows."""
        rows = self.present + self.missing
        return self.present / rows if rows else 1.0

    @property
    def has_all_values(self) -> bool:
        """True when `top_values` are all that there are."""
        return (
            self.distinct is not None
            and self.distinct.is_exact
            and self.distinct.count == len(self.top_values)
        )

    def merge(self, other: Self) -> Self:
        """Return what the column holds in both; see `Statistics.merge`.

        Raises:
            InvalidError: the two are not of one kind.
        """
        if not self.present and not other.present:
            return replace(self, missing=self.missing + other.missing)
        if self.kind != other.kind and self.present and other.present:
            raise InvalidError(
                f"column {self.name!r} is {self.kind} in one part and {other.kind} in the other: "
                "read both with the same type before they are merged"
            )
        typed = self if self.present else other
        values = _merged_values(self, other)
        distinct = _merged_distinct(self, other, len(values))
        return replace(
            typed,
            present=self.present + other.present,
            missing=self.missing + other.missing,
            distinct=distinct,
            top_values=values[:TOP],
            numbers=_both(self.numbers, other.numbers, Numbers.merge),
            lengths=_both(self.lengths, other.lengths, Lengths.merge),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two columns that belong together, such as the indexes and values of a sparse feature."""

    left: str
    right: str
    mismatches: int
    """Rows in which one is there without the other, or their lists differ in length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A part of the rows: those in which some columns have these values (as text; None: missing)."""

    key: tuple[tuple[str, str | None], ...]
    row_count: int
    columns: tuple[ColumnStatistics, ...]

    @property
    def name(self) -> str:
        """The key in words, such as `carrier=UA`."""
        return ", ".join(f"{column}={'(missing)' if v is None else v}" for column, v in self.key)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Statistics:
    """What a table holds.

    Attributes:
        columns: In the order of the table.
        pairs: What was counted of columns that belong together.
        slices: Parts of the rows, by key.
    """

    row_count: int
    columns: tuple[ColumnStatistics, ...] = ()
    pairs: tuple[Pair, ...] = ()
    slices: tuple[Slice, ...] = ()

    def __repr__(self) -> str:
        # All figures would fill screens: a notebook shows them as a page.
        return f"<Statistics of {self.row_count:,} rows: {', '.join(c.name for c in self.columns)}>"

    def __getitem__(self, name: str) -> ColumnStatistics:
        """Return the statistics of a column.

        Raises:
            KeyError: there is no such column.
        """
        return self.by_name[name]

    @property
    def by_name(self) -> Mapping[str, ColumnStatistics]:
        """The columns by their names."""
        return {column.name: column for column in self.columns}

    def merge(self, other: Self) -> Self:
        """Return the statistics of both parts together.

        Exact: rows, present, missing, zeros, NaN, infinities, min, max, lengths, pairs, mean and std (up
        to rounding), and values with their counts where both parts have all of them. Approximate: the
        histogram and quantiles, unless bins are single values; counts of values beyond the `TOP` most
        frequent ones; and distinct values, then a lower bound.

        Raises:
            InvalidError: a column has another kind in the other part, or there is one more.
        """
        ours, theirs = self.by_name, other.by_name
        if odd := ours.keys() ^ theirs.keys():
            raise InvalidError(f"only one of two parts has the columns {', '.join(sorted(odd))}")
        return replace(
            self,
            row_count=self.row_count + other.row_count,
            columns=tuple(c.merge(theirs[name]) for name, c in ours.items()),
            pairs=_merged_pairs(self.pairs, other.pairs),
            slices=_merged_slices(self.slices, other.slices),
        )

    def to_json(self) -> bytes:
        """Return them as JSON; the same statistics give the same bytes."""
        import msgspec

        return msgspec.json.encode(self)

    @staticmethod
    def from_json(data: bytes) -> "Statistics":
        """Read what `to_json` wrote.

        Raises:
            InvalidError: these are no statistics.
        """
        import msgspec

        try:
            return msgspec.json.decode(data, type=Statistics)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise InvalidError(f"these bytes are no statistics: {error}") from error

    def _repr_html_(self) -> str:
        from headwater.validation.data.report import statistics_html

        return statistics_html(self)


def merge_all(parts: Sequence[Statistics]) -> Statistics:
    """Merge the statistics of partitions.

    Raises:
        InvalidError: there is no part, or as in `Statistics.merge`.
    """
    if not parts:
        raise InvalidError("there is no part to merge: give the statistics of at least one partition")
    return reduce(Statistics.merge, parts)


def values_by_count(counts: Mapping[str, int]) -> tuple[ValueCount, ...]:
    """Return counted values, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(ValueCount(value=value, count=count) for value, count in ordered)


def _merged_values(one: ColumnStatistics, two: ColumnStatistics) -> tuple[ValueCount, ...]:
    counts = Counter[str]()
    for column in (one, two):
        counts.update({v.value: v.count for v in column.top_values})
    return values_by_count(counts)


def _merged_distinct(one: ColumnStatistics, two: ColumnStatistics, together: int) -> Distinct | None:
    for full, empty in ((one, two), (two, one)):
        if not empty.present:
            return full.distinct
    if one.distinct is None or two.distinct is None:
        return None
    if one.has_all_values and two.has_all_values:
        return Distinct(count=together)
    return Distinct(count=max(one.distinct.count, two.distinct.count, together), is_exact=False)


def _histogram(bins: Sequence[Bin], low: float | None, high: float | None) -> Histogram | None:
    if low is None or high is None:
        return None
    edges = Histogram(low=low, high=high, counts=(0,) * BARS).edges
    ends = [*edges[:-1], math.inf]
    # Rounded as running totals, so that the bars add up to what was counted.
    totals = [round(count_between(bins, -math.inf, end)) for end in ends]
    return Histogram(low=low, high=high, counts=tuple(b - a for a, b in pairwise(totals)))


def _merged_std(one: Numbers, two: Numbers) -> float | None:
    """Chan, Golub and LeVeque (1979): variances of two parts, put together without loss of digits."""
    assert one.mean is not None
    assert two.mean is not None
    total, apart = one.count + two.count, two.mean - one.mean
    squares = sum((n.std or 0.0) ** 2 * (n.count - 1) for n in (one, two))
    squares += apart * apart * one.count * two.count / total
    return math.sqrt(squares / (total - 1))


def _mean(count: int, mean: float | None, other_count: int, other: float | None) -> float | None:
    if mean is None or other is None:
        return other if mean is None else mean
    return mean + (other - mean) * (other_count / (count + other_count))


def _merged_pairs(ours: Sequence[Pair], theirs: Sequence[Pair]) -> tuple[Pair, ...]:
    more = {(p.left, p.right): p.mismatches for p in theirs}
    shared = [p for p in ours if (p.left, p.right) in more]
    return tuple(replace(p, mismatches=p.mismatches + more[p.left, p.right]) for p in shared)


def _merged_slices(ours: Sequence[Slice], theirs: Sequence[Slice]) -> tuple[Slice, ...]:
    found = {each.key: each for each in ours}
    for more in theirs:
        one = found.get(more.key)
        if one is None:
            found[more.key] = more
            continue
        by_name = {c.name: c for c in more.columns}
        columns = tuple(c.merge(by_name[c.name]) for c in one.columns)
        found[more.key] = replace(one, row_count=one.row_count + more.row_count, columns=columns)
    return tuple(found[key] for key in sorted(found, key=repr))


def _both(one: T | None, two: T | None, merge: Callable[[T, T], T]) -> T | None:
    if one is None or two is None:
        return two if one is None else one
    return merge(one, two)


def _least(one: N | None, two: N | None) -> N | None:
    return min((v for v in (one, two) if v is not None), default=None)


def _largest(one: N | None, two: N | None) -> N | None:
    return max((v for v in (one, two) if v is not None), default=None)
