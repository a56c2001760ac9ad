"""What nodes and changes of them say, as columns and property rows have it."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from headwater.errors import InvalidError
from headwater.model.graph import (
    KEEP,
    Artifact,
    ArtifactChange,
    Context,
    ContextChange,
    Execution,
    ExecutionChange,
    NewArtifact,
    NewContext,
    NewExecution,
)
from headwater.model.values import INT64_MAX, Properties, PropertyValue
from headwater.store.sql.node_tables import LIMITED
from headwater.store.sql.properties import Spaces
from headwater.store.sql.text import check_length, encode
from headwater.store.sql.values import Space, same_value

NO_CONTEXT_NAME: Final = "a context needs a name that is not empty"


def space_changes(
    node: Artifact | Execution | Context, change: ArtifactChange | ExecutionChange | ContextChange
) -> list[tuple[Space, Properties, Mapping[str, PropertyValue | None], bool]]:
    """Return the spaces that a change may touch: what stands there, what is wanted, and whether alone."""
    custom, replaces_custom = change.custom_properties, change.replace_custom_properties
    found: list[tuple[Space, Properties, Mapping[str, PropertyValue | None], bool]] = [
        (Space.PROPERTY, node.properties, change.properties, change.replace_properties),
        (Space.CUSTOM, node.custom_properties, custom, replaces_custom),
    ]
    if (
        isinstance(node, Artifact)
        and isinstance(change, ArtifactChange)
        and (change.params or change.metrics)
    ):
        metrics = {name: None if value is None else float(value) for name, value in change.metrics.items()}
        found += [
            (Space.PARAM, node.params, change.params, False),
            (Space.METRIC, node.metrics, metrics, False),
        ]
    return found


def differences(
    stored: Properties, wanted: Mapping[str, PropertyValue | None], *, replaces: bool
) -> tuple[dict[str, PropertyValue], list[str]]:
    """Return what has to be set, and the keys to delete, for properties to be as wanted.

    Args:
        stored: What stands there.
        wanted: Values; None deletes the key.
        replaces: Delete all other keys, too.

    Raises:
        InvalidError: a value cannot be stored.
    """
    kept = {
        name: value
        for name, value in wanted.items()
        if value is not None and not (name in stored and same_value(name, stored[name], value))
    }
    if replaces:
        return kept, [name for name in stored if wanted.get(name) is None]
    return kept, [name for name, value in wanted.items() if value is None and name in stored]


def spaces_of(node: NewArtifact | NewExecution | NewContext) -> Spaces:
    """Return the properties of a new node by space."""
    spaces: dict[Space, Mapping[str, PropertyValue]] = {Space.PROPERTY: node.properties}
    if node.custom_properties:
        spaces[Space.CUSTOM] = node.custom_properties
    if not isinstance(node, NewContext) and node.params:
        spaces[Space.PARAM] = node.params
    if isinstance(node, NewArtifact) and node.metrics:
        spaces[Space.METRIC] = {name: float(value) for name, value in node.metrics.items()}
    return spaces


def storable(value: Any) -> Any:
    """Return the value of a column as the driver takes it."""
    if value is None:
        return None
    # Of an enum the driver would first look for an adapter.
    return encode(value) if isinstance(value, str) else int(value)


def check_fields(fields: Mapping[str, Any]) -> None:
    """Check the columns that a change sets.

    Raises:
        InvalidError: one cannot have its value.
    """
    # Only a context's name can be changed.
    if fields.get("name") == "":
        raise InvalidError(NO_CONTEXT_NAME)
    for name, value in fields.items():
        if name in LIMITED and value is not None:
            check_field(name, value)


def check_field(name: str, value: Any) -> None:
    """Check a value of a column that does not hold every value of its type.

    Raises:
        InvalidError: it cannot have this one.
    """
    if name != "size_bytes":
        check_length(name, value)
    elif not 0 <= value <= INT64_MAX:
        raise InvalidError(f"size_bytes must be 0 to {INT64_MAX}, not {value}")


def changed_fields(node: object, change: object, names: Iterable[str]) -> dict[str, Any]:
    """Return those of some fields in which a node differs from what a change wants, with what it wants."""
    return {
        name: value
        for name in names
        if (value := getattr(change, name)) is not KEEP and value != getattr(node, name)
    }
