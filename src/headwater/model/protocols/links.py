"""What a store does with edges."""

from collections.abc import Sequence
from typing import Protocol

from headwater.model.graph import (
    Association,
    Attribution,
    Event,
    NodeRef,
    ParentContext,
    Publication,
    Published,
    StoredSubgraph,
    Subgraph,
)
from headwater.model.ids import ArtifactId, ContextId, ExecutionId
from headwater.model.lineage import LineageGraph, Reached, Walk


class LinkStore(Protocol):
    """Edges between nodes."""

    def add_events(self, events: Sequence[Event], /) -> None:
        """Store events, all or none.

        Raises:
            NotFoundError: an artifact or execution is not stored.
            ConflictError: an (execution, type, artifact) is stored already.
        """
        ...

    def add_memberships(
        self, attributions: Sequence[Attribution] = (), associations: Sequence[Association] = ()
    ) -> None:
        """Store attributions and associations, all or none; those that are there already stay.

        Raises:
            NotFoundError: a node is not stored.
        """
        ...

    def add_parents(self, links: Sequence[ParentContext], /) -> None:
        """Make contexts part of others, all or none.

        Raises:
            NotFoundError: a context is not stored.
            ConflictError: a link is stored already.
            InvalidError: a link would close a cycle.
        """
        ...

    def events_of_artifacts(
        self, ids: Sequence[ArtifactId], /, *, are_outputs: bool | None = None
    ) -> list[Event]:
        """Return the events of these artifacts, by artifact, type and execution.

        Args:
            ids: Which.
            are_outputs: Only those by which an execution made an artifact, or (False) read it.
        """
        ...

    def events_of_executions(
        self, ids: Sequence[ExecutionId], /, *, are_outputs: bool | None = None
    ) -> list[Event]:
        """Return the events of these executions, by execution, type and artifact.

        Args:
            ids: Which.
            are_outputs: As in `events_of_artifacts`.
        """
        ...

    def contexts_of_artifacts(self, ids: Sequence[ArtifactId], /) -> list[Attribution]:
        """Return the attributions of these artifacts, by artifact and context."""
        ...

    def contexts_of_executions(self, ids: Sequence[ExecutionId], /) -> list[Association]:
        """Return the associations of these executions, by execution and context."""
        ...

    def artifacts_of_contexts(self, ids: Sequence[ContextId], /) -> list[Attribution]:
        """Return the attributions of these contexts, by context and artifact."""
        ...

    def executions_of_contexts(self, ids: Sequence[ContextId], /) -> list[Association]:
        """Return the associations of these contexts, by context and execution."""
        ...

    def parents(self, ids: Sequence[ContextId], /) -> list[ParentContext]:
        """Return the links from these contexts to their parents, by child and parent."""
        ...

    def children(self, ids: Sequence[ContextId], /) -> list[ParentContext]:
        """Return the links from these contexts to their children, by parent and child."""
        ...

    def publish(self, publication: Publication, /, *, key: str | None = None) -> Published:
        """Store an execution with its artifacts, events and contexts in one transaction.

        An event that is there already (same execution, type, artifact) stays as it is.

        Raises:
            NotFoundError, ConflictError, StaleWriteError, InvalidError: as in `NodeStore.add` and `update`.
        """
        ...

    def put(self, subgraph: Subgraph, /) -> StoredSubgraph:
        """Store nodes and the edges between them in one transaction, contexts first, then artifacts.

        Nodes of a kind are stored in their order, so a name that one gives up is free for the next.

        Raises:
            ConflictError: an event is stored already; or as in `NodeStore.add`.
            NotFoundError, StaleWriteError, InvalidError: as in `NodeStore.add` and `update`.
        """
        ...


class LineageStore(Protocol):
    """Walks over events."""

    def reach(self, walk: Walk, /) -> Reached:
        """Return the ids of all that a walk reaches."""
        ...

    def walk(self, walk: Walk, /) -> LineageGraph:
        """Return the nodes and edges that a walk reaches.

        Raises:
            NotFoundError: a starting node is not stored.
            InvalidError: the walk starts nowhere, or a limit is negative.
        """
        ...

    def keep_in_memory(self, *, max_age_s: float = 1.0) -> None:
        """Read all edges into memory, so that `reach` answers from there: for programs that live long.

        Answers are the same, and at most `max_age_s` old, save for events that were stored with a time
        more than a minute past, such as imported ones: they may take five minutes to be seen.

        Args:
            max_age_s: Oldest that an answer may be; 0 looks for new events before each one.

        Raises:
            InvalidError: the graph is too large.
        """
        ...

    def release_memory(self) -> None:
        """Give the memory back; `reach` asks the database again."""
        ...

    def path(self, start: NodeRef, end: NodeRef, /) -> LineageGraph | None:
        """Return one shortest path between two nodes, along edges of one direction, or None.

        The nodes' hops count from `start`.
        """
        ...
