"""What we have as JSON: numbers that JSON does not have as strings, enums as words, bytes in base64."""

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum, IntEnum
from typing import Any, Final, cast

import msgspec

from headwater.model.values import ProtoValue

NAN: Final = "NaN"


def json_bytes(value: Any) -> bytes:
    """Encode a value as JSON text; see `json_value` for what becomes of what."""
    plain = json_value(value)
    try:
        return msgspec.json.encode(plain)
    except UnicodeEncodeError:
        # UTF-8 has no lone surrogates; the escapes of JSON have.
        return json.dumps(plain, separators=(",", ":")).encode()


def json_value(value: Any) -> Any:
    """Return a value as dicts, lists and what JSON has.

    NaN and infinities become `"NaN"`, `"Infinity"` and `"-Infinity"`; numbered enums their names in lower
    case; bytes `{"base64": …}`; entities objects with all of their fields.

    Example:
        >>> json_value({"auc": float("nan"), "runs": (1, 2)})
        {'auc': 'NaN', 'runs': [1, 2]}
    """
    match value:
        case Enum():
            return value.name.lower() if isinstance(value, IntEnum) else value.value
        case None | bool() | int() | str():
            return value
        case float():
            return number(value)
        case bytes():
            return {"base64": base64.b64encode(value).decode()}
        case ProtoValue():
            return {"type_url": value.type_url, "base64": base64.b64encode(value.value).decode()}
        case Mapping():
            pairs = cast("Mapping[Any, Any]", value).items()
            return {str(key): json_value(each) for key, each in pairs}
        case set() | frozenset():
            return sorted(json_value(each) for each in cast("frozenset[Any]", value))
        case list() | tuple():
            return [json_value(each) for each in cast("list[Any]", value)]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {field.name: json_value(getattr(value, field.name)) for field in fields(value)}
        case _:
            raise TypeError(f"a {type(value).__name__} has no JSON")


def number(value: float) -> float | str:
    """Return a number, or the word for one that JSON does not have."""
    if math.isfinite(value):
        return float(value)
    return NAN if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
