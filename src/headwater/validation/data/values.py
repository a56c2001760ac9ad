"""How often values stand in columns, and how many different ones there are."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Final

from headwater.validation.data import expressions
from headwater.validation.data.expressions import key
from headwater.validation.data.groups import Groups, Place, Row, Summaries
from headwater.validation.data.statistics import TOP, Distinct, Kind, ValueCount, values_by_count

_NEARLY: Final = 0.8
"""From this share of different values on it matters whether really all differ."""
_MOST_CHARS: Final = 256
"""Longer texts are kept by their beginning."""
_COUNTED: Final = {Kind.TEXT, Kind.BOOLEAN, Kind.INTEGER}


def exact_distinct(groups: Groups, summaries: Summaries) -> dict[Place, int]:
    """Count different values of columns in which, by the estimate, nearly all differ."""
    chosen = [
        (number, name)
        for number, (name, kind) in enumerate(groups.kinds.items())
        if kind in {Kind.TEXT, Kind.INTEGER}
        and any(_is_nearly_unique(row, number) for row in summaries.values())
    ]
    if not chosen:
        return {}
    figures = {key(number, "exact"): groups.source[name].nunique() for number, name in chosen}
    rows = groups.aggregate(figures)
    return {(name, group): int(row[key(n, "exact")]) for group, row in rows.items() for n, name in chosen}


def frequencies(
    groups: Groups, summaries: Summaries, exact: Mapping[Place, int]
) -> dict[Place, Counter[str]]:
    """Count values of texts, booleans, and integers with few different ones: the `TOP` + 1 most frequent."""
    names = list(groups.kinds)
    queries = [
        expressions.frequencies(groups.source, name, groups.kinds[name], groups.by, number, TOP + 1)
        for number, name in enumerate(names)
        if _is_worth_it(groups, number, name, summaries, exact)
    ]
    found: defaultdict[Place, Counter[str]] = defaultdict(Counter)
    for row in groups.union(queries):
        found[names[row["label"]], groups.group_of(row)][row["value"]] = int(row["count"])
    return dict(found)


def distinct_of(estimate: object, exact: int | None, counts: Mapping[str, int]) -> Distinct | None:
    """Return how many different values there are, as exactly as it is known.

    Args:
        estimate: What the engine estimates; None where values are not compared.
        exact: What was counted apart.
        counts: Counted values, which are all when there are at most `TOP`.
    """
    if exact is not None:
        return Distinct(count=exact)
    if 0 < len(counts) <= TOP:
        return Distinct(count=len(counts))
    if not isinstance(estimate, int):
        return None
    return Distinct(count=max(estimate, len(counts)), is_exact=estimate == 0)


def top_values(counts: Mapping[str, int]) -> tuple[ValueCount, ...]:
    """Return the `TOP` most frequent values; long texts by their beginning."""
    first = values_by_count(counts)[:TOP]
    shortened = Counter[str]()
    for each in first:
        shortened[each.value[:_MOST_CHARS]] += each.count
    return values_by_count(shortened)


def _is_worth_it(
    groups: Groups, number: int, name: str, summaries: Summaries, exact: Mapping[Place, int]
) -> bool:
    kind = groups.kinds[name]
    if kind not in _COUNTED:
        return False
    most = max((int(row[key(number, "distinct")] or 0) for row in summaries.values()), default=0)
    if most <= TOP * 1.1:  # an estimate is off by a few percent
        return True
    # Of keys and the like no value is frequent, and grouping them would cost the most.
    return kind is Kind.TEXT and all((name, group) not in exact for group in summaries)


def _is_nearly_unique(row: Row, number: int) -> bool:
    present = int(row[key(number, "present")])
    return present > 0 and int(row[key(number, "distinct")] or 0) >= _NEARLY * present
