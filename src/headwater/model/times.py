"""Moments: how people write them, and milliseconds since the epoch."""

import time
from datetime import UTC, datetime

from headwater.errors import InvalidError


def now_ms() -> int:
    """Return the time now in milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


def milliseconds(moment: str | datetime | int) -> int:
    """Return a moment in milliseconds since the epoch, UTC.

    Args:
        moment: ISO 8601, such as `2013-08-14T09:00`; a datetime; or milliseconds since the epoch. Without
            an offset it is in UTC, as all times that headwater prints; a day alone means its beginning.

    Raises:
        InvalidError: the text is no moment.

    Example:
        >>> milliseconds("2013-08-14T09:00") == milliseconds("2013-08-14T11:00+02:00")
        True
    """
    if isinstance(moment, int):
        return moment
    found = _parsed(moment) if isinstance(moment, str) else moment
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidError(f"{text!r} is no moment: write it like 2013-08-14T09:00, in UTC") from error
