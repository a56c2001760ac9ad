"""Nodes: MLMD's messages to new nodes and changes, and stored nodes to messages."""

from collections.abc import Iterable, Sequence
from typing import Any

from headwater.compat.mlmd.errors import InvalidArgumentError
from headwater.compat.mlmd.service.kinds import CONTEXT, Kind, Message, answer, optional
from headwater.compat.mlmd.service.values import properties_of, value_of
from headwater.compat.mlmd.service.writing import listed, node_bytes
from headwater.compat.mlmd.wire import definitions
from headwater.model.graph import KEEP, NodeKind
from headwater.model.values import PropertyValue

_MAPS = ("properties", "custom_properties")


def message_of(kind: Kind, node: Any) -> Message:
    """Turn a stored node into its message."""
    return definitions().message(kind.title).FromString(node_bytes(kind, node))


def answer_of_nodes(call: str, kind: Kind, nodes: Iterable[Any]) -> Message:
    """Return a response that lists nodes."""
    response = answer(call)
    add_nodes(response, call, kind, nodes)
    return response


def add_nodes(response: Message, call: str, kind: Kind, nodes: Iterable[Any]) -> None:
    """Add nodes to the response of a call that lists some."""
    response.MergeFromString(listed(f"{kind.word}s", call, kind, nodes))


def new_node(kind: Kind, message: Message) -> Any:
    """Turn a message without id into a node to store.

    Raises:
        InvalidArgumentError: it has no type, or a value has nothing in it.
    """
    if not message.HasField("type_id"):
        raise InvalidArgumentError(f"Type id is missing: a new {kind.word} needs type_id")
    return kind.new(
        type_id=message.type_id,
        name=optional(message, "name"),
        external_id=optional(message, "external_id"),
        properties=properties_of(message.properties),
        custom_properties=properties_of(message.custom_properties),
        **_own_fields(kind, message),
    )


def change_of(
    kind: Kind,
    message: Message,
    *,
    paths: Sequence[str] = (),
    touch: bool = False,
    node_id: int | None = None,
) -> Any:
    """Turn a message with an id into a change: of the whole node, or of what a mask names.

    Args:
        kind: Of the node.
        message: The node as it shall be.
        paths: The mask; empty replaces the whole node.
        touch: Move the time of the last update, whatever else changes.
        node_id: Of the node, where the message does not say it.

    Raises:
        InvalidArgumentError: a value has nothing in it, or a context has no name.
    """
    node_id = message.id if node_id is None else node_id
    expected = optional(message, "type_id")
    if paths:
        masked = _masked(kind, message, paths)
        return kind.change(id=node_id, touch=touch, expect_type=expected, **masked)
    if kind is CONTEXT and not message.name:
        raise InvalidArgumentError("Context name should not be empty")
    return kind.change(
        id=node_id,
        touch=touch,
        expect_type=expected,
        external_id=optional(message, "external_id"),
        properties=properties_of(message.properties),
        custom_properties=properties_of(message.custom_properties),
        replace_properties=True,
        replace_custom_properties=True,
        **_own_fields(kind, message),
        **({"name": message.name} if kind is CONTEXT else {}),
    )


def _own_fields(kind: Kind, message: Message) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if kind.kind is NodeKind.ARTIFACT:
        fields["uri"] = message.uri
    if kind.state is not None:
        fields["state"] = _state(kind, message)
    return fields


def _state(kind: Kind, message: Message) -> Any:
    if kind.states is None or kind.state is None or not message.HasField(kind.state):
        return None
    return kind.states[getattr(message, kind.state)]


def _masked(kind: Kind, message: Message, paths: Sequence[str]) -> dict[str, Any]:
    """Return the arguments of a change; paths that name nothing change nothing."""
    own = _own_fields(kind, message)
    fields: dict[str, Any] = {
        "external_id": optional(message, "external_id") if "external_id" in paths else KEEP
    }
    if "name" in paths and kind is CONTEXT:
        fields["name"] = message.name
    if "uri" in paths and "uri" in own:
        fields["uri"] = own["uri"]
    if kind.state is not None and kind.state in paths:
        fields["state"] = own["state"]
    for name in _MAPS:
        values = getattr(message, name)
        if name in paths:
            fields[name], fields[f"replace_{name}"] = properties_of(values), True
        else:
            fields[name] = _masked_keys(name, values, paths)
    return fields


def _masked_keys(name: str, values: Any, paths: Sequence[str]) -> dict[str, PropertyValue | None]:
    keys = [path.removeprefix(f"{name}.") for path in paths if path.startswith(f"{name}.")]
    return {key: value_of(key, values[key]) if key in values else None for key in keys}
