"""Printing: tables for people, JSON for programs, from the same rows."""

import json
import math
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, cast

import click
from rich.console import Console
from rich.table import Table

from headwater.cli.tables import facts_table, rows_table

C = TypeVar("C", bound=Callable[..., Any])

PIPE_WIDTH: Final = 160
"""Width where there is no terminal; `$COLUMNS` sets another."""
INCOMPLETE: Final = 6
"""The exit code of a command that did what it could, and said what is missing."""


def json_option(command: C) -> C:
    """Give a command `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on one line.")(command)


def limit_option(command: C) -> C:
    """Give a command `--limit`."""
    kind = click.IntRange(1, 1_000_000)
    option = click.option("--limit", type=kind, default=20, show_default=True, help="Rows at the most.")
    return option(command)


def console() -> Console:
    """Return a console that is as wide as the terminal, and wide enough for a table in a pipe."""
    width = shutil.get_terminal_size((PIPE_WIDTH, 24)).columns
    return Console(file=sys.stdout, width=width, highlight=False)


def print_json(value: object) -> None:
    """Print one JSON value; NaN and infinities are strings, as JSON has none, and times ISO 8601 in UTC."""
    text = json.dumps(_jsonable(value), ensure_ascii=False)
    # Half of a surrogate pair can be stored, but UTF-8 has no bytes for it.
    click.echo(text.encode("utf-8", "backslashreplace").decode())


def print_rows(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    *,
    as_json: bool,
    empty: str,
    minor: Sequence[str] = (),
) -> None:
    """Print rows as a table of some columns, or all of them as a JSON array.

    Args:
        rows: One mapping a row.
        columns: Keys to show in the table, in order.
        as_json: JSON instead of a table.
        empty: What to say when there are no rows.
        minor: Columns that a narrow table does without, the first one first.
    """
    if as_json:
        print_json([dict(row) for row in rows])
    elif rows:
        _print(rows_table(rows, columns, minor=minor, width=console().width))
    else:
        click.echo(empty)


def print_facts(facts: Mapping[str, Any], *, as_json: bool = False) -> None:
    """Print one thing: a fact a line, or a JSON object."""
    if as_json:
        print_json(dict(facts))
    else:
        _print(facts_table(facts))


def when(time_ms: int | None) -> datetime | None:
    """Return a time in UTC."""
    return None if time_ms is None else datetime.fromtimestamp(time_ms / 1000, UTC)


def duration(start_ms: int, end_ms: int | None) -> float | None:
    """Return seconds between two times."""
    return None if end_ms is None else (end_ms - start_ms) / 1000


def _print(table: Table) -> None:
    target = console()
    with target.capture() as printed:
        target.print(table)
    # Blanks that fill the last column are noise in a file.
    text = "\n".join(line.rstrip() for line in printed.get().splitlines())
    click.echo(text.encode("utf-8", "backslashreplace").decode())


def _jsonable(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case dict():
            return {str(k): _jsonable(v) for k, v in cast("dict[str, Any]", value).items()}
        case list() | tuple():
            return [_jsonable(v) for v in cast("Sequence[Any]", value)]
        case bytes():
            return value.hex()
        case datetime():
            return f"{value:%Y-%m-%dT%H:%M:%SZ}"
        case _:
            return value
