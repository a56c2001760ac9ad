"""Counts of numbers in bins: equal-width ones to look at, and ones of about equal mass to compute with."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final

MASSES: Final = 128
"""A column has about so many bins, so a quantile is off by one part in 128 of the rows at the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """How many values lie from `low` to `high`, both of which are values that were seen."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Counts in bins of one width between `low` and `high`; the last bin has its upper edge."""

    low: float
    high: float
    counts: tuple[int, ...]

    @property
    def edges(self) -> tuple[float, ...]:
        """The edges of the bins, one more than there are bins."""
        parts = len(self.counts)
        # Weighted, because a difference of two large numbers could be too large for a float.
        return tuple(self.low * (1 - i / parts) + self.high * (i / parts) for i in range(parts + 1))


def coarsened(bins: Sequence[Bin], masses: int = MASSES) -> tuple[Bin, ...]:
    """Join neighbours until each bin holds about one part in `masses` of all values.

    Args:
        bins: By `low`, not overlapping.
        masses: How many parts.
    """
    most = sum(b.count for b in bins) / masses
    found: list[Bin] = []
    for each in bins:
        if found and found[-1].count + each.count <= most:
            found[-1] = Bin(low=found[-1].low, high=each.high, count=found[-1].count + each.count)
        else:
            found.append(each)
    return tuple(found)


def cuts_of(bins: Sequence[Bin], parts: int) -> tuple[float, ...]:
    """Return where to cut numbers so that each part holds at least one in `parts` of those in the bins.

    Returns:
        At most `parts` - 1 numbers, rising; each is the least one above its cut.
    """
    least, left = sum(b.count for b in bins) / parts, sum(b.count for b in bins)
    cuts: list[float] = []
    held = 0
    for each, following in pairwise(bins):
        held, left = held + each.count, left - each.count
        if held >= least and left >= least:
            cuts.append(following.low)
            held = 0
    return tuple(cuts)


def count_below(bins: Sequence[Bin], cut: float) -> tuple[int, int]:
    """Return the least and the largest number of values that may lie below a cut: one bin may straddle it."""
    least = sum(b.count for b in bins if b.high < cut)
    return least, least + sum(b.count for b in bins if b.low < cut <= b.high)


def merged(bins: Iterable[Bin]) -> tuple[Bin, ...]:
    """Put bins of several parts together; bins that overlap are joined, the same single values added.

    A wide bin that overlaps many others would swallow them all, so it is first cut where they begin, in
    proportion to the widths: from then on its counts are approximate.
    """
    given = sorted(bins, key=lambda b: (b.low, b.high))
    starts = sorted({b.low for b in given})
    pieces = [piece for each in given for piece in _cut(each, starts)]
    pieces.sort(key=lambda b: (b.low, b.high))
    return tuple(_joined(list(group)) for _, group in groupby(pieces, key=lambda b: b.low))


def quantile(bins: Sequence[Bin], share: float) -> float | None:
    """Return the value below which a share of all values lies, interpolated inside a bin; None of nothing."""
    total = sum(b.count for b in bins)
    if not total:
        return None
    # The rank as numpy's default has it: 0 is the least value, total - 1 the largest.
    rank, below = share * (total - 1), 0
    for i, each in enumerate(bins):
        last = below + each.count - 1
        if rank <= last:
            return each.low + (each.high - each.low) * ((rank - below) / max(1, each.count - 1))
        if rank < last + 1 and i + 1 < len(bins):
            return each.high + (bins[i + 1].low - each.high) * (rank - last)
        below += each.count
    return bins[-1].high


def count_between(bins: Sequence[Bin], low: float, high: float) -> float:
    """Return how many values lie in `[low, high)`, those of a bin that is cut in proportion."""
    found = 0.0
    for each in bins:
        if each.low >= low and each.high < high:
            found += each.count
        elif each.high >= low and each.low < high and each.low < each.high:
            part = (min(each.high, high) - max(each.low, low)) / (each.high - each.low)
            found += each.count * part if math.isfinite(part) else each.count / 2
    return found


def _cut(each: Bin, starts: Sequence[float]) -> list[Bin]:
    inner = starts[bisect_right(starts, each.low) : bisect_right(starts, each.high)]
    if not inner or each.low == each.high:
        return [each]
    edges = [each.low, *inner, each.high]
    # The ends are values that were seen, and stay; the rest is spread by width.
    counts = [1, *[0] * (len(edges) - 3), 1]
    spread, given = each.count - 2, 0
    for place, high in enumerate(edges[1:]):
        upto = round(spread * (high / 2 - each.low / 2) / (each.high / 2 - each.low / 2))
        counts[place] += upto - given
        given = upto
    return [
        Bin(low=low, high=high, count=count)
        for (low, high), count in zip(pairwise(edges), counts, strict=True)
        if count
    ]


def _joined(group: Sequence[Bin]) -> Bin:
    return Bin(low=group[0].low, high=max(b.high for b in group), count=sum(b.count for b in group))
