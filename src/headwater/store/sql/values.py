"""Property values as rows: which value stands in which column.

| kind    | int_value      | number_value      | head, text_value | bytes_value |
|---------|----------------|-------------------|------------------|-------------|
| INT     | the value      | nearest double    |                  |             |
| DOUBLE  | sign of an infinity or of -0.0 | the value, NULL for NaN, the largest double for an infinity | | |
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

from headwater.model.values import (
    INT64_MAX,
    INT64_MIN,
    Json,
    PropertyValue,
    ProtoValue,
    ValueKind,
    check_json,
    kind_of,
)
from headwater.store.sql.text import HEAD_CHARS, decode, encode

LARGEST: Final = sys.float_info.max
_INT: Final = int(ValueKind.INT)
_DOUBLE: Final = int(ValueKind.DOUBLE)
_STRING: Final = int(ValueKind.STRING)


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
_TELLING: Final = frozenset({str, int, bool, float})
"""Types whose values, unless they are empty or zero, are stored alike if they are equal."""


def value_row(name: str, value: PropertyValue, space: Space) -> ValueRow:
    """Turn a value into `VALUE_COLUMNS`.

    Raises:
        InvalidError: the value cannot be stored; `name` is for the message.
    """
    # Of most values by their very class: to ask for their kind first takes as long as all the rest.
    if type(value) is str:
        row = (_STRING, None, None, *split_text(value), None)
    elif type(value) is float and value and -LARGEST <= value <= LARGEST:
        row = (_DOUBLE, None, value, None, None, None)
    elif type(value) is int and INT64_MIN <= value <= INT64_MAX:
        row = (_INT, value, float(value), None, None, None)
    else:
        # Numbers, not enums, for which the driver would first look for an adapter.
        row = _plain_row(name, int(kind_of(name, value)), value)
    return _param_row(row, value) if space is Space.PARAM else row


def _plain_row(name: str, kind: int, value: Any) -> ValueRow:
    match value:
        case int():
            return (kind, int(value), float(value), None, None, None)
        case str():
            return (kind, None, None, *split_text(value), None)
        case float():
            number, sign = split_infinity(value)
            return (kind, sign or _sign_of_zero(value), number, None, None, None)
        case bytes():
            return (kind, None, None, None, None, value)
        case ProtoValue():
            return (kind, None, None, *split_text(value.type_url), value.value)
        case _:
            return (kind, None, None, None, encode(_json_text(name, value)), None)


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
        return float(value), 0
    if math.isnan(value):
        return None, 0
    return math.copysign(LARGEST, value), int(math.copysign(1, value))


def _sign_of_zero(value: float) -> int | None:
    # SQLite stores a whole double as an integer and forgets this sign.
    return -1 if value == 0 and math.copysign(1, value) < 0 else None


def _json_text(name: str, value: object, *, sorts_keys: bool = False) -> str:
    check_json(name, value)
    # Not as ASCII: JSON cannot tell two escaped halves of a surrogate pair from the whole.
    return json.dumps(value, ensure_ascii=False, sort_keys=sorts_keys)


def split_text(text: str) -> tuple[str, str | None]:
    """Return `head` and `text_value` of a text."""
    encoded = encode(text)
    return (encoded, None) if len(encoded) <= HEAD_CHARS else (encoded[:HEAD_CHARS], encoded)


def value_of(kind: int, integer: Any, number: float | None, text: Any, data: Any) -> PropertyValue:
    """Turn `VALUE_COLUMNS` back into the value; `text` is all of a text, wherever it stood."""
    # Of most properties; a chain of comparisons with enums costs more than the rest of this.
    if kind == _INT:
        return integer
    if kind == _STRING:
        return decode(text)
    if kind == _DOUBLE and number is not None and not integer:
        return number
    match kind:
        case ValueKind.DOUBLE:
            if number is None:
                return math.nan
            return math.copysign(math.inf if number else 0.0, integer) if integer else number
        case ValueKind.BOOLEAN:
            return bool(integer)
        case ValueKind.BYTES:
            return bytes(data)
        case ValueKind.PROTO:
            return ProtoValue(decode(text), bytes(data))
        case _:
            struct: list[Json] | dict[str, Json] = json.loads(decode(text))
            return struct


def same_value(name: str, a: PropertyValue, b: PropertyValue) -> bool:
    """Tell whether two values are stored alike: kinds differ between 1, 1.0 and True; NaN equals NaN.

    Raises:
        InvalidError: one cannot be stored at all; `name` is for the message.
    """
    if a and type(a) in _TELLING and type(a) is type(b) and a == b:
        return True
    if kind_of(name, a) is not kind_of(name, b):
        return False
    if isinstance(a, float) and isinstance(b, float):
        return a.hex() == b.hex()
    if isinstance(a, (list, dict)):
        # As text, so that 1, 1.0 and True differ inside, too.
        return _json_text(name, a, sorts_keys=True) == _json_text(name, b, sorts_keys=True)
    return a == b
