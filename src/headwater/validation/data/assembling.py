"""From the answers of a few queries to the statistics of each group of rows."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from headwater.validation.data import expressions
from headwater.validation.data.bins import Bin
from headwater.validation.data.cells import Cells, cells_of, numeric_ranges
from headwater.validation.data.expressions import key
from headwater.validation.data.groups import Group, Groups, Row
from headwater.validation.data.statistics import (
    ColumnStatistics,
    Kind,
    Lengths,
    Numbers,
    Pair,
    Statistics,
)
from headwater.validation.data.values import distinct_of, exact_distinct, frequencies, top_values

_DIGITS: Final = 12
"""Engines add up in parallel, in no fixed order: the digits behind these are noise."""


def measured_groups(
    groups: Groups, pairs: Sequence[tuple[str, str]] = (), ranges: Mapping[str, Bin] | None = None
) -> tuple[dict[Group, Statistics], Mapping[str, Bin]]:
    """Measure all groups of a table's rows together.

    Args:
        groups: The table.
        pairs: Columns that belong together.
        ranges: Of numbers, so that groups have the same cells; by default their own.

    Returns:
        Statistics by group, and the ranges of the columns.
    """
    figures = expressions.summaries(groups.source, groups.kinds)
    for i, (left, right) in enumerate(pairs):
        figures[f"pair_{i}"] = expressions.mismatches(groups.source, left, right)
    summaries = _with_finite(groups, groups.aggregate(figures))
    exact = exact_distinct(groups, summaries)
    values = frequencies(groups, summaries, exact)
    own = numeric_ranges(groups, summaries) if ranges is None else ranges
    cut = {name: each for name, each in own.items() if name in groups.kinds}
    cells = cells_of(groups, summaries, cut, refines=not groups.by)
    found: dict[Group, Statistics] = {}
    for group, row in summaries.items():
        columns = [
            _column(
                groups,
                number,
                row,
                exact.get((name, group)),
                values.get((name, group)) or Counter(),
                cells.get((name, group)),
            )
            for number, name in enumerate(groups.kinds)
        ]
        found[group] = Statistics(
            row_count=int(row["row_count"]),
            columns=tuple(columns),
            pairs=tuple(
                Pair(left=left, right=right, mismatches=int(row[f"pair_{i}"] or 0))
                for i, (left, right) in enumerate(pairs)
            ),
        )
    return found, own


def _with_finite(groups: Groups, summaries: dict[Group, Row]) -> dict[Group, Row]:
    """Ask again where numbers are not all finite, which a mean tells: to look at each value costs a third."""
    odd = {
        number: name
        for number, (name, kind) in enumerate(groups.kinds.items())
        if kind is Kind.NUMBER
        and any(not math.isfinite(row[key(number, "mean")] or 0) for row in summaries.values())
    }
    if not odd:
        return summaries
    again = groups.aggregate(expressions.finite_summaries(groups.source, odd))
    return {group: {**row, **again[group]} for group, row in summaries.items()}


def _column(
    groups: Groups, number: int, row: Row, exact: int | None, counts: Counter[str], cells: Cells | None
) -> ColumnStatistics:
    name = list(groups.kinds)[number]
    kind, present = groups.kinds[name], int(row[key(number, "present")])
    return ColumnStatistics(
        name=name,
        kind=kind,
        type=str(groups.source[name].type()).removeprefix("!"),
        present=present,
        missing=int(row["row_count"]) - present,
        distinct=distinct_of(row.get(key(number, "distinct")), exact, counts),
        top_values=top_values(counts),
        numbers=_numbers(row, number, kind, cells),
        lengths=_lengths(row, number, kind, present),
    )


def _numbers(row: Row, number: int, kind: Kind, cells: Cells | None) -> Numbers | None:
    if not kind.is_numeric:
        return None
    present, nans = int(row[key(number, "present")]), int(row.get(key(number, "nans")) or 0)
    count = int(row.get(key(number, "count"), present))
    return Numbers(
        count=count,
        zeros=int(row[key(number, "zeros")] or 0),
        nans=nans,
        infinities=present - nans - count,
        min=_rounded(row[key(number, "min")], None),
        max=_rounded(row[key(number, "max")], None),
        mean=_rounded(row[key(number, "mean")]),
        std=_rounded(row[key(number, "std")]),
        histogram=cells.histogram if cells else None,
        bins=cells.bins if cells else (),
    )


def _lengths(row: Row, number: int, kind: Kind, present: int) -> Lengths | None:
    if kind not in {Kind.TEXT, Kind.LIST}:
        return None
    shortest, longest = row[key(number, "shortest")], row[key(number, "longest")]
    return Lengths(
        count=present,
        min=None if shortest is None else int(shortest),
        max=None if longest is None else int(longest),
        mean=_rounded(row[key(number, "mean_length")]),
        empty=int(row[key(number, "empty")] or 0),
        invalid=int(row.get(key(number, "invalid")) or 0),
    )


def _rounded(value: Any, digits: int | None = _DIGITS) -> float | None:
    if value is None:
        return None
    number = float(value)
    # Of too few numbers, or of those whose sum is beyond a float, there is no such figure.
    if not math.isfinite(number):
        return None
    return number if digits is None else float(f"{number:.{digits}g}")
