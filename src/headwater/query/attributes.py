"""What a filter can name: the attributes of every entity with their types, its scopes and its relations.

`docs/search.md` shows these tables; a store compiles exactly these names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final

from headwater.model.filters import Entity, Relation, Scope
from headwater.model.graph import ArtifactState, ExecutionState
from headwater.model.runs import RunStatus


class ValueType(Enum):
    """What a field is compared with."""

    STRING = "a string in single quotes"
    INTEGER = "a whole number"
    TIME = "milliseconds since the epoch, or a time such as '2026-11-20T14:05' (UTC)"
    ENUM = "one of its names"
    NUMBER = "a number"
    ANY = "a string in single quotes, a number, true or false"
    """Params, tags and properties: each value has its own kind, and tells what it compares with."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute.

    Attributes:
        value_type: What it is compared with.
        about: What it says, for the docs.
        members: The names and numbers of an ENUM.
        is_many: A node has any number of them; a condition holds when one meets it, as with related nodes.
    """

    value_type: ValueType
    about: str
    members: type[IntEnum] | None = None
    is_many: bool = False


_STRING, _INTEGER, _TIME, _ENUM = ValueType.STRING, ValueType.INTEGER, ValueType.TIME, ValueType.ENUM

_NODE: Final[Mapping[str, Attribute]] = {
    "id": Attribute(_INTEGER, "the store's number"),
    "name": Attribute(_STRING, "its name"),
    "type": Attribute(_STRING, "name of its type"),
    "type_id": Attribute(_INTEGER, "the store's number of its type"),
    "external_id": Attribute(_STRING, "its id in another system"),
    "created_time": Attribute(_TIME, "when it was stored"),
    "updated_time": Attribute(_TIME, "when it changed last"),
    "deleted_time": Attribute(_TIME, "when it was deleted"),
}
_BYTES: Final[Mapping[str, Attribute]] = {
    "uri": Attribute(_STRING, "where its bytes are"),
    "digest": Attribute(_STRING, "digest of its bytes"),
    "size_bytes": Attribute(_INTEGER, "how many bytes"),
    "state": Attribute(_ENUM, "where it stands in its life", members=ArtifactState),
}
_EXECUTION: Final[Mapping[str, Attribute]] = {
    **_NODE,
    "state": Attribute(_ENUM, "how far it has come", members=ExecutionState),
}

ATTRIBUTES: Final[Mapping[Entity, Mapping[str, Attribute]]] = {
    Entity.RUN: {
        **_EXECUTION,
        "run_id": Attribute(_STRING, "32 hexadecimal digits"),
        "status": Attribute(_ENUM, "how it stands", members=RunStatus),
        "experiment": Attribute(_STRING, "name of its experiment"),
        "experiment_id": Attribute(_INTEGER, "context id of its experiment"),
        "start_time": Attribute(_TIME, "when it started"),
        "end_time": Attribute(_TIME, "when it ended"),
        "heartbeat_time": Attribute(_TIME, "when it last gave a sign of life"),
        "user": Attribute(_STRING, "who started it"),
        "host": Attribute(_STRING, "where it ran"),
        "parent_id": Attribute(_INTEGER, "execution id of the run around it"),
        "error": Attribute(_STRING, "error text it ended with"),
    },
    Entity.ARTIFACT: {**_NODE, **_BYTES},
    Entity.EXECUTION: _EXECUTION,
    Entity.CONTEXT: _NODE,
    Entity.VERSION: {
        **_NODE,
        **_BYTES,
        "name": Attribute(_STRING, "name of its registered model, as `model`"),
        "model": Attribute(_STRING, "name of its registered model"),
        "model_id": Attribute(_INTEGER, "context id of its registered model"),
        "version": Attribute(_INTEGER, "its number"),
        "stage": Attribute(_STRING, "its stage, such as 'production'"),
        "alias": Attribute(_STRING, "an alias that points to it", is_many=True),
        "description": Attribute(_STRING, "what was written about it"),
        "execution_id": Attribute(_INTEGER, "execution that made it"),
        "run_id": Attribute(_STRING, "run that made it"),
    },
}
"""Name to attribute, for each entity."""

_HAS_PARAMS: Final = frozenset({Scope.METRIC, Scope.PARAM, Scope.TAG, Scope.PROPERTY})
_HAS_PROPERTIES: Final = frozenset({Scope.TAG, Scope.PROPERTY})

SCOPES: Final[Mapping[Entity, frozenset[Scope]]] = {
    Entity.RUN: _HAS_PARAMS,
    Entity.EXECUTION: _HAS_PARAMS,
    Entity.ARTIFACT: _HAS_PARAMS,
    Entity.CONTEXT: _HAS_PROPERTIES,
    Entity.VERSION: _HAS_PARAMS,
}
"""The scopes an entity has beside its attributes."""

SCOPE_WORDS: Final[Mapping[str, Scope]] = {
    "metrics": Scope.METRIC,
    "params": Scope.PARAM,
    "tags": Scope.TAG,
    "custom_properties": Scope.TAG,
    "properties": Scope.PROPERTY,
}
"""How a scope is written before the dot."""

_OF_EXECUTION: Final[Mapping[Relation, Entity]] = {
    Relation.INPUTS: Entity.ARTIFACT,
    Relation.OUTPUTS: Entity.ARTIFACT,
    Relation.CONTEXTS: Entity.CONTEXT,
}
_OF_ARTIFACT: Final[Mapping[Relation, Entity]] = {
    Relation.CONTEXTS: Entity.CONTEXT,
    Relation.PRODUCERS: Entity.EXECUTION,
    Relation.CONSUMERS: Entity.EXECUTION,
}

RELATIONS: Final[Mapping[Entity, Mapping[Relation, Entity]]] = {
    Entity.RUN: _OF_EXECUTION,
    Entity.EXECUTION: _OF_EXECUTION,
    Entity.ARTIFACT: _OF_ARTIFACT,
    Entity.VERSION: _OF_ARTIFACT,
    Entity.CONTEXT: {
        Relation.ARTIFACTS: Entity.ARTIFACT,
        Relation.EXECUTIONS: Entity.EXECUTION,
        Relation.PARENTS: Entity.CONTEXT,
        Relation.CHILDREN: Entity.CONTEXT,
    },
}
"""The relations an entity has, and what is at their other end; the contexts of a version hold its model."""

_OF_EVENTS: Final = frozenset({Relation.INPUTS, Relation.OUTPUTS, Relation.PRODUCERS, Relation.CONSUMERS})

EDGE_ATTRIBUTES: Final[Mapping[str, Attribute]] = {
    "path": Attribute(_STRING, "where it stands among them, as a JSON list of keys and indexes"),
}
"""What an edge between an artifact and an execution says itself, such as `inputs.path`."""


def attributes_of(entity: Entity, relation: Relation | None) -> Mapping[str, Attribute]:
    """Return the attributes that can be named of an entity, reached by a relation or directly."""
    known = ATTRIBUTES[entity]
    return {**known, **EDGE_ATTRIBUTES} if relation in _OF_EVENTS else known
