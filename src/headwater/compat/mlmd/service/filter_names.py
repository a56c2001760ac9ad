"""What MLMD's filter queries can name, and of which type it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final

from headwater.compat.mlmd.errors import InvalidArgumentError
from headwater.model.filters import Entity
from headwater.model.graph import ArtifactState, EventType, ExecutionState
from headwater.model.joins import Column, Row, Side


class Kind(Enum):
    """The types of expressions."""

    INT = "INT64"
    DOUBLE = "DOUBLE"
    STRING = "STRING"
    BOOL = "BOOL"
    NULL = "NULL"


CASTS: Final = {
    "STRING": ("text", Kind.STRING),
    "INT64": ("integer", Kind.INT),
    "FLOAT64": ("double", Kind.DOUBLE),
}
"""What a value can be turned into: the store's function, and the type that comes out."""
FUNCTIONS: Final = {
    "UPPER": ("upper", Kind.STRING, Kind.STRING),
    "LOWER": ("lower", Kind.STRING, Kind.STRING),
    "LENGTH": ("length", Kind.STRING, Kind.INT),
    "ABS": ("abs", Kind.INT, Kind.INT),
}
"""Functions of one argument: the store's name, and the types that go in and come out."""
CHOICES: Final = {"COALESCE": "coalesce", "IFNULL": "coalesce", "NULLIF": "nullif"}
"""Functions that return one of their arguments."""


@dataclass(frozen=True, slots=True)
class Name:
    """What one name stands for.

    Attributes:
        column: Where its value is.
        kind: Its type.
        members: The words that an enum is compared with.
    """

    column: Column
    kind: Kind
    members: type[IntEnum] | None = None


_Field = tuple[str, Kind, type[IntEnum] | None]

_INT, _STRING = Kind.INT, Kind.STRING
_TIMES: Final[Mapping[str, _Field]] = {
    "create_time_since_epoch": ("created_time", _INT, None),
    "last_update_time_since_epoch": ("updated_time", _INT, None),
}
_NODE: Final[Mapping[str, _Field]] = {
    "id": ("id", _INT, None),
    "type_id": ("type_id", _INT, None),
    "type": ("type", _STRING, None),
    "name": ("name", _STRING, None),
    "external_id": ("external_id", _STRING, None),
    **_TIMES,
}
_ARTIFACT: Final = {**_NODE, "uri": ("uri", _STRING, None), "state": ("state", _INT, ArtifactState)}
_EXECUTION: Final = {**_NODE, "last_known_state": ("state", _INT, ExecutionState)}
_EVENT: Final[Mapping[str, _Field]] = {
    "type": ("type", _INT, EventType),
    "milliseconds_since_epoch": ("time", _INT, None),
}
_OWN: Final[Mapping[Entity, Mapping[str, _Field]]] = {
    Entity.ARTIFACT: _ARTIFACT,
    Entity.EXECUTION: _EXECUTION,
    Entity.CONTEXT: _NODE,
}
_NEIGHBOURS: Final[Mapping[Entity, Mapping[Side, Mapping[str, _Field]]]] = {
    Entity.ARTIFACT: {
        Side.CONTEXTS: _NODE,
        Side.EVENTS: {**_EVENT, "execution_id": ("execution_id", _INT, None)},
    },
    Entity.EXECUTION: {
        Side.CONTEXTS: _NODE,
        Side.EVENTS: {**_EVENT, "artifact_id": ("artifact_id", _INT, None)},
    },
    Entity.CONTEXT: {
        Side.PARENTS: _NODE,
        Side.CHILDREN: _NODE,
        Side.ARTIFACTS: _ARTIFACT,
        Side.EXECUTIONS: _EXECUTION,
    },
}
_VALUES: Final[Mapping[str, tuple[str, Kind]]] = {
    "int_value": ("int", Kind.INT),
    "double_value": ("double", Kind.DOUBLE),
    "string_value": ("string", Kind.STRING),
    "bool_value": ("bool", Kind.BOOL),
}
_PROPERTIES: Final = {"properties": Side.PROPERTY, "custom_properties": Side.TAG}


def name_of(entity: Entity, parts: list[str]) -> Name:
    """Find what a dotted name stands for.

    Raises:
        InvalidArgumentError: nothing.
    """
    found = _property(parts) or _own(entity, parts) or _neighbour(entity, parts)
    if found is None:
        raise InvalidArgumentError(f"Invalid `filter_query`: Unrecognized name: {'.'.join(parts)[:300]}")
    return found


def _property(parts: list[str]) -> Name | None:
    if len(parts) < 3 or parts[0] not in _PROPERTIES or parts[-1].lower() not in _VALUES:
        return None
    column, kind = _VALUES[parts[-1].lower()]
    return Name(Column(Row(_PROPERTIES[parts[0]], ".".join(parts[1:-1])), column), kind)


def _own(entity: Entity, parts: list[str]) -> Name | None:
    field = _OWN[entity].get(parts[0].lower()) if len(parts) == 1 else None
    return None if field is None else _named(Row(Side.OWN), field)


def _neighbour(entity: Entity, parts: list[str]) -> Name | None:
    if len(parts) != 2:
        return None
    for side, fields in _NEIGHBOURS[entity].items():
        if parts[0].startswith(f"{side.value}_") and (field := fields.get(parts[1].lower())):
            return _named(Row(side, parts[0].removeprefix(f"{side.value}_")), field)
    return None


def _named(row: Row, field: _Field) -> Name:
    attribute, kind, members = field
    return Name(Column(row, attribute), kind, members)
