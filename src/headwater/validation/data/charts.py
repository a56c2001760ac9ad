"""Histograms of a column as SVG, two tables side by side."""

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import Final

from headwater.validation.data.bins import count_between
from headwater.validation.data.figures import value_text
from headwater.validation.data.statistics import BARS, ColumnStatistics, Numbers

_WIDTH: Final = 320
_HEIGHT: Final = 110
_PLOT: Final = 88
_COLOURS: Final = ("#2f6fb5", "#e08a2b")
_LETTER: Final = 7.5
"""Width of a letter of a label."""
_VALUES: Final = 8
"""So many of the most frequent values are drawn."""


def chart(column: ColumnStatistics, other: ColumnStatistics | None = None) -> str:
    """Draw how a column's values are distributed, as shares; beside them those of another table.

    Returns:
        An SVG element; nothing where there is nothing to draw.
    """
    if column.numbers is not None and column.numbers.min is not None:
        return _numbers(column, column.numbers, other.numbers if other else None)
    if column.top_values:
        return _values(column, other)
    return ""


def _numbers(column: ColumnStatistics, numbers: Numbers, other: Numbers | None) -> str:
    both = [n for n in (numbers, other) if n is not None and n.min is not None and n.max is not None]
    low = min(n.min for n in both if n.min is not None)
    high = max(n.max for n in both if n.max is not None)
    if len(both) == 1 and numbers.histogram is not None:
        shares = [_shares(numbers.histogram.counts)]
    else:
        edges = [low + (high - low) * (i / BARS) for i in range(BARS)] + [float("inf")]
        shares = [_shares([count_between(n.bins, a, b) for a, b in pairwise(edges)]) for n in both]
    ends = (value_text(column.kind, low), value_text(column.kind, high))
    return _drawn(column.name, shares, ends)


def _values(column: ColumnStatistics, other: ColumnStatistics | None) -> str:
    counts = [{v.value: v.count for v in c.top_values} for c in (column, other) if c is not None]
    totals = [max(1, c.present) for c in (column, other) if c is not None]
    # Those that differ most are what one wants to see.
    names = sorted(
        {name for each in counts for name in each},
        key=lambda n: (-max(c.get(n, 0) / t for c, t in zip(counts, totals, strict=True)), n),
    )[:_VALUES]
    shares = [[c.get(n, 0) / t for n in names] for c, t in zip(counts, totals, strict=True)]
    return _drawn(column.name, shares, names)


def _drawn(name: str, shares: Sequence[Sequence[float]], labels: Sequence[str]) -> str:
    bars, top = len(shares[0]), max(max(each, default=0.0) for each in shares) or 1.0
    slot = _WIDTH / bars
    width = slot * 0.86 / len(shares)
    drawn = [
        f'<rect x="{i * slot + slot * 0.07 + side * width:.1f}" y="{_PLOT - share / top * _PLOT:.1f}" '
        f'width="{width:.1f}" height="{share / top * _PLOT:.1f}" fill="{_COLOURS[side]}">'
        f"<title>{share:.2%}</title></rect>"
        for side, each in enumerate(shares)
        for i, share in enumerate(each)
    ]
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(name)}">{"".join(drawn)}'
        f'<line x1="0" y1="{_PLOT}" x2="{_WIDTH}" y2="{_PLOT}" stroke="#8a94a0"/>'
        f"{_labels(labels, bars)}</svg>"
    )


def _labels(labels: Sequence[str], bars: int) -> str:
    y, style = _HEIGHT - 6, 'font-size="11" fill="#5b6775"'
    if len(labels) != bars:
        first, last = labels
        return (
            f'<text x="0" y="{y}" {style}>{escape(first)}</text>'
            f'<text x="{_WIDTH}" y="{y}" text-anchor="end" {style}>{escape(last)}</text>'
        )
    slot = _WIDTH / bars
    fits = max(1, int(slot / _LETTER))
    return "".join(
        f'<text x="{i * slot + slot / 2:.1f}" y="{y}" text-anchor="middle" {style}>'
        f"{escape(_cut(label, fits))}</text>"
        for i, label in enumerate(labels)
    )


def _cut(label: str, most: int) -> str:
    """Return the end of a label that is too long: codes of one column often begin alike."""
    return label if len(label) <= most else f"…{label[len(label) - most + 1 :]}"


def _shares(counts: Sequence[float]) -> list[float]:
    total = sum(counts) or 1
    return [count / total for count in counts]
