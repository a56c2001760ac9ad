"""Answers as HTML for a notebook: everything escaped, nothing loaded from elsewhere, no scripts."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from headwater.provenance.labels import printable
from headwater.provenance.tree import SHOWN_ABOVE, TreeLine
from headwater.provenance.wording import short

MOST_LINES: Final = 500
"""A notebook keeps what it shows; of a larger answer the beginning is shown."""
_GUIDE_WIDTH: Final = 3


def tree_html(lines: Sequence[TreeLine]) -> str:
    """Return a tree as nested lists."""
    parts: list[str] = []
    depth = -1
    for line in lines[:MOST_LINES]:
        below = len(line.guide) // _GUIDE_WIDTH
        parts += ["<ul>"] * (below - depth) + ["</li></ul>"] * (depth - below)
        parts += ["</li>"] if below <= depth else []
        repeat = f" <i>{SHOWN_ABOVE}</i>" if line.is_repeat else ""
        parts.append(f"<li>{_text(line.label)}{repeat}")
        depth = below
    parts += ["</li></ul>"] * (depth + 1)
    return _framed("".join(parts) + _rest(len(lines)))


def table_html(sentence: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a sentence with a table below it; a column in which nothing stands is left out."""
    columns = [name for row in rows[:1] for name in row if not all(_is_blank(each[name]) for each in rows)]
    head = "".join(f"<th style='text-align:left'>{_text(name)}</th>" for name in columns)
    body = "".join(_row(row[name] for name in columns) for row in rows[:MOST_LINES])
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if columns else ""
    return _framed(f"<p>{_text(sentence)}</p>{table}{_rest(len(rows))}")


def _row(values: Iterable[Any]) -> str:
    cells = ("" if _is_blank(value) else _text(short(value)) for value in values)
    return "<tr>" + "".join(f"<td style='text-align:left'>{cell}</td>" for cell in cells) + "</tr>"


def _is_blank(value: object) -> bool:
    return value is None or value in ("", [], ())


def _rest(count: int) -> str:
    return f"<p>… {count - MOST_LINES:,} more</p>" if count > MOST_LINES else ""


def _text(text: str) -> str:
    return escape(printable(text))


def _framed(content: str) -> str:
    return f'<div class="headwater">{content}</div>'
