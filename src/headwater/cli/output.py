"""Printing: tables for people, JSON for programs, from the same rows."""

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

C = TypeVar("C", bound=Callable[..., Any])


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
    width = None if os.isatty(1) else int(os.environ.get("COLUMNS", "160"))
    return Console(width=width, highlight=False)


def print_json(value: object) -> None:
    """Print one JSON value; NaN and infinities are strings, as JSON has none."""
    click.echo(json.dumps(_jsonable(value), ensure_ascii=False))


def print_rows(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, empty: str
) -> None:
    """Print rows as a table of some columns, or all of them as a JSON array.

    Args:
        rows: One mapping a row.
        columns: Keys to show in the table, in order.
        as_json: JSON instead of a table.
        empty: What to say when there are no rows.
    """
    if as_json:
        print_json([dict(row) for row in rows])
        return
    if not rows:
        click.echo(empty)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        is_number = all(isinstance(row.get(column), (int, float, type(None))) for row in rows)
        table.add_column(column.replace("_", " "), justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(row.get(column))) for column in columns))
    console().print(table)


def print_facts(facts: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one thing: a fact a line, or a JSON object."""
    if as_json:
        print_json(dict(facts))
        return
    table = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        if value not in (None, "", {}, [], ()):
            table.add_row(Text(name.replace("_", " "), style="bold"), Text(cell(value)))
    console().print(table)


def cell(value: Any) -> str:
    """Return a value as a table shows it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
        case dict():
            return ", ".join(f"{k}={cell(v)}" for k, v in cast("dict[str, Any]", value).items())
        case list() | tuple():
            return ", ".join(cell(v) for v in cast("Sequence[Any]", value))
        case _:
            return str(value)


def when(time_ms: int | None) -> str | None:
    """Return a time as ISO 8601 in UTC, to the second."""
    if time_ms is None:
        return None
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(start_ms: int, end_ms: int | None) -> float | None:
    """Return seconds between two times."""
    return None if end_ms is None else (end_ms - start_ms) / 1000


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
        case _:
            return value
