"""Tables that fit: which columns there is room for, and how much of each mapping."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from headwater.cli.cells import cell, entries, fact, fitted, is_blank

GAP: Final = 2
"""Blanks between two columns."""
Rows = Sequence[Mapping[str, Any]]


def rows_table(rows: Rows, columns: Sequence[str], *, minor: Sequence[str], width: int) -> Table:
    """Lay rows out as a table.

    Columns in which nothing stands are left out. A mapping shows as many
    entries as fit on a line, first those that differ between the rows.

    Args:
        rows: One mapping a row, at least one.
        columns: Keys to show, in order.
        minor: Columns to leave out where mappings would have no room, the first one first.
        width: Columns of the terminal.
    """
    shown = [c for c in columns if any(not is_blank(row.get(c)) for row in rows)]
    mappings = [c for c in shown if any(isinstance(row.get(c), dict) for row in rows)]
    texts = {c: [cell(row.get(c)) for row in rows] for c in shown if c not in mappings}
    # At its narrowest a mapping shows one entry.
    narrow = {c: _fitted_column(rows, c, 0) for c in mappings}
    for column in minor:
        if column in texts and mappings and _total(texts | narrow) > width:
            del texts[column]
    spare = max(0, width - _total(texts | narrow))
    for left, column in zip(range(len(mappings), 0, -1), mappings, strict=True):
        least = _width(column, narrow[column])
        texts[column] = _fitted_column(rows, column, least + spare // left)
        spare -= _width(column, texts[column]) - least
    return _table(rows, {c: texts[c] for c in shown if c in texts})


def facts_table(facts: Mapping[str, Any]) -> Table:
    """Lay one thing out: a fact a line, without those that say nothing."""
    table = Table.grid(padding=(0, GAP))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        if not is_blank(value):
            table.add_row(Text(name.replace("_", " ")), Text(fact(value)))
    return table


def _total(texts: Mapping[str, Sequence[str]]) -> int:
    return sum(_width(column, cells) + GAP for column, cells in texts.items()) - GAP


def _width(column: str, cells: Sequence[str]) -> int:
    return max(cell_len(column), *(cell_len(text) for text in cells))


def _fitted_column(rows: Rows, column: str, width: int) -> list[str]:
    keys = _varying_first(rows, column)
    found: list[str] = []
    for row in rows:
        values: Mapping[str, Any] = row.get(column) or {}
        found.append(fitted(entries({key: values[key] for key in keys if key in values}), width))
    return found


def _varying_first(rows: Rows, column: str) -> list[str]:
    """Return all keys of the mappings in a column; those with one value in all rows tell the least."""
    mappings: list[Mapping[str, Any]] = [row.get(column) or {} for row in rows]
    keys = dict.fromkeys(key for mapping in mappings for key in mapping)
    return sorted(keys, key=lambda key: len({repr(mapping.get(key)) for mapping in mappings}) == 1)


def _table(rows: Rows, texts: Mapping[str, Sequence[str]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, GAP, 0, 0))
    for column in texts:
        is_number = all(isinstance(row.get(column), (int, float, type(None))) for row in rows)
        table.add_column(
            Text(column.replace("_", " ")), justify="right" if is_number else "left", overflow="fold"
        )
    for cells in zip(*texts.values(), strict=True):
        table.add_row(*map(Text, cells))
    return table
