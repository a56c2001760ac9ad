"""Python values as bytes that say their type, so that equal bytes mean equal values."""

import datetime as dt
import decimal
import struct
import uuid
from collections.abc import Mapping, Sequence, Set
from typing import Any

from headwater.errors import InvalidError


def encode_value(where: object, value: Any) -> bytes:
    """Encode a value; no two different values give the same bytes.

    Args:
        where: Name of the column, for the error message.
        value: None, bool, int, float, str, bytes, dates and times, Decimal, UUID, numpy scalars, and lists,
            tuples, arrays, sets and dicts of them. The order of a dict's keys makes no difference.

    Raises:
        InvalidError: any other type: what it prints may differ tomorrow.
    """
    match value:
        case None:
            return b"N"
        case bool():
            return b"T" if value else b"F"
        case int():
            return _tagged(b"i", b"%d" % value)
        case float():
            return b"f" + (struct.pack("<d", value) if value == value else b"NaN")
        case str():
            return _tagged(b"s", value.encode("utf-8", "surrogatepass"))
        case bytes() | bytearray():
            return _tagged(b"b", bytes(value))
        case dt.datetime() | dt.date() | dt.time():
            return _tagged(b"t", f"{_time_kind(value)} {value.isoformat()}".encode())
        case dt.timedelta():
            return _tagged(b"d", repr((value.days, value.seconds, value.microseconds)).encode())
        case decimal.Decimal() | uuid.UUID():
            return _tagged(b"x", f"{type(value).__name__} {value}".encode())
        case _:
            return _encode_group(where, value)


def _encode_group(where: object, value: Any) -> bytes:
    match value:
        case Mapping():
            pairs = (encode_value(where, k) + encode_value(where, v) for k, v in value.items())  # pyright: ignore[reportUnknownVariableType]
            return _tagged(b"m", b"".join(sorted(pairs)))
        case Set():
            return _tagged(b"u", b"".join(sorted(encode_value(where, v) for v in value)))  # pyright: ignore[reportUnknownVariableType]
        case Sequence():
            return _tagged(b"l", b"".join(encode_value(where, v) for v in value))  # pyright: ignore[reportUnknownVariableType]
        case _ if type(value).__module__ == "numpy":
            return encode_value(where, value.tolist())
        case _:
            raise InvalidError(
                f"column {where!r} holds a {type(value).__module__}.{type(value).__qualname__}, "
                "which has no digest: turn it into text or numbers first"
            )


def _time_kind(value: dt.datetime | dt.date | dt.time) -> str:
    """A pandas Timestamp counts as a datetime; its text shows the nanoseconds."""
    return "datetime" if isinstance(value, dt.datetime) else type(value).__name__


def _tagged(tag: bytes, data: bytes) -> bytes:
    return b"%b%d:%b" % (tag, len(data), data)
