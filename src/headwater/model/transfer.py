"""What is said about nodes and types that come from another store."""

from dataclasses import dataclass
from enum import Enum

from headwater.model.graph import NodeKind
from headwater.model.ids import TypeId


class Standing(Enum):
    """What a store holds under the id of a node that comes from elsewhere."""

    NEW = "new"
    """Nothing."""
    SAME = "same"
    """The node, last changed at the same time."""
    OLDER = "older"
    """The node, and elsewhere it was changed since."""
    NEWER = "newer"
    """The node, and here it was changed since."""
    REMOVED = "removed"
    """What is left of the node: here it was removed for good."""
    OTHER = "other"
    """Another node: one of another type, creation time or (artifacts, executions) name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeKey:
    """What tells a node from all others. Times are milliseconds since the epoch, UTC."""

    id: int
    type_id: TypeId
    name: str | None
    external_id: str | None
    created_ms: int
    updated_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A name or an external id that two nodes want: one that comes, and one that is here.

    Attributes:
        id: The node that comes.
        holder_id: The node that holds it here.
        field: `name` or `external_id`.
        value: What both want.
    """

    id: int
    holder_id: int
    field: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """How many of some nodes or types were new, and how many were here and have changed."""

    added: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LastIds:
    """The highest ids that another store has given, 0 for none."""

    types: int = 0
    artifacts: int = 0
    executions: int = 0
    contexts: int = 0

    def of(self, kind: NodeKind) -> int:
        """Return that of a kind of node."""
        return {
            NodeKind.ARTIFACT: self.artifacts,
            NodeKind.EXECUTION: self.executions,
            NodeKind.CONTEXT: self.contexts,
        }[kind]
