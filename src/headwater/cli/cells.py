"""Values as a table shows them: short, on one line, and harmless to a terminal."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from rich.cells import cell_len

_DIGEST: Final = re.compile(r"[\w-]+:[0-9a-f]{40,}")
_DIGEST_DIGITS: Final = 12
_EXACT_UP_TO: Final = 1e6


def cell(value: Any) -> str:
    """Return a value in short: four digits, times to the minute, the beginning of a digest.

    Example:
        >>> cell({"auc": 0.712345, "folds": [1, 2]})
        'auc=0.7123, folds=[1, 2]'
    """
    match value:
        case float():
            return f"{value:.6g}" if 1e4 <= abs(value) < _EXACT_UP_TO else f"{value:.4g}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}Z"
        case str() if _DIGEST.fullmatch(value):
            kind, _, digits = value.partition(":")
            return f"{kind}:{digits[:_DIGEST_DIGITS]}"
        case _:
            return _text(value, cell)


def fact(value: Any) -> str:
    """Return a value in full; a mapping of more than three entries has a line for each."""
    match value:
        case float():
            return f"{value:.10g}"
        case datetime():
            return f"{value:%Y-%m-%dT%H:%M:%SZ}"
        case dict() if len(cast("dict[str, Any]", value)) > 3:
            return "\n".join(entries(cast("dict[str, Any]", value), fact))
        case _:
            return _text(value, fact)


def entries(values: Mapping[str, Any], shown: Callable[[Any], str] = cell) -> list[str]:
    """Return each entry as `key=value`."""
    return [f"{printable(key)}={_nested(value, shown)}" for key, value in values.items()]


def fitted(texts: Sequence[str], width: int) -> str:
    """Join as many texts as fit, and at least one; `+4` says how many are left out.

    Example:
        >>> fitted(["auc=0.7", "loss=0.2", "f1=0.5"], 20)
        'auc=0.7, loss=0.2 +1'
    """
    for count in range(len(texts), 1, -1):
        shown = _cut(texts, count)
        if cell_len(shown) <= width:
            return shown
    return _cut(texts, 1)


def printable(text: str) -> str:
    """Return text without characters that could steer a terminal; line ends stay."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)


def is_blank(value: object) -> bool:
    """Tell whether a table would show nothing: None, or anything empty."""
    return value is None or value in ("", {}, [], ())


def _text(value: Any, shown: Callable[[Any], str]) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case dict():
            return ", ".join(entries(cast("dict[str, Any]", value), shown))
        case list() | tuple():
            return ", ".join(_nested(v, shown) for v in cast("Sequence[Any]", value))
        case _:
            return printable(str(value))


def _nested(value: Any, shown: Callable[[Any], str]) -> str:
    match value:
        case dict():
            return f"{{{', '.join(entries(cast('dict[str, Any]', value), shown))}}}"
        case list() | tuple():
            return f"[{', '.join(_nested(v, shown) for v in cast('Sequence[Any]', value))}]"
        case _:
            return shown(value)


def _cut(texts: Sequence[str], count: int) -> str:
    rest = len(texts) - count
    return ", ".join(texts[:count]) + (f" +{rest}" if rest > 0 else "")
