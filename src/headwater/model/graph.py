"""The graph's nodes and edges: MLMD's model, as frozen values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Any, Final, Literal, TypeAlias

from headwater.model.ids import ArtifactId, ContextId, ExecutionId, TypeId
from headwater.model.values import Properties, PropertyValue, ValueKind

MAX_NAME_CHARS: Final = 500
"""Names, external ids and property names are at most this long, on every database."""


class NodeKind(IntEnum):
    """What a node is; the numbers are MLMD's type kinds."""

    EXECUTION = 0
    ARTIFACT = 1
    CONTEXT = 2


class ArtifactState(IntEnum):
    """Where an artifact stands in its life."""

    UNKNOWN = 0
    PENDING = 1
    LIVE = 2
    MARKED_FOR_DELETION = 3
    DELETED = 4
    ABANDONED = 5
    REFERENCE = 6


class ExecutionState(IntEnum):
    """How far an execution has come."""

    UNKNOWN = 0
    NEW = 1
    RUNNING = 2
    COMPLETE = 3
    FAILED = 4
    CACHED = 5
    CANCELED = 6


class EventType(IntEnum):
    """What an artifact is to an execution."""

    UNKNOWN = 0
    DECLARED_OUTPUT = 1
    DECLARED_INPUT = 2
    INPUT = 3
    OUTPUT = 4
    INTERNAL_INPUT = 5
    INTERNAL_OUTPUT = 6
    PENDING_OUTPUT = 7

    @property
    def is_output(self) -> bool:
        """True when the execution makes the artifact."""
        return self in OUTPUT_EVENTS

    @property
    def is_input(self) -> bool:
        """True when the execution reads the artifact."""
        return self in INPUT_EVENTS


OUTPUT_EVENTS: Final = frozenset(
    {EventType.OUTPUT, EventType.DECLARED_OUTPUT, EventType.INTERNAL_OUTPUT, EventType.PENDING_OUTPUT}
)
INPUT_EVENTS: Final = frozenset({EventType.INPUT, EventType.DECLARED_INPUT, EventType.INTERNAL_INPUT})

EventPath: TypeAlias = tuple[str | int, ...]
"""Where in an execution's inputs or outputs the artifact stands: keys and indexes, outermost first."""


