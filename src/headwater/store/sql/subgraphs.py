"""Subgraphs: nodes of all three kinds, new, changed or as they are, in their order."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from typing import Any, TypeAlias, TypeVar, cast

import sqlalchemy as sa

from headwater.errors import InvalidError
from headwater.model.graph import (
    ArtifactChange,
    At,
    ContextChange,
    Event,
    ExecutionChange,
    NewContext,
    NewNode,
    NodeChange,
    StoredSubgraph,
    Subgraph,
    SubgraphEvent,
)
from headwater.store.sql.nodes import Artifacts, Contexts, Executions

Change: TypeAlias = ArtifactChange | ExecutionChange | ContextChange
Table: TypeAlias = Artifacts | Executions | Contexts
Id = TypeVar("Id", bound=int)


class SubgraphWriter:
    """Writes the nodes of subgraphs inside a running transaction."""

    def __init__(
        self, conn: sa.Connection, artifacts: Artifacts, executions: Executions, contexts: Contexts
    ) -> None:
        self._conn = conn
        self._artifacts = artifacts
        self._executions = executions
        self._contexts = contexts

    def put_nodes(self, subgraph: Subgraph) -> StoredSubgraph:
        """Store nodes, and return the ids of all."""
        reuses = subgraph.reuses_contexts
        return StoredSubgraph(
            context_ids=tuple(self._put(self._contexts, subgraph.contexts, reuses_contexts=reuses)),
            artifact_ids=tuple(self._put(self._artifacts, subgraph.artifacts)),
            execution_ids=tuple(self._put(self._executions, subgraph.executions)),
        )

    def events(self, subgraph: Subgraph, stored: StoredSubgraph) -> list[Event]:
        """Return the events with the ids of their ends, which are stored."""
        self._artifacts.require(self._conn, _named(e.artifact for e in subgraph.events))
        self._executions.require(self._conn, _named(e.execution for e in subgraph.events))
        return [_resolved(event, stored) for event in subgraph.events]

    def _put(self, table: Table, nodes: Sequence[Any], *, reuses_contexts: bool = False) -> list[Any]:
        ids: list[Any] = []
        # Equal kinds of writes side by side are one statement each; the order stays.
        for kind, group in groupby(nodes, key=_kind_of_write):
            some = list(group)
            if kind is NodeChange:
                table.change(self._conn, some)
                ids += [change.id for change in cast("list[Change]", some)]
            elif kind is int:
                table.require(self._conn, some)
                ids += some
            elif reuses_contexts and isinstance(table, Contexts):
                ids += [table.ensure(self._conn, new) for new in cast("list[NewContext]", some)]
            else:
                ids += table.insert(self._conn, some)
        return ids


def _kind_of_write(node: object) -> type:
    return _kind_of_class(type(node))


@cache
def _kind_of_class(of: type) -> type:
    return next(kind for kind in (NewNode, NodeChange, int) if issubclass(of, kind))


def _named(ends: Iterator[int | At]) -> list[int]:
    return [end for end in ends if not isinstance(end, At)]


def _resolved(event: SubgraphEvent, stored: StoredSubgraph) -> Event:
    return Event(
        artifact_id=_id(event.artifact, stored.artifact_ids),
        execution_id=_id(event.execution, stored.execution_ids),
        type=event.type,
        path=event.path,
        time_ms=event.time_ms,
    )


def _id(end: Id | At, ids: Sequence[Id]) -> Id:
    if not isinstance(end, At):
        return end
    if not 0 <= end.index < len(ids):
        raise InvalidError(f"an event names place {end.index} of a list of {len(ids)} nodes")
    return ids[end.index]
