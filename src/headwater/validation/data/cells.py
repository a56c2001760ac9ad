"""The numbers of columns in cells: histograms, and bins of about equal mass.

A column's range is cut into a thousand cells, which one query counts, with the least and the largest value
in each. Cells that hold too much of the column are cut again. Unlike digests of quantiles, that is a tenth of
the work, gives the same answer each time and on every engine, and finds single values that many rows have.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from headwater.validation.data import expressions
from headwater.validation.data.bins import MASSES, Bin, Histogram, coarsened
from headwater.validation.data.expressions import CELLS, key
from headwater.validation.data.groups import Groups, Place, Summaries
from headwater.validation.data.statistics import BARS

_ROUNDS: Final = 4


@dataclass(frozen=True, slots=True)
class Cells:
    """The numbers of one column in one group."""

    histogram: Histogram
    bins: tuple[Bin, ...]


@dataclass(slots=True)
class _Counted:
    """Cells as they come, and which part of the range each is from."""

    bins: list[Bin] = field(default_factory=list[Bin])
    bars: list[int] = field(default_factory=lambda: [0] * BARS)


def numeric_ranges(groups: Groups, summaries: Summaries) -> dict[str, Bin]:
    """Return the range of each column with numbers, over all groups."""
    found: dict[str, Bin] = {}
    for number, (name, kind) in enumerate(groups.kinds.items()):
        if not kind.is_numeric:
            continue
        rows = [row for row in summaries.values() if row[key(number, "min")] is not None]
        if rows:
            found[name] = Bin(
                low=float(min(row[key(number, "min")] for row in rows)),
                high=float(max(row[key(number, "max")] for row in rows)),
                count=0,
            )
    return found


def cells_of(
    groups: Groups, summaries: Summaries, ranges: Mapping[str, Bin], *, refines: bool
) -> dict[Place, Cells]:
    """Count numbers in cells.

    Args:
        groups: The table.
        summaries: Its figures.
        ranges: What to cut, by column: the least and the largest number, of these groups or of more.
        refines: Cut cells again that hold too much; for a table in one group only.
    """
    counted = _count(groups, {name: [each] for name, each in ranges.items()}, _finite(groups, summaries))
    bins = {place: sorted(found.bins, key=_order) for place, found in counted.items()}
    for _ in range(_ROUNDS if refines else 0):
        full = {name: runs for (name, _), found in bins.items() if (runs := _too_full(found))}
        if not full:
            break
        for place, finer in _count(groups, full, ()).items():
            runs = full[place[0]]
            kept = [b for b in bins[place] if not any(run.low <= b.low <= run.high for run in runs)]
            bins[place] = sorted([*kept, *finer.bins], key=_order)
    return {
        place: Cells(
            histogram=Histogram(
                low=ranges[place[0]].low, high=ranges[place[0]].high, counts=tuple(counted[place].bars)
            ),
            bins=coarsened(found),
        )
        for place, found in bins.items()
    }


def _finite(groups: Groups, summaries: Summaries) -> set[str]:
    """Return the columns whose numbers are all finite: what is not was counted apart."""
    return {
        name
        for number, name in enumerate(groups.kinds)
        if not any(key(number, "nans") in row for row in summaries.values())
    }


def _count(
    groups: Groups, ranges: Mapping[str, Sequence[Bin]], whole: Collection[str]
) -> dict[Place, _Counted]:
    names = list(ranges)
    queries = [
        expressions.cells(
            groups.source,
            name,
            groups.kinds[name],
            ranges[name],
            groups.by,
            number,
            is_whole=name in whole,
        )
        for number, name in enumerate(names)
    ]
    found: defaultdict[Place, _Counted] = defaultdict(_Counted)
    for row in groups.union(queries):
        counted = found[names[row["label"]], groups.group_of(row)]
        each = Bin(low=float(row["low"]), high=float(row["high"]), count=int(row["count"]))
        counted.bins.append(each)
        counted.bars[min(BARS - 1, int(row["cell"]) * BARS // CELLS)] += each.count
    return dict(found)


def _too_full(bins: Sequence[Bin]) -> list[Bin]:
    """Return runs of neighbours that each hold too much, each run as one range to cut."""
    # Of two values in a cell both are known: the least and the largest.
    most = max(2, sum(b.count for b in bins) / MASSES)
    runs = groupby(bins, key=lambda b: b.count > most and b.low < b.high)
    found: list[Bin] = []
    for is_full, group in runs:
        run = list(group)
        if is_full:
            found.append(Bin(low=run[0].low, high=run[-1].high, count=sum(b.count for b in run)))
    return found


def _order(each: Bin) -> tuple[float, float]:
    return (each.low, each.high)
