"""Calls about types."""

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any, Final

from google.protobuf import json_format

from headwater.compat.mlmd.errors import InvalidArgumentError, NotFoundError, UnimplementedError
from headwater.compat.mlmd.service.kinds import CONTEXT, EXECUTION, KINDS, Kind, Message, answer, optional
from headwater.compat.mlmd.service.values import text_of
from headwater.compat.mlmd.wire import definitions
from headwater.model.graph import NewType, NodeKind, NodeType
from headwater.model.protocols import Store
from headwater.model.values import ValueKind

_SYSTEM: Final = "mlmd."


class TypeCalls:
    """The calls that write and read types."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def calls(self) -> dict[str, Callable[[Any], Any]]:
        """Return the calls by name."""
        found: dict[str, Callable[[Any], Any]] = {"PutTypes": self.put_all}
        for kind in KINDS:
            word = kind.title
            found[f"Put{word}Type"] = partial(self.put_one, kind)
            found[f"Get{word}Type"] = partial(self.get_one, kind)
            found[f"Get{word}Types"] = partial(self.get_all, kind)
            found[f"Get{word}TypesByID"] = partial(self.by_ids, kind)
            found[f"Get{word}TypesByExternalIds"] = partial(self.by_external_ids, kind)
        return found

    def put_one(self, kind: Kind, request: Message) -> Message:
        """Store a type, or let a stored one grow."""
        type_id = self._put(request, [(kind, getattr(request, f"{kind.word}_type"))])[0]
        return answer(f"Put{kind.title}Type", type_id=type_id)

    def put_all(self, request: Message) -> Message:
        """Store types of all three kinds, all or none."""
        types = [(kind, each) for kind in KINDS for each in getattr(request, f"{kind.word}_types")]
        ids = self._put(request, types)
        response = answer("PutTypes")
        for (kind, _), type_id in zip(types, ids, strict=True):
            getattr(response, f"{kind.word}_type_ids").append(type_id)
        return response

    def get_one(self, kind: Kind, request: Message) -> Message:
        """Return the type of a name and version."""
        found = self._store.types.find(kind.kind, request.type_name, request.type_version or None)
        if found is None:
            raise NotFoundError(
                f"No type found for query, name: `{request.type_name}`, version: `{request.type_version}`"
            )
        return answer(f"Get{kind.title}Type", **{f"{kind.word}_type": type_message(kind, found)})

    def get_all(self, kind: Kind, _: Message) -> Message:
        """Return all types of a kind but the system types, which no context type is."""
        found = self._store.types.all(kind.kind)
        if kind is not CONTEXT:
            found = [each for each in found if not each.name.startswith(_SYSTEM)]
        return self._types(f"Get{kind.title}Types", kind, found)

    def by_ids(self, kind: Kind, request: Message) -> Message:
        """Return the types with some ids, in their order."""
        found = [each for each in self._store.types.get(list(request.type_ids)) if each.kind is kind.kind]
        return self._types(f"Get{kind.title}TypesByID", kind, found)

    def by_external_ids(self, kind: Kind, request: Message) -> Message:
        """Return the types with some external ids."""
        wanted = checked_external_ids(request)
        found = [each for each in self._store.types.all(kind.kind) if each.external_id in wanted]
        if wanted and not found:
            raise NotFoundError("No types found for external_ids.")
        return self._types(f"Get{kind.title}TypesByExternalIds", kind, found)

    def _types(self, call: str, kind: Kind, types: Iterable[NodeType]) -> Message:
        return answer(call, **{f"{kind.word}_types": [type_message(kind, each) for each in types]})

    def _put(self, request: Message, types: list[tuple[Kind, Message]]) -> list[int]:
        if not request.all_fields_match:
            raise UnimplementedError("Must match all fields.")
        new = [_new_type(kind, message) for kind, message in types]
        # Of types that stand in the request twice, the second one finds the first one's.
        bases: dict[tuple[NodeKind, str, str | None], str] = {}
        for each in new:
            if each.base_type is not None:
                key = (each.kind, each.name, each.version)
                self._check_base(each, each.base_type, bases.get(key))
                bases[key] = each.base_type
        return list(
            self._store.types.put(new, can_add=request.can_add_fields, can_omit=request.can_omit_fields)
        )

    def _check_base(self, new: NewType, base_type: str, given: str | None) -> None:
        stored = self._store.types.find(new.kind, new.name, new.version)
        if {given, None if stored is None else stored.base_type} - {None, base_type}:
            raise UnimplementedError("base_type update is not supported yet")
        above: str | None = base_type
        while above is not None:
            if above == new.name and new.version is None:
                raise InvalidArgumentError("There is a cycle detected of the given relationship.")
            base = self._store.types.find(new.kind, above)
            above = None if base is None else base.base_type


def type_message(kind: Kind, stored: NodeType) -> Message:
    """Turn a stored type into its message."""
    message = kind.type_message(id=stored.id, name=text_of(stored.name))
    for field in ("version", "description", "external_id"):
        if (value := getattr(stored, field)) is not None:
            setattr(message, field, text_of(value))
    for name, value_kind in stored.properties.items():
        # MLMD has no kind for bytes; they are shown as a message that holds them.
        message.properties[text_of(name)] = ValueKind.PROTO if value_kind is ValueKind.BYTES else value_kind
    if (base := _base_types(kind.title).get(stored.base_type or "")) is not None:
        message.base_type = base
    if kind is EXECUTION:
        for field in ("input_type", "output_type"):
            if text := getattr(stored, field):
                json_format.Parse(text, getattr(message, field), descriptor_pool=definitions().pool)
    return message


def checked_external_ids(request: Message) -> set[str]:
    """Return the external ids of a request.

    Raises:
        InvalidArgumentError: one is empty.
    """
    wanted = set(request.external_ids)
    if "" in wanted:
        raise InvalidArgumentError("Invalid argument because at least one empty external_id exists.")
    return wanted


def _new_type(kind: Kind, message: Message) -> NewType:
    if not message.name:
        raise InvalidArgumentError("No type name is specified.")
    properties: dict[str, ValueKind] = {}
    for name, number in message.properties.items():
        if number == 0:
            raise InvalidArgumentError(f"Property {name} is UNKNOWN.")
        properties[name] = ValueKind(number)
    return NewType(
        kind=kind.kind,
        name=message.name,
        version=message.version or None,
        description=optional(message, "description"),
        properties=properties,
        base_type=_base_name(kind, message),
        external_id=optional(message, "external_id"),
        input_type=_struct_text(message, "input_type") if kind is EXECUTION else None,
        output_type=_struct_text(message, "output_type") if kind is EXECUTION else None,
    )


def _struct_text(message: Message, field: str) -> str | None:
    if not message.HasField(field):
        return None
    return json_format.MessageToJson(
        getattr(message, field), indent=None, preserving_proto_field_name=True, sort_keys=True
    )


def _base_name(kind: Kind, message: Message) -> str | None:
    if not message.HasField("base_type"):
        return None
    if message.base_type == 0:
        raise UnimplementedError("base_type deletion is not supported yet")
    return next(name for name, number in _base_types(kind.title).items() if number == message.base_type)


@cache
def _base_types(title: str) -> dict[str, int]:
    """Return the numbers of a kind's base types by the names of their types."""
    enum = definitions().pool.FindEnumTypeByName(f"ml_metadata.{title}Type.SystemDefinedBaseType")
    extension = definitions().pool.FindExtensionByName("ml_metadata.system_type_extension")
    options = definitions().class_of("google.protobuf.EnumValueOptions")
    found: dict[str, int] = {}
    for value in enum.values:
        # The descriptor's own options are of the common pool, which does not know the extension.
        own = options.FromString(value.GetOptions().SerializeToString())
        found[own.Extensions[extension].type_name] = value.number
    return found
