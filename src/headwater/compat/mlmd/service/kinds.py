"""The three kinds of nodes: their messages, their entities, and the store's part for them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headwater.compat.mlmd.wire import definitions
from headwater.model.filters import Entity
from headwater.model.graph import (
    ArtifactChange,
    ArtifactState,
    ContextChange,
    ExecutionChange,
    ExecutionState,
    NewArtifact,
    NewContext,
    NewExecution,
    NodeKind,
)
from headwater.model.protocols import Store

Message = Any
"""Of a class that was made at run time, so no type checker knows its fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of node.

    Attributes:
        word: What its calls and fields are named after, such as `artifact`.
        new: The entity of a new node.
        change: The entity of a change.
        state: The field that holds its state, if it has one.
        states: The states by number.
    """

    kind: NodeKind
    entity: Entity
    word: str
    new: Callable[..., Any]
    change: Callable[..., Any]
    state: str | None = None
    states: Mapping[int, Any] | None = None

    @property
    def title(self) -> str:
        """The word as it stands in the names of calls and messages."""
        return self.word.capitalize()

    @property
    def message(self) -> Callable[..., Message]:
        """The message of a node."""
        return definitions().message(self.title)

    @property
    def type_message(self) -> Callable[..., Message]:
        """The message of a type."""
        return definitions().message(f"{self.title}Type")

    def nodes(self, store: Store) -> Any:
        """Return the store's part for these nodes."""
        return {
            NodeKind.ARTIFACT: store.artifacts,
            NodeKind.EXECUTION: store.executions,
            NodeKind.CONTEXT: store.contexts,
        }[self.kind]


ARTIFACT: Final = Kind(
    kind=NodeKind.ARTIFACT,
    entity=Entity.ARTIFACT,
    word="artifact",
    new=NewArtifact,
    change=ArtifactChange,
    state="state",
    states={int(state): state for state in ArtifactState},
)
EXECUTION: Final = Kind(
    kind=NodeKind.EXECUTION,
    entity=Entity.EXECUTION,
    word="execution",
    new=NewExecution,
    change=ExecutionChange,
    state="last_known_state",
    states={int(state): state for state in ExecutionState},
)
CONTEXT: Final = Kind(
    kind=NodeKind.CONTEXT, entity=Entity.CONTEXT, word="context", new=NewContext, change=ContextChange
)
KINDS: Final = (ARTIFACT, EXECUTION, CONTEXT)


def answer(name: str, **fields: Any) -> Message:
    """Return the response of a call."""
    return definitions().message(f"{name}Response")(**fields)


def optional(message: Message, field: str) -> Any:
    """Return a field's value, or None if it was never set."""
    return getattr(message, field) if message.HasField(field) else None
