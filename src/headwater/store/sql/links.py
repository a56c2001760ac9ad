"""Edges: events, attributions, associations, parents, and publishing an execution with all of them."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from headwater.errors import ConflictError, InvalidError
from headwater.model.graph import (
    INPUT_EVENTS,
    OUTPUT_EVENTS,
    ArtifactChange,
    ArtifactLink,
    Association,
    Attribution,
    Event,
    EventPath,
    EventType,
    NewArtifact,
    NewContext,
    NewExecution,
    ParentContext,
    Publication,
    Published,
    StoredSubgraph,
    Subgraph,
)
from headwater.model.ids import ArtifactId, ContextId, ExecutionId
from headwater.store.sql.database import Database
from headwater.store.sql.entities import opened
from headwater.store.sql.idempotency import write_once
from headwater.store.sql.locks import PARENTS, lock
from headwater.store.sql.nodes import Artifacts, Contexts, Executions
from headwater.store.sql.prepared import Prepared
from headwater.store.sql.schema import association, attribution, event, parent_context
from headwater.store.sql.subgraphs import SubgraphWriter
from headwater.store.sql.text import decode, encode_optional

L = TypeVar("L", Attribution, Association, ParentContext)

EVENT_COLUMNS: Final = ("execution_id", "type", "artifact_id", "path", "time_ms")
_TYPES: Final = {int(kind): kind for kind in EventType}
_Event: Final = opened(Event)


class Links:
    """`LinkStore` in SQL."""

    def __init__(
        self, db: Database, artifacts: Artifacts, executions: Executions, contexts: Contexts
    ) -> None:
        self._db = db
        self._artifacts = artifacts
        self._executions = executions
        self._contexts = contexts
        self._add_events = Prepared.insert_missing(db, event, EVENT_COLUMNS)
        self._events_by = {
            (by, are_outputs): self._ordered(event, EVENT_COLUMNS, (by, "type", then), *only)
            for by, then in (("artifact_id", "execution_id"), ("execution_id", "artifact_id"))
            for are_outputs, only in (
                (None, ()),
                (False, (event.c.type.in_(sorted(INPUT_EVENTS)),)),
                (True, (event.c.type.in_(sorted(OUTPUT_EVENTS)),)),
            )
        }
        self._add_pairs = {
            table: (columns, Prepared.insert_missing(db, table, columns))
            for table in (attribution, association)
            for columns in [tuple(table.columns.keys())]
        }
        self._pairs_by = {
            (table, by): self._ordered(table, (first, second), order)
            for table in (attribution, association, parent_context)
            for first, second in [[c.name for c in table.primary_key]]
            for by, order in ((first, (first, second)), (second, (second, first)))
        }

    def _ordered(
        self,
        table: sa.Table,
        columns: Sequence[str],
        order: Sequence[str],
        *only: sa.ColumnElement[bool],
    ) -> Prepared:
        """Prepare the rows of a table whose first column in `order` is among some ids."""

        def build() -> sa.Select[Any]:
            given = self._db.dialect.among(table.c[order[0]])
            wanted = sa.select(*(table.c[name] for name in columns)).where(given, *only)
            return wanted.order_by(*(table.c[name] for name in order))

        return Prepared(self._db, build)

    def add_events(self, events: Sequence[Event], /) -> None:
        def job(conn: sa.Connection) -> None:
            self._artifacts.require(conn, [e.artifact_id for e in events])
            self._executions.require(conn, [e.execution_id for e in events])
            self._db.dialect.insert_rows(conn, event, EVENT_COLUMNS, self._rows_of(events))

        self._db.write(job)

    def add_memberships(
        self, attributions: Sequence[Attribution] = (), associations: Sequence[Association] = ()
    ) -> None:
        def job(conn: sa.Connection) -> None:
            self._contexts.require(conn, [a.context_id for a in (*attributions, *associations)])
            self._artifacts.require(conn, [a.artifact_id for a in attributions])
            self._executions.require(conn, [a.execution_id for a in associations])
            self.attribute(conn, attributions)
            self.associate(conn, associations)

        self._db.write(job)

    def add_parents(self, links: Sequence[ParentContext], /) -> None:
        def job(conn: sa.Connection) -> None:
            # Two links stored at once could close a cycle that neither sees.
            lock(conn, PARENTS)
            self._contexts.require(conn, [i for link in links for i in (link.child_id, link.parent_id)])
            for link in links:
                self._add_parent(conn, link)

        self._db.write(job)

    def events_of_artifacts(
        self, ids: Sequence[ArtifactId], /, *, are_outputs: bool | None = None
    ) -> list[Event]:
        return self._events("artifact_id", ids, are_outputs)

    def events_of_executions(
        self, ids: Sequence[ExecutionId], /, *, are_outputs: bool | None = None
    ) -> list[Event]:
        return self._events("execution_id", ids, are_outputs)

    def contexts_of_artifacts(self, ids: Sequence[ArtifactId], /) -> list[Attribution]:
        return self._pairs(attribution, "artifact_id", ids, Attribution)

    def contexts_of_executions(self, ids: Sequence[ExecutionId], /) -> list[Association]:
        return self._pairs(association, "execution_id", ids, Association)

    def artifacts_of_contexts(self, ids: Sequence[ContextId], /) -> list[Attribution]:
        return self._pairs(attribution, "context_id", ids, Attribution)

    def executions_of_contexts(self, ids: Sequence[ContextId], /) -> list[Association]:
        return self._pairs(association, "context_id", ids, Association)

    def parents(self, ids: Sequence[ContextId], /) -> list[ParentContext]:
        return self._pairs(parent_context, "child_id", ids, ParentContext)

    def children(self, ids: Sequence[ContextId], /) -> list[ParentContext]:
        return self._pairs(parent_context, "parent_id", ids, ParentContext)

    def publish(self, publication: Publication, /, *, key: str | None = None) -> Published:
        return write_once(
            self._db,
            lambda conn: self.publish_in(conn, publication),
            key=key,
            request=publication,
            result=Published,
        )

    def put(self, subgraph: Subgraph, /) -> StoredSubgraph:
        return self._db.write(lambda conn: self._put(conn, subgraph))

    def attribute(self, conn: sa.Connection, links: Iterable[Attribution]) -> None:
        """Store attributions inside a running transaction; those that are there stay."""
        self._link(conn, attribution, [(a.context_id, a.artifact_id) for a in links])

    def associate(self, conn: sa.Connection, links: Iterable[Association]) -> None:
        """Store associations inside a running transaction; those that are there stay."""
        self._link(conn, association, [(a.context_id, a.execution_id) for a in links])

    def add_missing_events(self, conn: sa.Connection, events: Sequence[Event]) -> None:
        """Store events inside a running transaction; those that are there stay as they are."""
        self._add_events.run_many(conn, EVENT_COLUMNS, self._rows_of(events))

    def _rows_of(self, events: Sequence[Event]) -> list[tuple[Any, ...]]:
        now = self._db.clock_ms()
        return [
            (
                e.execution_id,
                # Of an enum the driver would first look for an adapter.
                int(_known(e.type)),
                e.artifact_id,
                encode_optional(path_text(e.path)),
                now if e.time_ms is None else e.time_ms,
            )
            for e in events
        ]

    def _link(self, conn: sa.Connection, table: sa.Table, pairs: Iterable[tuple[int, int]]) -> None:
        now = self._db.clock_ms()
        columns, statement = self._add_pairs[table]
        statement.run_many(conn, columns, [(*pair, now) for pair in pairs])

    def _add_parent(self, conn: sa.Connection, link: ParentContext) -> None:
        frontier, seen = {link.parent_id}, set[int]()
        while frontier:
            if link.child_id in frontier:
                raise InvalidError(
                    f"context {link.parent_id} is part of context {link.child_id} already (or the same): "
                    "the link would close a cycle"
                )
            seen |= frontier
            above = sa.select(parent_context.c.parent_id).where(
                self._db.dialect.ids_in(parent_context.c.child_id, sorted(frontier))
            )
            frontier = {ContextId(i) for i in conn.execute(above).scalars()} - seen
        table = parent_context
        exists = sa.select(table).where(
            table.c.child_id == link.child_id, table.c.parent_id == link.parent_id
        )
        if conn.execute(exists).first() is not None:
            raise ConflictError(f"context {link.child_id} is part of context {link.parent_id} already")
        values = {"child_id": link.child_id, "parent_id": link.parent_id, "created_ms": self._db.clock_ms()}
        conn.execute(sa.insert(table).values(values))

    def _events(self, by: str, ids: Sequence[int], are_outputs: bool | None) -> list[Event]:  # noqa: FBT001
        with self._db.look() as conn:
            return [event_of(row) for row in self._events_by[by, are_outputs].among(conn, ids)]

    def _pairs(self, table: sa.Table, by: str, ids: Sequence[int], entity: type[L]) -> list[L]:
        with self._db.look() as conn:
            return [entity(*row) for row in self._pairs_by[table, by].among(conn, ids)]

    def publish_in(self, conn: sa.Connection, publication: Publication) -> Published:
        """`publish` inside a running transaction."""
        return self.tie(
            conn,
            lambda: self._put_execution(conn, publication),
            publication.artifacts,
            publication.contexts,
            with_inputs=True,
        )

    def tie(
        self,
        conn: sa.Connection,
        put_execution: Callable[[], ExecutionId],
        links: Sequence[ArtifactLink],
        new_contexts: Sequence[NewContext | ContextId],
        *,
        with_inputs: bool,
    ) -> Published:
        """Store contexts, artifacts and an execution inside a running transaction, linked to each other.

        Without inputs, what the execution reads does not become part of the contexts.
        """
        contexts = self._put_contexts(conn, new_contexts)
        artifacts = self._put_artifacts(conn, links)
        execution = put_execution()
        events = [
            Event(artifact_id=a, execution_id=execution, type=_known(link.type), path=link.path)
            for a, link in zip(artifacts, links, strict=True)
        ]
        self.add_missing_events(conn, events)
        owned = [e.artifact_id for e in events if with_inputs or e.type.is_output]
        self.attribute(conn, {Attribution(c, a): None for c in contexts for a in owned})
        self.associate(conn, {Association(c, execution): None for c in contexts})
        return Published(execution_id=execution, artifact_ids=tuple(artifacts), context_ids=tuple(contexts))

    def _put(self, conn: sa.Connection, subgraph: Subgraph) -> StoredSubgraph:
        writer = SubgraphWriter(conn, self._artifacts, self._executions, self._contexts)
        stored = writer.put_nodes(subgraph)
        self.attribute(
            conn, {Attribution(c, a): None for c in stored.context_ids for a in stored.artifact_ids}
        )
        self.associate(
            conn, {Association(c, e): None for c in stored.context_ids for e in stored.execution_ids}
        )
        events = writer.events(subgraph, stored)
        self._db.dialect.insert_rows(conn, event, EVENT_COLUMNS, self._rows_of(events))
        return stored

    def _put_contexts(
        self, conn: sa.Connection, contexts: Sequence[NewContext | ContextId]
    ) -> list[ContextId]:
        self._contexts.require(conn, [c for c in contexts if not isinstance(c, NewContext)])
        return [self._contexts.ensure(conn, c) if isinstance(c, NewContext) else c for c in contexts]

    def _put_artifacts(self, conn: sa.Connection, links: Sequence[ArtifactLink]) -> list[ArtifactId]:
        new = [link.artifact for link in links if isinstance(link.artifact, NewArtifact)]
        fresh = iter(self._artifacts.insert(conn, new))
        self._artifacts.change(
            conn, [link.artifact for link in links if isinstance(link.artifact, ArtifactChange)]
        )
        self._artifacts.require(conn, [link.artifact for link in links if isinstance(link.artifact, int)])
        return [_artifact_id(link.artifact, fresh) for link in links]

    def _put_execution(self, conn: sa.Connection, publication: Publication) -> ExecutionId:
        execution = publication.execution
        if isinstance(execution, NewExecution):
            return self._executions.insert(conn, [execution])[0]
        self._executions.change(conn, [execution])
        return execution.id


def event_of(row: Sequence[Any]) -> Event:
    """Turn the driver's row of `EVENT_COLUMNS` into an event."""
    made: Any = object.__new__(_Event)
    made.execution_id, kind, made.artifact_id, path, made.time_ms = row
    made.type, made.path = _TYPES[kind], tuple(json.loads(decode(path))) if path else ()
    made.__class__ = Event
    return made


def _artifact_id(
    artifact: NewArtifact | ArtifactChange | ArtifactId, fresh: Iterable[ArtifactId]
) -> ArtifactId:
    if isinstance(artifact, NewArtifact):
        return next(iter(fresh))
    return artifact.id if isinstance(artifact, ArtifactChange) else artifact


def path_text(path: EventPath) -> str | None:
    """Return what stands in the column of a path."""
    # Not as ASCII: JSON cannot tell two escaped halves of a surrogate pair from the whole.
    return json.dumps(path, ensure_ascii=False) if path else None


def _known(kind: EventType) -> EventType:
    if kind is EventType.UNKNOWN:
        raise InvalidError("an event needs a type: INPUT, OUTPUT or one of their kinds")
    return kind
