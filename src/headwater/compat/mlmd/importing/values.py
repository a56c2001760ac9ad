"""Values as ML Metadata keeps them in columns."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final

from google.protobuf import any_pb2, struct_pb2
from google.protobuf.message import DecodeError

from headwater.compat.mlmd.errors import InvalidArgumentError
from headwater.compat.mlmd.service.values import URL, value_of
from headwater.compat.mlmd.wire import definitions
from headwater.model.values import PropertyValue, ProtoValue

STRUCT_PREFIX: Final = "mlmd-struct::"
COLUMNS: Final = ("int_value", "double_value", "string_value", "byte_value", "proto_value", "bool_value")
"""One of them is filled; which one tells the kind."""

_STRUCT_URL: Final = URL + struct_pb2.Struct.DESCRIPTOR.full_name
_LATIN1: Final = {
    ord(bytes([i]).decode("cp1252", "replace").replace("\ufffd", chr(i))): i for i in range(256)
}
"""MySQL's latin1, from characters to bytes: Windows' code page, with its five gaps filled."""


def value_in(row: Sequence[Any], text: str | None) -> PropertyValue | None:
    """Return the value in `COLUMNS`, or None where there is none or it cannot be read.

    Args:
        row: The columns.
        text: `string_value`, decoded.
    """
    integer, double, _, data, message, flag = row
    if text is not None:
        return struct_in(text) if text.startswith(STRUCT_PREFIX) else text
    if integer is not None:
        return int(integer)
    if double is not None:
        return float(double)
    if flag is not None:
        return bool(flag)
    if message is not None:
        return message_in(message)
    return None if data is None else bytes(data)


def struct_in(text: str) -> PropertyValue:
    """Return the struct that a text holds; a text that only looks like one is a text."""
    try:
        data = base64.b64decode(text.removeprefix(STRUCT_PREFIX), validate=True)
        value = definitions().message("Value")()
        value.struct_value.ParseFromString(data)
        value.struct_value.SetInParent()
    except (binascii.Error, ValueError, DecodeError):
        return text
    try:
        return value_of("struct", value)
    except InvalidArgumentError:
        # It has a Value in it that is empty, which no JSON says.
        return ProtoValue(_STRUCT_URL, data)


def message_in(data: Any) -> PropertyValue | None:
    """Return the message that a column holds: serialized (PostgreSQL), or that as base64 (the others)."""
    raw = data.encode() if isinstance(data, str) else bytes(data)
    for read in (_from_base64, bytes):
        try:
            found = any_pb2.Any.FromString(read(raw))
        except (binascii.Error, ValueError, DecodeError):
            continue
        return ProtoValue(found.type_url, found.value)
    return None


def mended(text: str) -> str:
    """Return a text of MySQL as it was meant.

    The original library sends UTF-8 and tells the server that it is latin1, so a server that keeps UTF-8
    has it encoded twice.
    """
    try:
        return bytes(_LATIN1[ord(character)] for character in text).decode()
    except (KeyError, UnicodeDecodeError):
        return text


def _from_base64(raw: bytes) -> bytes:
    return base64.b64decode(raw, validate=True)
