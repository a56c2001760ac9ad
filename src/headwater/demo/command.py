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

from headwater.cli.output import console
from headwater.cli.session import client
from headwater.demo import libraries
from headwater.demo.months import scored_months
from headwater.tracking.session import without_password

ALL: Final = 10
"""Months from March to December."""


class _Told:
    """A progress bar on a terminal, with what happens above it; elsewhere only what happens."""

    def __init__(self, console: Console, total: int) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("", total=total + 1)
        self._console = console

    def doing(self, what: str) -> None:
        self._bar.update(self._task, description=what, advance=1)

    def say(self, text: str) -> None:
        self._console.print(escape(text), soft_wrap=True)

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
    """Run a year of New York flights through the store: data, models, decisions, a rollback."""
    libraries.check()
    # They import pandas, which `--help` and the check above should not wait for.
    from headwater.demo.printing import INTRODUCTION, print_report, program_name
    from headwater.demo.report import read_year
    from headwater.demo.sources import read_sources
    from headwater.demo.story import Story, step_count

    started_s, screen, year = time.monotonic(), console(), scored_months(months)
    screen.print(INTRODUCTION)
    with client(ctx) as opened:
        with _Told(screen, step_count(year)) as told:
            told.doing("reading flights and weather")
            story = Story(opened, read_sources(), told)
            run_id = story.live_through(year)
        report = read_year(opened, run_id)
        url = without_password(opened.store.url)
    store = ctx.find_root().params.get("store")
    program = program_name(sys.argv[0], store and without_password(store), on_path=shutil.which("headwater"))
    print_report(screen, report, program=program, url=url)
    screen.print(f"\n{time.monotonic() - started_s:.0f} s, all kept in {escape(url)}", soft_wrap=True)
