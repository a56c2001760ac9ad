"""Numbers, names and lists as sentences have them."""

import re
from collections.abc import Sequence
from typing import Any, Final

from headwater.provenance.changes import Change, ColumnChange, MaterialChange

_COMMIT: Final = re.compile(r"[0-9a-f]{40,64}")
_DIGEST: Final = re.compile(r"([\w-]+:)([0-9a-f]{12})[0-9a-f]+")
_RUN: Final = re.compile(r"(runs/[0-9a-f]{8})[0-9a-f]+")
_LONGEST: Final = 60


def short(value: Any) -> str:
    """Return a value in short: four digits, the beginning of a commit, digest or run id.

    Example:
        >>> short(0.712345), short("6b613c1a04" * 4), short(None)
        ('0.7123', '6b613c1a04', 'nothing')
    """
    match value:
        case None:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case str() if _COMMIT.fullmatch(value):
            return value[:10]
        case str() if run := _RUN.fullmatch(value):
            return run[1]
        case str() if digest := _DIGEST.fullmatch(value):
            return digest[1] + digest[2]
        case _:
            text = str(value)
            return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def signed(number: float) -> str:
    """Return a number with its sign: `+0.036`."""
    return f"{number:+.3g}"


def listed(texts: Sequence[str], *, most: int = 3, rest: str = "") -> str:
    """Join texts as a sentence does; beyond `most` it counts the rest.

    Example:
        >>> listed(["a", "b"]), listed(["a", "b", "c", "d"], rest="files")
        ('a and b', 'a, b, c and 1 more files')
    """
    shown = [*texts[:most]]
    if len(texts) > most:
        shown.append(f"{len(texts) - most} more {rest}".rstrip())
    return " and ".join(part for part in (", ".join(shown[:-1]), shown[-1]) if part) if shown else ""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 file`, `2 files`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def rows_words(change: MaterialChange) -> str:
    """Say how many rows there are, instead of how many: `41,664 instead of 38,022 rows (+3,642)`."""
    before = change.before and change.before.row_count
    after = change.after and change.after.row_count
    if before is None or after is None:
        known = after if after is not None else before
        return counted(known, "row") if known is not None else ""
    if before == after:
        return f"{counted(after, 'row')} in both"
    return f"{after:,} instead of {counted(before, 'row')} ({after - before:+,})"


def column_words(columns: Sequence[ColumnChange]) -> str:
    """Say which columns differ."""
    groups = {kind: [c for c in columns if c.change is kind] for kind in Change}
    added = [column.name for column in groups[Change.ADDED]]
    removed = [column.name for column in groups[Change.REMOVED]]
    retyped = [f"{c.name} ({c.after} instead of {c.before})" for c in groups[Change.CHANGED]]
    words = [
        f"{'column' if len(names) == 1 else 'columns'} {listed(names, rest='columns')} {verb}"
        for names, verb in ((added, "added"), (removed, "removed"), (retyped, "retyped"))
        if names
    ]
    return ", ".join(words)
