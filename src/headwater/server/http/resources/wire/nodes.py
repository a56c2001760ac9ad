"""Nodes, types and edges as JSON."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from headwater.model.graph import Artifact, Context, Event, Execution, NodeType
from headwater.model.refs import NodeIdRef
from headwater.server.http.resources.wire import Id, Int64, Name, Out, Text, Value, Values

Kind = Literal["artifact", "execution", "context"]
ArtifactState = Literal[
    "unknown", "pending", "live", "marked_for_deletion", "deleted", "abandoned", "reference"
]
ExecutionState = Literal["unknown", "new", "running", "complete", "failed", "cached", "canceled"]
EventKind = Literal[
    "unknown",
    "declared_output",
    "declared_input",
    "input",
    "output",
    "internal_input",
    "internal_output",
    "pending_output",
]
ValueKind = Literal["int", "double", "string", "struct", "proto", "boolean", "bytes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOut(Out):
    """What every node has."""

    ref: str
    id: int
    type: str
    name: str | None
    external_id: str | None
    properties: dict[str, Any]
    custom_properties: dict[str, Any]
    created_ms: int
    updated_ms: int
    deleted_ms: int | None
    removed_ms: int | None
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactOut(NodeOut):
    """An artifact."""

    uri: str | None
    state: ArtifactState | None
    digest: str | None
    size_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionOut(NodeOut):
    """An execution."""

    state: ExecutionState | None
    params: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextOut(NodeOut):
    """A context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeOut(Out):
    """A type of nodes."""

    id: int
    kind: Kind
    name: str
    version: str | None
    description: str | None
    properties: dict[str, ValueKind]
    base_type: str | None
    external_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOut(Out):
    """An edge between an artifact and an execution."""

    artifact: str
    execution: str
    type: EventKind
    path: list[str | int]
    time_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinksOut(Out):
    """The edges of a node, and the contexts that it belongs to."""

    events: list[EventOut]
    contexts: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdsOut(Out):
    """Ids of what was stored, aligned with the request."""

    ids: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNodeIn:
    """A node to store; `type` is the name of its type, or `NAME@VERSION`."""

    type: Name
    name: Name | None = None
    external_id: Name | None = None
    properties: Values = field(default_factory=dict[str, Value])
    custom_properties: Values = field(default_factory=dict[str, Value])


@dataclass(frozen=True, slots=True, kw_only=True)
class NewArtifactIn(NewNodeIn):
    """An artifact to store."""

    uri: Text | None = None
    state: ArtifactState | None = None
    digest: Name | None = None
    size_bytes: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewExecutionIn(NewNodeIn):
    """An execution to store."""

    state: ExecutionState | None = None
    params: Values = field(default_factory=dict[str, Value])


@dataclass(frozen=True, slots=True, kw_only=True)
class NewContextIn(NewNodeIn):
    """A context to store; it needs a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeChangeIn:
    """Properties to set; null deletes one, and what is left out stays."""

    properties: dict[str, Value | None] = field(default_factory=dict[str, Value | None])
    custom_properties: dict[str, Value | None] = field(default_factory=dict[str, Value | None])


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersIn:
    """Nodes that are to belong to a context."""

    artifacts: list[Id] = field(default_factory=list[int])
    executions: list[Id] = field(default_factory=list[int])


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTypeIn:
    """A type to store, or to find."""

    kind: Kind
    name: Name
    version: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    description: Text | None = None
    properties: dict[str, ValueKind] = field(default_factory=dict[str, ValueKind])
    base_type: Name | None = None
    external_id: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEventIn:
    """An edge to store."""

    artifact_id: Id
    execution_id: Id
    type: EventKind
    path: list[str | Int64] = field(default_factory=list[str | int])
    time_ms: Int64 | None = None


def artifact_out(node: Artifact) -> ArtifactOut:
    """Return an artifact as it is sent."""
    return ArtifactOut.of(node, ref=str(NodeIdRef("artifacts", node.id)), type=node.type_name)


def execution_out(node: Execution) -> ExecutionOut:
    """Return an execution as it is sent."""
    return ExecutionOut.of(node, ref=str(NodeIdRef("executions", node.id)), type=node.type_name)


def context_out(node: Context) -> ContextOut:
    """Return a context as it is sent."""
    return ContextOut.of(node, ref=str(NodeIdRef("contexts", node.id)), type=node.type_name)


def type_out(found: NodeType) -> TypeOut:
    """Return a type as it is sent."""
    return TypeOut.of(found)


def event_out(event: Event) -> EventOut:
    """Return an edge as it is sent."""
    return EventOut.of(
        event,
        artifact=str(NodeIdRef("artifacts", event.artifact_id)),
        execution=str(NodeIdRef("executions", event.execution_id)),
    )
