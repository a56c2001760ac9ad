"""What a pipeline does, while it does it: a table that changes, lines in a pipe, or JSON lines."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import click
from rich.live import Live
from rich.table import Table
from rich.text import Text

from headwater.cli.cells import printable
from headwater.cli.output import console, print_json
from headwater.errors import last_line
from headwater.pipelines.events import DONE, Listener, StepEvent, StepState

MAX_ROWS = 40
"""Steps that the table shows; those that run, wait or failed come before those that are done."""
_MARKS = {
    StepState.WAITING: ("·", "dim"),
    StepState.RUNNING: ("▶", "blue"),
    StepState.COMPLETE: ("✓", "green"),
    StepState.REUSED: ("=", "cyan"),
    StepState.RESUMED: ("=", "cyan"),
    StepState.FAILED: ("✗", "red"),
    StepState.INTERRUPTED: ("!", "red"),
    StepState.RETRYING: ("↻", "yellow"),
    StepState.SKIPPED: ("-", "dim"),
    StepState.BLOCKED: ("-", "red"),
    StepState.APPROVAL: ("?", "yellow"),
    StepState.ELSEWHERE: ("▷", "blue"),
}


@contextmanager
def progress(*, as_json: bool) -> Generator[Listener]:
    """Show what happens to steps."""
    if as_json:
        yield lambda event: print_json(event.as_json())
        return
    if not sys.stdout.isatty():
        yield _print_line
        return
    board = Board()
    with Live(get_renderable=board.table, console=console(), refresh_per_second=8):
        yield board.note


class Board:
    """The newest state of each step.

    Args:
        clock_s: A clock that only goes forward.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._newest: dict[str, tuple[StepEvent, float]] = {}

    def note(self, event: StepEvent) -> None:
        """Take in something that happened."""
        self._newest[str(event.slot)] = (event, self._clock_s())

    def table(self) -> Table:
        """Return the table: step, state, time, note."""
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        for column in ("", "step", "state", "time", "note"):
            table.add_column(column, no_wrap=column != "note", overflow="ellipsis")
        found = list(self._newest.items())
        # Python sorts stably: among equals the order of their first event stays.
        shown = sorted(found, key=lambda item: item[1][0].state in DONE)[:MAX_ROWS]
        for name, (event, since_s) in found:
            if (name, (event, since_s)) in shown:
                table.add_row(*self._cells(name, event, since_s))
        if len(found) > len(shown):
            table.add_row("", Text(f"… and {len(found) - len(shown)} that are done", style="dim"))
        return table

    def _cells(self, name: str, event: StepEvent, since_s: float) -> list[Text]:
        mark, style = _MARKS[event.state]
        elapsed_s = self._clock_s() - since_s if event.state is StepState.RUNNING else event.elapsed_s
        return [
            Text(mark, style=style),
            Text(printable(name)),
            Text(event.state.value, style=style),
            Text("" if elapsed_s is None else f"{elapsed_s:.1f} s"),
            Text(_short(event.note), style="dim"),
        ]


def _print_line(event: StepEvent) -> None:
    mark, _ = _MARKS[event.state]
    elapsed = "" if event.elapsed_s is None else f" {event.elapsed_s:.1f} s"
    note = f"  {_short(event.note)}" if event.note else ""
    click.echo(f"{mark} {printable(str(event.slot))} {event.state.value}{elapsed}{note}")


def _short(note: str) -> str:
    return printable(last_line(note))
