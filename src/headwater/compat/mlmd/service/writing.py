"""Stored nodes as protobuf's wire format.

A message of Python takes some twenty times as long to fill, field by field, as to read from its bytes;
so nodes, of which answers hold thousands, are written as bytes, and an answer reads them at once.

Source: the encoding of protocol buffers: a field is its number and wire type, then its value; integers are
varints, texts and messages have their length before them, a map is a list of entries of key and value.
"""

from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from struct import Struct
from typing import Any, Final, cast

from google.protobuf import struct_pb2, wrappers_pb2

from headwater.compat.mlmd.service.kinds import Kind, Message
from headwater.compat.mlmd.service.values import pack, utf8
from headwater.compat.mlmd.wire import definitions
from headwater.model.graph import ArtifactState, NodeKind
from headwater.model.values import Json, Properties, ProtoValue

_VARINT, _SIZED = 0, 2
_NUMBERS: Final = frozenset(
    {"id", "type_id", "create_time_since_epoch", "last_update_time_since_epoch", "state", "last_known_state"}
)
_SMALL: Final = [bytes((number,)) for number in range(128)]
_INT, _DOUBLE, _STRING, _BOOL = b"\x08", b"\x11", b"\x1a", b"\x30"
"""What stands before the plain kinds of a `Value`, which are its fields 1 to 3 and 6."""
_BITS_64: Final = (1 << 64) - 1
_double: Final = Struct("<d").pack


def listed(field: str, call: str, kind: Kind, nodes: Iterable[Any]) -> bytes:
    """Return nodes as the bytes of a field that lists them.

    Args:
        field: Its name.
        call: Of the response that has it.
        kind: Of the nodes.
        nodes: In their order.
    """
    tag = _tag(definitions().message(f"{call}Response").DESCRIPTOR, field, _SIZED)
    tags = _tags(kind.title)
    return b"".join(tag + _sized(_node(kind, tags, node)) for node in nodes)


def node_bytes(kind: Kind, node: Any) -> bytes:
    """Return the bytes of a stored node's message."""
    return _node(kind, _tags(kind.title), node)


def _node(kind: Kind, tags: Mapping[str, bytes], node: Any) -> bytes:
    parts = [
        tags["id"] + _varint(node.id),
        _type(kind.word, node.type_id, node.type_name),
        _times(kind.word, node.created_ms, node.updated_ms),
    ]
    if node.name is not None:
        parts.append(tags["name"] + _sized(utf8(node.name)))
    if node.external_id is not None:
        parts.append(tags["external_id"] + _sized(utf8(node.external_id)))
    is_artifact = kind.kind is NodeKind.ARTIFACT
    if is_artifact:
        # MLMD has no artifact without a URI: one that was never given is empty.
        parts.append(tags["uri"] + _sized(utf8(node.uri or "")))
    if kind.state is not None:
        state = ArtifactState.DELETED if is_artifact and node.deleted_ms is not None else node.state
        if state is not None:
            parts.append(tags[kind.state] + _SMALL[state])
    if node.deleted_ms is not None:
        parts.append(tags["system_metadata"] + _sized(_deletion(node)))
    if node.properties:
        _write_map(parts, tags["properties"], node.properties)
    if node.custom_properties:
        _write_map(parts, tags["custom_properties"], node.custom_properties)
    return b"".join(parts)


def _deletion(node: Any) -> bytes:
    """Return the mark of a deleted node, in our own words: MLMD has none."""
    definition = definitions()
    deletion = definition.class_of("headwater.mlmd.Deletion")(deleted_ms=node.deleted_ms)
    if node.removed_ms is not None:
        deletion.removed_ms = node.removed_ms
    metadata = definition.class_of("google.protobuf.Any")()
    pack(metadata, deletion)
    return metadata.SerializeToString()


def _write_map(parts: list[bytes], tag: bytes, properties: Properties) -> None:
    for name, value in properties.items():
        # Of `bool`, which is an `int`, the type is another.
        if type(value) is str:
            data = utf8(value)
            parts.append(_before(tag, name, _STRING, len(data)) + data)
        elif type(value) is float:
            parts.append(_before(tag, name, _DOUBLE, 8) + _double(value))
        elif type(value) is int:
            data = _varint(value)
            parts.append(_before(tag, name, _INT, len(data)) + data)
        elif type(value) is bool:
            parts.append(_before(tag, name, _BOOL, 1) + (b"\x01" if value else b"\x00"))
        else:
            entry = b"\x0a" + _sized(utf8(name)) + b"\x12" + _sized(_rare(cast(Any, value)))
            parts.append(tag + _sized(entry))


@lru_cache(maxsize=4096)
def _before(tag: bytes, name: str, kind: bytes, size: int) -> bytes:
    """Return what stands before a property's plain value of some bytes, in an entry of a map."""
    value = kind + _varint(size) if kind == _STRING else kind
    before = b"\x0a" + _sized(utf8(name)) + b"\x12" + _varint(len(value) + size) + value
    return tag + _varint(len(before) + size) + before


def _rare(value: bytes | list[Json] | dict[str, Json] | ProtoValue) -> bytes:
    """Return the bytes of a `Value` that holds a Struct or an Any; MLMD has no kind for bytes and lists."""
    target: Message = definitions().message("Value")()
    match value:
        case dict():
            target.struct_value.SetInParent()
            target.struct_value.update(value)
        case ProtoValue():
            target.proto_value.type_url, target.proto_value.value = value.type_url, value.value
        case list():
            items = struct_pb2.ListValue()
            items.extend(cast("list[Any]", value))
            pack(target.proto_value, items)
        case bytes():
            pack(target.proto_value, wrappers_pb2.BytesValue(value=value))
    return target.SerializeToString()


def _sized(data: bytes) -> bytes:
    size = len(data)
    return (_SMALL[size] if size < 128 else _varint(size)) + data


def _varint(number: int) -> bytes:
    if 0 <= number < 128:
        return _SMALL[number]
    if 0 < number < 16384:
        return bytes((number & 127 | 128, number >> 7))
    if 0 < number < 2097152:
        return bytes((number & 127 | 128, number >> 7 & 127 | 128, number >> 14))
    number &= _BITS_64
    groups = bytearray()
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    groups.append(number)
    return bytes(groups)


@lru_cache(maxsize=1024)
def _type(word: str, type_id: int, name: str) -> bytes:
    tags = _tags(word.capitalize())
    return tags["type_id"] + _varint(type_id) + tags["type"] + _sized(utf8(name))


@lru_cache(maxsize=1024)
def _times(word: str, created_ms: int, updated_ms: int) -> bytes:
    """Return the times of a node; nodes that were written together have them in common."""
    tags = _tags(word.capitalize())
    created = tags["create_time_since_epoch"] + _varint(created_ms)
    return created + tags["last_update_time_since_epoch"] + _varint(updated_ms)


@cache
def _tags(message: str) -> dict[str, bytes]:
    """Return what stands before each field of a node's message, by the field's name."""
    descriptor = definitions().message(message).DESCRIPTOR
    return {
        field.name: _tag(descriptor, field.name, _VARINT if field.name in _NUMBERS else _SIZED)
        for field in descriptor.fields
    }


def _tag(descriptor: Any, field: str, wire_type: int) -> bytes:
    return _varint(descriptor.fields_by_name[field].number << 3 | wire_type)
