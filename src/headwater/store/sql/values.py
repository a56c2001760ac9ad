"""Property values as rows: which value stands in which column.

| kind    | int_value      | number_value      | head, text_value | bytes_value |
|---------|----------------|-------------------|------------------|-------------|
| INT     | the value      | nearest double    |                  |             |
| DOUBLE  | sign if infinite | the value, NULL for NaN, the largest double for an infinity | | |
| BOOLEAN | 0 or 1         | 0 or 1            |                  |             |
| STRING  |                |                   | the text         |             |
| STRUCT  |                |                   | text_value: JSON |             |
| BYTES   |                |                   |                  | the value   |
| PROTO   |                |                   | the type's URL   | the message |

A text of up to `HEAD_CHARS` characters stands whole in `head`; a longer one
has its beginning there and all of it in `text_value`. So every text is
indexed, none is too long for the index, and nothing short is stored twice.

A param can be compared as a number and as text, whichever way it was logged:
its row also has the text of a number, and the number that a text spells.
"""

import json
import math
import sys
from enum import IntEnum
from typing import Any, Final, TypeAlias

from headwater.errors import InvalidError
from headwater.model.graph import MAX_NAME_CHARS
from headwater.model.values import Json, PropertyValue, ProtoValue, ValueKind, kind_of
from headwater.store.sql.text import HEAD_CHARS, decode, encode

LARGEST: Final = sys.float_info.max


class Space(IntEnum):
    """Which of a node's maps a property row belongs to."""

    PROPERTY = 0
    CUSTOM = 1
    """Custom properties; tags are these."""
    PARAM = 2
    METRIC = 3
    """Metrics of a model version; those of a run are series."""


VALUE_COLUMNS: Final = ("kind", "int_value", "number_value", "head", "text_value", "bytes_value")
ValueRow: TypeAlias = tuple[int, int | None, float | None, str | None, str | None, bytes | None]


def value_row(name: str, value: PropertyValue, space: Space) -> ValueRow:
    """Turn a value into `VALUE_COLUMNS`.

    Raises:
        InvalidError: the name or the value cannot be stored.
    """
    if not name or len(name) > MAX_NAME_CHARS:
        raise InvalidError(f"property name {name[:40]!r} must have 1 to {MAX_NAME_CHARS} characters")
    kind = kind_of(name, value)
    row = _plain_row(kind, value)
    return _param_row(row, value) if space is Space.PARAM else row


def _plain_row(kind: ValueKind, value: PropertyValue) -> ValueRow:
    match value:
        case bool() | int():
            return (kind, int(value), float(value), None, None, None)
        case float():
            number, sign = split_infinity(value)
            return (kind, sign or None, number, None, None, None)
        case str():
            return (kind, None, None, *split_text(value), None)
        case bytes():
            return (kind, None, None, None, None, value)
        case ProtoValue():
            return (kind, None, None, *split_text(value.type_url), value.value)
        case _:
            return (kind, None, None, None, encode(json.dumps(value)), None)


def _param_row(row: ValueRow, value: PropertyValue) -> ValueRow:
    kind, integer, number, head, text, data = row
    if isinstance(value, str):
        return (kind, integer, _spelled_number(value), head, text, data)
    if isinstance(value, (int, float)):
        return (kind, integer, number, *split_text(str(value)), data)
    return row


def _spelled_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return split_infinity(number)[0]


def split_infinity(value: float) -> tuple[float | None, int]:
    """Return what can be stored of a double everywhere, and the sign of an infinity (0: it is finite)."""
    if math.isfinite(value):
        return value, 0
    if math.isnan(value):
        return None, 0
    return math.copysign(LARGEST, value), int(math.copysign(1, value))


def split_text(text: str) -> tuple[str, str | None]:
    """Return `head` and `text_value` of a text."""
    encoded = encode(text)
    return (encoded, None) if len(encoded) <= HEAD_CHARS else (encoded[:HEAD_CHARS], encoded)


def value_of(row: ValueRow | tuple[Any, ...]) -> PropertyValue:
    """Turn `VALUE_COLUMNS` back into the value."""
    kind, integer, number, head, text, data = row
    match kind:
        case ValueKind.STRING:
            return decode(head if text is None else text)
        case ValueKind.DOUBLE:
            if number is None:
                return math.nan
            return math.copysign(math.inf, integer) if integer else number
        case ValueKind.INT:
            return integer
        case ValueKind.BOOLEAN:
            return bool(integer)
        case ValueKind.BYTES:
            return bytes(data)
        case ValueKind.PROTO:
            return ProtoValue(decode(head if text is None else text), bytes(data))
        case _:
            struct: list[Json] | dict[str, Json] = json.loads(decode(text))
            return struct


def same_value(a: PropertyValue | None, b: PropertyValue | None) -> bool:
    """Tell whether two values are stored alike: kinds differ between 1, 1.0 and True; NaN equals NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    return a == b
