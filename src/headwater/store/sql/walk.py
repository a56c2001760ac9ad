"""Lineage: `headwater.provenance` walks, this gives it the events of one hop and turns ids into nodes."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from headwater.errors import NotFoundError
from headwater.model.graph import Event, NodeKind, NodeRef
from headwater.model.ids import ArtifactId, ExecutionId
from headwater.model.lineage import Direction, Edge, LineageGraph, Reached, Walk
from headwater.provenance import event_types, shortest_route, walk
from headwater.provenance.walk import Expand, Passable
from headwater.store.sql import driver
from headwater.store.sql.database import Database
from headwater.store.sql.links import EVENT_COLUMNS, event_of
from headwater.store.sql.nodes import Artifacts, Executions
from headwater.store.sql.prepared import Prepared
from headwater.store.sql.schema import artifact, event, execution, type_

if TYPE_CHECKING:
    from headwater.store.sql.memory import EdgesInMemory

_TABLES: Final = {NodeKind.ARTIFACT: artifact, NodeKind.EXECUTION: execution}
_COLUMNS: Final = {NodeKind.ARTIFACT: event.c.artifact_id, NodeKind.EXECUTION: event.c.execution_id}


class Lineage:
    """`LineageStore` in SQL."""

    def __init__(self, db: Database, artifacts: Artifacts, executions: Executions) -> None:
        self._db = db
        self._artifacts = artifacts
        self._executions = executions
        self._memory: EdgesInMemory | None = None
        self._hops: dict[tuple[Direction, NodeKind], str] = {}
        self._events_of = Prepared(
            db,
            lambda: sa.select(*(event.c[name] for name in EVENT_COLUMNS)).where(
                db.dialect.among(event.c.execution_id)
            ),
        )

    def keep_in_memory(self, *, max_age_s: float = 1.0) -> None:
        # numpy and a second of reading: only for who asks for it.
        from headwater.store.sql.memory import EdgesInMemory

        self._memory = EdgesInMemory(self._db, max_age_s=max_age_s)

    def release_memory(self) -> None:
        self._memory = None

    def reach(self, question: Walk, /) -> Reached:
        # Which nodes stop a walk only the database knows.
        if self._memory is not None and not question.stop_types:
            return self._memory.adjacency().reach(question)
        with self._db.read() as conn:
            return self._reach(conn, question)

    def walk(self, question: Walk, /) -> LineageGraph:
        with self._db.read() as conn:
            found = self._reach(conn, question)
            graph = self._graph(conn, found)
            # What a removed node left behind is part of the graph; what never was is nowhere.
            artifacts, executions = ({n.id for n in nodes} for nodes in (graph.artifacts, graph.executions))
            self._artifacts.require(conn, {*question.artifacts} - artifacts)
            self._executions.require(conn, {*question.executions} - executions)
            return graph

    def path(self, start: NodeRef, end: NodeRef, /) -> LineageGraph | None:
        with self._db.read() as conn:
            for kind, node_id in (start, end):
                self._require(conn, kind, node_id)
            route = shortest_route(start, end, self._expand(conn))
            return self._graph(conn, route) if route else None

    def _reach(self, conn: sa.Connection, question: Walk) -> Reached:
        stops = question.stop_types
        return walk(question, self._expand(conn), passable=self._passable(conn, stops) if stops else None)

    def _expand(self, conn: sa.Connection) -> Expand:
        def expand(direction: Direction, kind: NodeKind, ids: Sequence[int]) -> Sequence[Edge]:
            text = self._hops.get((direction, kind))
            if text is None:
                text = self._hops[direction, kind] = self._db.text_of(self._hop(direction, kind))
            rows: Any = driver.fetch(conn, text, (self._db.dialect.pack_joined(ids),))
            return rows

        return expand

    def _hop(self, direction: Direction, kind: NodeKind) -> str:
        """Return the text of one hop; each reads nothing but one of the two indexes of events."""
        types = event_types(direction, kind)
        chosen = f" AND event.type IN ({', '.join(str(int(t)) for t in sorted(types))})" if types else ""
        return (
            "SELECT event.execution_id, event.artifact_id, event.type "
            f"FROM {self._db.dialect.given_ids} event ON event.{_COLUMNS[kind].name} = given.id{chosen}"
        )

    def _passable(self, conn: sa.Connection, stop_types: Iterable[str]) -> Passable:
        def passable(kind: NodeKind, ids: Sequence[int]) -> set[int]:
            table = _TABLES[kind]
            stops = sa.select(type_.c.id).where(type_.c.kind == kind, type_.c.name.in_(stop_types))
            stopping = sa.select(table.c.id).where(
                self._db.dialect.ids_in(table.c.id, ids), table.c.type_id.in_(stops)
            )
            return {*ids}.difference(conn.execute(stopping).scalars())

        return passable

    def _require(self, conn: sa.Connection, kind: NodeKind, node_id: int) -> None:
        nodes = self._artifacts if kind is NodeKind.ARTIFACT else self._executions
        if not nodes.by_ids(conn, [node_id], with_removed=True):
            raise NotFoundError(kind.name.lower(), node_id)

    def _graph(self, conn: sa.Connection, found: Reached) -> LineageGraph:
        """Load nodes and events; of a node that was removed for good there is what its tombstone keeps."""
        artifacts = self._artifacts.by_ids(conn, found.artifacts, with_removed=True)
        executions = self._executions.by_ids(conn, found.executions, with_removed=True)
        artifact_ids: list[ArtifactId] = [i for i in found.artifacts if i in artifacts]
        execution_ids: list[ExecutionId] = [i for i in found.executions if i in executions]
        return LineageGraph(
            artifacts=tuple(artifacts[i] for i in artifact_ids),
            executions=tuple(executions[i] for i in execution_ids),
            artifact_hops=tuple(found.artifacts[i] for i in artifact_ids),
            execution_hops=tuple(found.executions[i] for i in execution_ids),
            events=tuple(self._events(conn, found.edges)),
            is_truncated=found.is_truncated,
        )

    def _events(self, conn: sa.Connection, edges: Sequence[Edge]) -> list[Event]:
        """Return the events that edges stand for, by execution, artifact and type."""
        wanted = set(edges)
        owners = sorted({edge[0] for edge in edges})
        rows = self._events_of.among(conn, owners) if owners else ()
        found = {(row[0], row[2], row[1]): row for row in rows}
        return [event_of(found[edge]) for edge in sorted(wanted)]
