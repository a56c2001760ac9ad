"""Property values: MLMD's messages to ours."""

from collections.abc import Mapping
from typing import Any, cast

from headwater.compat.mlmd.errors import InvalidArgumentError
from headwater.compat.mlmd.service.kinds import Message
from headwater.model.values import Json, PropertyValue, ProtoValue

URL = "type.googleapis.com/"
_PLAIN = frozenset({"int_value", "double_value", "string_value", "bool_value"})


def properties_of(values: Mapping[str, Message]) -> dict[str, PropertyValue]:
    """Turn a map of values into properties.

    Raises:
        InvalidArgumentError: a value has nothing in it.
    """
    if not values:
        return {}
    found: dict[str, PropertyValue] = {}
    # Not `items`, which a map of messages has from Python's own mixin.
    for name in values:
        value = values[name]
        field = value.WhichOneof("value")
        found[name] = getattr(value, field) if field in _PLAIN else value_of(name, value)
    return found


def value_of(name: str, value: Message) -> PropertyValue:
    """Turn one value into ours; `name` is for the message.

    Raises:
        InvalidArgumentError: it has nothing in it.
    """
    field = value.WhichOneof("value")
    if field in _PLAIN:
        return getattr(value, field)
    match field:
        case "struct_value":
            return _object(name, value.struct_value)
        case "proto_value":
            return ProtoValue(value.proto_value.type_url, value.proto_value.value)
        case _:
            raise InvalidArgumentError(
                f"Found unmatched property type: {name} (the value of {name!r} is empty)"
            )


def text_of(text: str) -> str:
    """Return a text as UTF-8 can hold it: half a surrogate pair, which Python allows, becomes `?`."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def utf8(text: str) -> bytes:
    """Return a text as UTF-8; half a surrogate pair becomes `?`, as in `text_of`."""
    return text.encode() if text.isascii() else text.encode("utf-8", "replace")


def pack(target: Message, message: Any) -> None:
    """Put what MLMD has no kind for into an Any."""
    target.type_url = URL + message.DESCRIPTOR.full_name
    target.value = message.SerializeToString()


def _object(name: str, struct: Message) -> dict[str, Json]:
    return {key: _json(name, value) for key, value in struct.fields.items()}


def _json(name: str, value: Message) -> Json:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _object(name, value.struct_value)
        case "list_value":
            return [_json(name, inner) for inner in value.list_value.values]
        case "null_value":
            return None
        case None:
            raise InvalidArgumentError(f"property {name!r} holds a Struct with an empty Value in it")
        case field:
            return cast(Json, getattr(value, field))
