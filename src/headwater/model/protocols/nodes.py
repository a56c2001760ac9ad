"""What a store does with types and nodes."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from headwater.model.filters import Filter
from headwater.model.graph import (
    Artifact,
    ArtifactChange,
    Context,
    ContextChange,
    Execution,
    ExecutionChange,
    NewArtifact,
    NewContext,
    NewExecution,
    NewType,
    NodeKind,
    NodeType,
)
from headwater.model.ids import ArtifactId, ContextId, ExecutionId, TypeId
from headwater.model.listing import Listing, Page

Id = TypeVar("Id", ArtifactId, ExecutionId, ContextId)
N = TypeVar("N", Artifact, Execution, Context)
NewN = TypeVar("NewN", NewArtifact, NewExecution, NewContext, contravariant=True)
ChangeN = TypeVar("ChangeN", ArtifactChange, ExecutionChange, ContextChange, contravariant=True)


class TypeStore(Protocol):
    """Node types."""

    def put(
        self, types: Sequence[NewType], /, *, can_add: bool = False, can_omit: bool = False
    ) -> list[TypeId]:
        """Store types, or find the equal ones that are there; all or none.

        Args:
            types: A type is known by (kind, name, version).
            can_add: A stored type may gain the properties that only the new one has.
            can_omit: The new one may leave out stored properties; they stay.

        Returns:
            Ids, index-aligned with `types`.

        Raises:
            ConflictError: the stored type differs in a way the flags do not allow;
                the kind of a property never changes.
            NotFoundError: a base type is not stored.
        """
        ...

    def get(self, ids: Sequence[TypeId], /) -> list[NodeType]:
        """Return the types with these ids, in that order; unknown ones are left out."""
        ...

    def find(self, kind: NodeKind, name: str, version: str | None = None) -> NodeType | None:
        """Return the type of this kind, name and version, if there is one."""
        ...

    def all(self, kind: NodeKind) -> list[NodeType]:
        """Return all types of a kind, by id."""
        ...


class NodeStore(Protocol[Id, N, NewN, ChangeN]):
    """What the stores of artifacts, executions and contexts have in common."""

    def add(self, new: Sequence[NewN], /, *, key: str | None = None) -> list[Id]:
        """Store nodes, all or none.

        Args:
            new: Nodes to store.
            key: Idempotency key: the same call again returns the same ids and writes nothing.

        Returns:
            Ids, index-aligned with `new`.

        Raises:
            ConflictError: a (type, name) or an external id is taken, or `key` was used for another request.
            NotFoundError: a type id is not stored, or is of another kind.
            InvalidError: a property is not of its type, or a name is too long.
        """
        ...

    def update(self, changes: Sequence[ChangeN], /, *, key: str | None = None) -> None:
        """Change nodes, all or none; a node that does not differ keeps its `updated_ms` and revision.

        Raises:
            NotFoundError: an id is not stored.
            StaleWriteError: a node is not at its `expect_revision`.
            ConflictError, InvalidError: as in `add`.
        """
        ...

    def get(self, ids: Sequence[Id], /) -> list[N]:
        """Return the nodes with these ids, in that order, deleted ones too; unknown ones are left out."""
        ...

    def page(self, listing: Listing = ..., /) -> Page[N]:
        """Return a page of nodes; without order, by id."""
        ...

    def count(self, filter: Filter | None = None, /, *, limit: int) -> int:
        """Count the nodes that a list of this filter has, and stop at `limit`."""
        ...

    def find(self, type_id: TypeId, name: str) -> N | None:
        """Return the node of this type and name, if there is one."""
        ...

    def by_external_ids(self, external_ids: Sequence[str], /) -> list[N]:
        """Return the nodes with these external ids, by id; unknown ones are left out."""
        ...

    def delete(self, ids: Sequence[Id], /) -> None:
        """Mark nodes as deleted, all or none: lists leave them out, lineage and `get` still show them.

        Raises:
            NotFoundError: an id is not stored.
        """
        ...

    def restore(self, ids: Sequence[Id], /) -> None:
        """Take the mark of deletion away, all or none.

        Raises:
            NotFoundError: an id is not stored.
        """
        ...


class ArtifactStore(NodeStore[ArtifactId, Artifact, NewArtifact, ArtifactChange], Protocol):
    """Artifacts."""

    def by_uris(self, uris: Sequence[str], /) -> list[Artifact]:
        """Return the artifacts at these URIs, by id."""
        ...

    def by_digests(self, digests: Sequence[str], /) -> list[Artifact]:
        """Return the artifacts with these digests, by id."""
        ...


class ExecutionStore(NodeStore[ExecutionId, Execution, NewExecution, ExecutionChange], Protocol):
    """Executions."""


class ContextStore(NodeStore[ContextId, Context, NewContext, ContextChange], Protocol):
    """Contexts."""
