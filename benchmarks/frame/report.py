"""Results as lines on a terminal, as JSON lines, and as the table of docs/performance.md."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TypeAlias

from benchmarks.frame.plot import draw
from benchmarks.frame.results import Curve, Fact, Result, Skip
from benchmarks.frame.units import cost, figures

Outcome: TypeAlias = Result | Fact | Curve | Skip

_WORDS = {True: "met", False: "**missed**", None: "no target"}
_MARKS = {True: "met   ", False: "MISSED", None: "      "}


def line(outcome: Outcome) -> str:
    """Return an outcome as one line."""
    match outcome:
        case Result():
            target = f"  target {outcome.target.words}" if outcome.target else ""
            return (
                f"  {_MARKS[outcome.is_met]} {outcome.work}: {_costs(outcome)}"
                f"  {_ratio(outcome)}{target}" + (f"  ({outcome.note})" if outcome.note else "")
            )
        case Fact():
            return f"  {_MARKS[outcome.is_met]} {outcome.work}: {outcome.seen}  {outcome.target}".rstrip()
        case Curve():
            grown = (
                f"{size:,}: {cost(spent, 's')}"
                for size, spent in zip(outcome.sizes, outcome.seconds, strict=True)
            )
            return f"         {outcome.work}: {', '.join(grown)}"
        case Skip():
            return f"  skipped: {outcome.reason}"


def write_table(page: Path, outcomes: Sequence[Outcome], machine: Mapping[str, str]) -> None:
    """Put the machine and tables between the marks of a page, and a plot of curves beside it.

    A benchmark whose name is in a pair of marks has a table of its own there; the rest share the other one.

    Raises:
        ValueError: the page has no marks.
    """
    text = page.read_text()
    own = [name for name in {o.benchmark: None for o in outcomes} if marks(name)[0] in text]
    shared = [outcome for outcome in outcomes if outcome.benchmark not in own]
    for name in own:
        text = _replaced(text, marks(name), page, [o for o in outcomes if o.benchmark == name], machine)
    if shared:
        text = _replaced(text, marks(), page, shared, machine)
    page.write_text(text)


def marks(name: str = "") -> tuple[str, str]:
    """Return what stands before and after a table: of a benchmark, or of those that share one."""
    words = f"measured {name}".rstrip()
    return f"<!-- {words}: begin -->", f"<!-- {words}: end -->"


def _replaced(
    text: str, ends: tuple[str, str], page: Path, outcomes: Sequence[Outcome], machine: Mapping[str, str]
) -> str:
    before, begin, rest = text.partition(ends[0])
    _, end, after = rest.partition(ends[1])
    if not begin or not end:
        raise ValueError(f"{page} has no {' … '.join(ends)}")
    curves = [outcome for outcome in outcomes if isinstance(outcome, Curve)]
    parts = [_machine(machine), _table([o for o in outcomes if not isinstance(o, Curve)])]
    if curves:
        picture = page.with_name(f"{page.stem}-growth.svg")
        draw(curves, picture)
        parts += [_grown(curves), f"![Cost of one call by size of the store]({picture.name})"]
    return before + "\n\n".join([begin, *parts, end]) + after


def _machine(machine: Mapping[str, str]) -> str:
    return "Machine: " + "; ".join(f"{name} {value}" for name, value in machine.items()) + "."


def _grown(curves: Sequence[Curve]) -> str:
    sizes = curves[0].sizes
    head = " | ".join(f"{size:,}" for size in sizes)
    lines = [f"| one call, by runs (artifacts) in the store | {head} |", f"|---{'|---' * len(sizes)}|"]
    for curve in curves:
        cells = " | ".join(cost(spent, "s") for spent in curve.seconds)
        lines.append(f"| {curve.work} | {cells} |")
    return "\n".join(lines)


def _table(outcomes: Sequence[Result | Fact | Skip]) -> str:
    head = "| work | against | ours | theirs | times cheaper (least to most) | target | |"
    return "\n".join([head, "|---|---|---|---|---|---|---|", *(_row(outcome) for outcome in outcomes)])


def _row(outcome: Result | Fact | Skip) -> str:
    match outcome:
        case Result():
            words = outcome.target.words if outcome.target else ""
            cells = [outcome.work, outcome.peer, *_pair(outcome), _ratio(outcome), words]
            cells.append(_WORDS[outcome.is_met])
        case Fact():
            cells = [outcome.work, "", outcome.seen, "", "", outcome.target, _WORDS[outcome.is_met]]
        case Skip():
            cells = [outcome.benchmark, "", "skipped", "", "", "", outcome.reason]
    return f"| {' | '.join(cell.replace('|', ',') for cell in cells)} |"


def _pair(result: Result) -> tuple[str, str]:
    return cost(median(result.ours), result.unit), cost(median(result.theirs), result.unit)


def _costs(result: Result) -> str:
    ours, theirs = _pair(result)
    return f"{ours} against {theirs} of {result.peer}"


def _ratio(result: Result) -> str:
    ratios = result.ratios
    spread = f" ({figures(min(ratios))} to {figures(max(ratios))})" if len(ratios) > 1 else ""
    return f"{figures(result.ratio)}×{spread}"
