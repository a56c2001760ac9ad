"""Durations as they are written on the command line: 30d, 12h, 90s."""

import re
from typing import Any, Final

import click

UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}


class Duration(click.ParamType[float]):
    """A number with a unit; the value is in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a duration."""
        if isinstance(value, (int, float)):
            return float(value)
        found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smhdw])", str(value).strip())
        if not found:
            self.fail(f"{value!r} is not a duration: write 30d, 12h, 15m or 90s", param, ctx)
        return float(found[1]) * UNITS_S[found[2]]


def size(count: float) -> str:
    """Return a size in words.

    Example:
        >>> size(1536)
        '1.5 KiB'
    """
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