class Keep(Enum):
    """The mark of a field that a change leaves as it is; None clears the field."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


def _empty() -> dict[str, Any]:
    # Calling `dict[str, Any]` takes seven times as long, and nodes are made by the thousand.
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewType:
    """A type to store: nodes of it may have exactly these properties."""

    kind: NodeKind
    name: str
    version: str | None = None
    description: str | None = None
    properties: Mapping[str, ValueKind] = field(default_factory=dict[str, ValueKind])
    base_type: str | None = None
    """Name of the type it specialises, such as `mlmd.Dataset`."""
    external_id: str | None = None
    input_type: str | None = None
    output_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeType(NewType):
    """A stored type."""

    id: TypeId


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNode:
    """What every new node has. `properties` are checked against the type, `custom_properties` are free."""

    type_id: TypeId
    name: str | None = None
    external_id: str | None = None
    properties: Properties = field(default_factory=_empty)
    custom_properties: Properties = field(default_factory=_empty)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewArtifact(NewNode):
    """An artifact to store. `params` and `metrics` say how a model was made and how well it did."""

    uri: str | None = None
    state: ArtifactState | None = None
    digest: str | None = None
    size_bytes: int | None = None
    params: Properties = field(default_factory=_empty)
    metrics: Mapping[str, float] = field(default_factory=_empty)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewExecution(NewNode):
    """An execution to store. `params` are its hyperparameters, kept apart from its properties."""

    state: ExecutionState | None = None
    params: Properties = field(default_factory=_empty)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewContext(NewNode):
    """A context to store; its name is required and unique within its type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What every stored node has. Times are milliseconds since the epoch, UTC."""

    type_id: TypeId
    type_name: str
    name: str | None = None
    external_id: str | None = None
    properties: Properties = field(default_factory=_empty)
    custom_properties: Properties = field(default_factory=_empty)
    created_ms: int
    updated_ms: int
    deleted_ms: int | None = None
    removed_ms: int | None = None
    """When it was removed for good: what is left of it are its type, name, digest and times."""
    revision: int = 1
    """Counts the changes; pass it as `expect_revision` to change only what was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact(Node):
    """A stored artifact: a thing with bytes or a location."""

    id: ArtifactId
    uri: str | None = None
    state: ArtifactState | None = None
    digest: str | None = None
    size_bytes: int | None = None
    params: Properties = field(default_factory=_empty)
    metrics: Mapping[str, float] = field(default_factory=_empty)


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution(Node):
    """A stored execution: something that ran."""

    id: ExecutionId
    state: ExecutionState | None = None
    params: Properties = field(default_factory=_empty)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context(Node):
    """A stored context: a grouping of artifacts and executions."""

    id: ContextId


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeChange:
    """What a change of any node can say.

    Attributes:
        properties: Values to set; None deletes the key. With `replace_properties`
            all other keys are deleted too. The same for `custom_properties`.
        expect_revision: Refuse the change unless the node is at this revision.
        expect_type: Refuse the change unless the node is of this type.
        touch: Count the change and move `updated_ms` even if nothing differs.
    """

    external_id: str | None | Keep = KEEP
    properties: Mapping[str, PropertyValue | None] = field(default_factory=_empty)
    custom_properties: Mapping[str, PropertyValue | None] = field(default_factory=_empty)
    replace_properties: bool = False
    replace_custom_properties: bool = False
    expect_revision: int | None = None
    expect_type: TypeId | None = None
    touch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactChange(NodeChange):
    """A change of one artifact; None as a value of `params` or `metrics` deletes the key."""

    id: ArtifactId
    uri: str | None | Keep = KEEP
    state: ArtifactState | None | Keep = KEEP
    digest: str | None | Keep = KEEP
    size_bytes: int | None | Keep = KEEP
    params: Mapping[str, PropertyValue | None] = field(default_factory=_empty)
    metrics: Mapping[str, float | None] = field(default_factory=_empty)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionChange(NodeChange):
    """A change of one execution."""

    id: ExecutionId
    state: ExecutionState | None | Keep = KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextChange(NodeChange):
    """A change of one context; of the three kinds, only contexts can get another name."""

    id: ContextId
    name: str | Keep = KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An edge between an artifact and an execution; (execution, type, artifact) is unique."""

    artifact_id: ArtifactId
    execution_id: ExecutionId
    type: EventType
    path: EventPath = ()
    time_ms: int | None = None
    """None in a new event means now; stored events always have a time."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """An artifact belongs to a context."""

    context_id: ContextId
    artifact_id: ArtifactId


@dataclass(frozen=True, slots=True)
class Association:
    """An execution belongs to a context."""

    context_id: ContextId
    execution_id: ExecutionId


@dataclass(frozen=True, slots=True)
class ParentContext:
    """A context is part of another one."""

    child_id: ContextId
    parent_id: ContextId


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactLink:
    """An artifact, new, changed or as it is, with the event that ties it to a publication's execution."""

    artifact: NewArtifact | ArtifactChange | ArtifactId
    type: EventType
    path: EventPath = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """An execution with its artifacts and contexts, to be stored all or none.

    A new context whose (type, name) is stored already is used as it is. All
    artifacts and the execution are linked to all contexts.
    """

    execution: NewExecution | ExecutionChange
    artifacts: Sequence[ArtifactLink] = ()
    contexts: Sequence[NewContext | ContextId] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Ids of what a publication stored; the sequences are aligned with it."""

    execution_id: ExecutionId
    artifact_ids: tuple[ArtifactId, ...]
    context_ids: tuple[ContextId, ...]


@dataclass(frozen=True, slots=True)
class At:
    """A node of the same write, by its place in the write's list of its kind."""

    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgraphEvent:
    """An event whose ends may be stored by the same write."""

    artifact: ArtifactId | At
    execution: ExecutionId | At
    type: EventType
    path: EventPath = ()
    time_ms: int | None = None
    """None means now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subgraph:
    """Nodes, new, changed or as they are, and the edges between them, to be stored all or none.

    All artifacts and executions are linked to all contexts.

    Attributes:
        events: Every one has to be new.
        reuses_contexts: A new context whose (type, name) is stored already is used as it is.
    """

    contexts: Sequence[NewContext | ContextChange | ContextId] = ()
    artifacts: Sequence[NewArtifact | ArtifactChange | ArtifactId] = ()
    executions: Sequence[NewExecution | ExecutionChange | ExecutionId] = ()
    events: Sequence[SubgraphEvent] = ()
    reuses_contexts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSubgraph:
    """Ids of a subgraph's nodes; the sequences are aligned with its."""

    context_ids: tuple[ContextId, ...]
    artifact_ids: tuple[ArtifactId, ...]
    execution_ids: tuple[ExecutionId, ...]


NodeRef: TypeAlias = tuple[Literal[NodeKind.ARTIFACT, NodeKind.EXECUTION], int]
