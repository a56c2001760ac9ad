"""`headwater demo`."""

import shutil
import sys
import time
from types import TracebackType
from typing import Final, Self

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from headwater.cli.output import console
from headwater.cli.session import client
from headwater.demo import libraries
from headwater.demo.months import scored_months
from headwater.tracking.session import without_password

ALL: Final = 10
"""Months from March to December."""
_STYLES: Final = {
    "promote": "green",
    "repaired": "green",
    "resumed": "green",
    "refuse": "yellow",
    "rollback": "yellow",
    "injected": "red",
    "killed": "red",
    "refused": "red",
    "stopped": "red",
}


class _Told:
    """A progress bar on a terminal, with what happens above it; elsewhere only what happens."""

    def __init__(self, console: Console, total: int) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("", total=total)
        self._console, self._part = console, ""

    def begin(self, what: str) -> None:
        # What was begun before is done now.
        self._bar.update(self._task, description=what, advance=1 if self._part else 0)
        self._part = what

    def doing(self, what: str) -> None:
        self._bar.update(self._task, description=f"{self._part} {what:16}")

    def say(self, when: str, word: str, text: str) -> None:
        if not self._console.is_terminal:
            self._console.print(escape(f"{when:7}  {word:8}  {text}"), soft_wrap=True)
            return
        line = Table.grid(padding=(0, 2, 0, 0))
        for width in (7, 8, None):
            line.add_column(width=width)
        line.add_row(when, f"[{_STYLES.get(word, 'none')}]{word}[/]", escape(text))
        self._console.print(line)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


@click.command()
@click.option(
    "--months",
    type=click.IntRange(1, ALL),
    default=ALL,
    show_default=True,
    help="Months to score from March on; the year ends with December.",
)
@click.pass_context
def demo(ctx: click.Context, months: int) -> None:
    """Run a year of New York flights as a pipeline: data, models, gates, decisions, a rollback."""
    libraries.check()
    # They import pandas, which `--help` and the check above should not wait for.
    from headwater.demo.printing import INTRODUCTION, print_report, program_name
    from headwater.demo.report import read_year
    from headwater.demo.story import Story, part_count

    started_s, screen, year = time.monotonic(), console(), scored_months(months)
    screen.print(INTRODUCTION)
    with client(ctx) as opened:
        with _Told(screen, part_count(year)) as told:
            run_id = Story(opened, told).live_through(year)
        report = read_year(opened, run_id)
        url = without_password(opened.store.url)
    store = ctx.find_root().params.get("store")
    program = program_name(sys.argv[0], store and without_password(store), on_path=shutil.which("headwater"))
    print_report(screen, report, program=program, url=url)
    screen.print(f"\n{time.monotonic() - started_s:.0f} s, all kept in {escape(url)}", soft_wrap=True)
