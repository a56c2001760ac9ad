"""One node at a time: what each call costs beside the SQL that it cannot do without."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from benchmarks.frame import Bench, Benchmark, Result, Target
from benchmarks.frame.turns import take_turns, timed_loop
from headwater.model.graph import (
    Artifact,
    ArtifactLink,
    Event,
    EventType,
    NewArtifact,
    NewContext,
    NewExecution,
    NewType,
    NodeKind,
    Publication,
)
from headwater.model.ids import ArtifactId, ContextId, ExecutionId, TypeId
from headwater.model.values import ValueKind
from headwater.store.sql.store import SqlStore

PROPERTIES: Final = {"rows": ValueKind.INT, "split": ValueKind.STRING, "share": ValueKind.DOUBLE}
PEER: Final = "the same statements by hand through `sqlite3`"
READ: Final = Target(0.5, "half as fast")
WRITE: Final = Target(0.5, "half as fast")


def run(bench: Bench) -> Iterator[Result]:
    """Compare each call with its statements run by hand on the same tables, into the same values."""
    with bench.folder() as folder:
        file = folder / "store.db"
        with SqlStore(f"sqlite:///{file}") as store, closing(connected(file)) as connection:
            graph = Graph(store, bench.size(20_000, 50))
            hand = ByHand(connection)
            for words, ours, theirs, target in calls(store, graph, hand):
                costs = take_turns(
                    [timed_loop(ours, bench.size(300, 3)), timed_loop(theirs, bench.size(300, 3))],
                    repeats=bench.size(9, 1),
                )
                yield bench.result(words, PEER, *costs, target=target)


Call = tuple[str, Callable[[int], Any], Callable[[int], Any], Target]


def calls(store: SqlStore, graph: "Graph", hand: "ByHand") -> Iterator[Call]:
    """Yield what is called: in words, ours, by hand, and the target."""
    ids = graph.artifacts

    def id_of(number: int) -> ArtifactId:
        return ids[number * 7919 % len(ids)]

    yield (
        "`artifacts.get` of one id with 3 properties",
        lambda n: store.artifacts.get([id_of(n)]),
        lambda n: hand.get(id_of(n)),
        READ,
    )
    yield (
        "`artifacts.find` by type and name",
        lambda n: store.artifacts.find(graph.artifact_type, f"data-{n}"),
        lambda n: hand.find(graph.artifact_type, f"data-{n}"),
        READ,
    )
    yield (
        "`links.events_of_executions` of one id",
        lambda n: store.links.events_of_executions([graph.executions[n % len(graph.executions)]]),
        lambda n: hand.events(graph.executions[n % len(graph.executions)]),
        READ,
    )
    yield (
        "`artifacts.add` of one with 3 properties",
        lambda n: store.artifacts.add([graph.new_artifact(None)]),
        lambda n: hand.add(graph.artifact_type),
        WRITE,
    )
    yield (
        "`links.publish` of an execution with 4 artifacts and a context",
        lambda n: store.links.publish(graph.publication()),
        lambda n: hand.publish(graph),
        WRITE,
    )


class Graph:
    """Some artifacts, and executions that read and made them."""

    def __init__(self, store: SqlStore, count: int) -> None:
        self.artifact_type, self.execution_type, self.context_type = store.types.put(
            [
                NewType(kind=NodeKind.ARTIFACT, name="Data", properties=PROPERTIES),
                NewType(kind=NodeKind.EXECUTION, name="Step", properties=PROPERTIES),
                NewType(kind=NodeKind.CONTEXT, name="Pipeline"),
            ]
        )
        self.artifacts = store.artifacts.add([self.new_artifact(f"data-{i}") for i in range(count)])
        self.executions = store.executions.add([self.new_execution() for _ in range(count // 4)])
        self.context: ContextId = store.contexts.add([NewContext(type_id=self.context_type, name="flights")])[
            0
        ]
        store.links.add_events(
            [
                Event(artifact_id=artifact, execution_id=self.executions[i // 4], type=EventType.OUTPUT)
                for i, artifact in enumerate(self.artifacts[: 4 * len(self.executions)])
            ]
        )

    def new_artifact(self, name: str | None) -> NewArtifact:
        """Return an artifact as pipelines make them."""
        return NewArtifact(
            type_id=self.artifact_type,
            name=name,
            uri="file:///data/flights/part-0001.parquet",
            properties={"rows": 1000, "split": "train", "share": 0.8},
        )

    def new_execution(self) -> NewExecution:
        """Return an execution as pipelines make them."""
        return NewExecution(
            type_id=self.execution_type, properties={"rows": 1000, "split": "train", "share": 0.8}
        )

    def publication(self) -> Publication:
        """Return an execution that read two artifacts and made two."""
        links = [ArtifactLink(artifact=i, type=EventType.INPUT) for i in self.artifacts[:2]]
        links += [ArtifactLink(artifact=self.new_artifact(None), type=EventType.OUTPUT)] * 2
        return Publication(execution=self.new_execution(), artifacts=links, contexts=[self.context])


class ByHand:
    """The statements that the same calls need, on the same tables."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, node_id: int) -> Artifact:
        """Read one artifact into the entity that a store gives."""
        run = self._connection.execute
        row = run("SELECT * FROM artifact WHERE id = ?", (node_id,)).fetchone()
        found = run(
            "SELECT space, name, kind, int_value, number_value, head, text_value, bytes_value"
            " FROM artifact_property WHERE node_id = ? ORDER BY space, name",
            (node_id,),
        ).fetchall()
        properties = {name: _value(kind, *rest) for _, name, kind, *rest in found}
        return _artifact(row, properties)

    def find(self, type_id: TypeId, name: str) -> Artifact | None:
        """Read one artifact by its name."""
        statement = "SELECT id FROM artifact WHERE type_id = ? AND name = ?"
        row = self._connection.execute(statement, (type_id, name)).fetchone()
        return None if row is None else self.get(row[0])

    def events(self, execution: int) -> list[Event]:
        """Read the events of one execution."""
        statement = (
            "SELECT execution_id, type, artifact_id, path, time_ms FROM event"
            " WHERE execution_id = ? ORDER BY type, artifact_id"
        )
        return [_event(*row) for row in self._connection.execute(statement, (execution,))]

    def add(self, type_id: TypeId) -> int:
        """Write one artifact with its properties, in a transaction."""
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        node_id = self._node("artifact", type_id)
        run("COMMIT")
        return node_id

    def publish(self, graph: Graph) -> int:
        """Write an execution, two artifacts and all links, in a transaction."""
        run, many = self._connection.execute, self._connection.executemany
        run("BEGIN IMMEDIATE")
        used = graph.artifacts[:2]
        run("SELECT id FROM context WHERE id = ?", (graph.context,)).fetchall()
        run("SELECT id FROM artifact WHERE id IN (?, ?)", used).fetchall()
        made = [self._node("artifact", graph.artifact_type) for _ in range(2)]
        execution = self._node("execution", graph.execution_type)
        events = [(execution, 3, i, 0) for i in used] + [(execution, 4, i, 0) for i in made]
        many("INSERT INTO event (execution_id, type, artifact_id, time_ms) VALUES (?, ?, ?, ?)", events)
        members = [(graph.context, i, 0) for i in (*used, *made)]
        many("INSERT OR IGNORE INTO attribution VALUES (?, ?, ?)", members)
        run("INSERT INTO association VALUES (?, ?, ?)", (graph.context, execution, 0))
        run("COMMIT")
        return execution

    def _node(self, table: str, type_id: TypeId) -> int:
        columns, values = "type_id, created_ms, updated_ms, revision", "?, 0, 0, 1"
        if table == "artifact":
            columns, values = f"{columns}, uri", f"{values}, 'file:///data/flights/part-0001.parquet'"
        insert = f"INSERT INTO {table} ({columns}) VALUES ({values})"
        node_id = self._connection.execute(insert, (type_id,)).lastrowid
        assert node_id is not None
        rows = [
            (node_id, 0, "rows", 1, 1000, 1000.0, None),
            (node_id, 0, "share", 2, None, 0.8, None),
            (node_id, 0, "split", 3, None, None, "train"),
        ]
        self._connection.executemany(
            f"INSERT INTO {table}_property (node_id, space, name, kind, int_value, number_value, head)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        return node_id


def connected(file: Path) -> sqlite3.Connection:
    """Open the store's file as the store does."""
    connection = sqlite3.connect(file, isolation_level=None, timeout=30)
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA cache_size=-64000")
    return connection


def _artifact(row: tuple[Any, ...], properties: dict[str, Any]) -> Artifact:
    node_id, type_id, name, external_id, uri, _, digest, size, created, updated, deleted, revision = row
    return Artifact(
        id=ArtifactId(node_id),
        type_id=TypeId(type_id),
        type_name="Data",
        name=name,
        external_id=external_id,
        uri=uri,
        digest=digest,
        size_bytes=size,
        properties=properties,
        created_ms=created,
        updated_ms=updated,
        deleted_ms=deleted,
        revision=revision,
    )


def _value(kind: int, integer: int, number: float, head: str, *_: object) -> Any:
    return integer if kind == ValueKind.INT else number if kind == ValueKind.DOUBLE else head


def _event(execution: int, kind: int, artifact: int, path: str | None, time_ms: int) -> Event:
    return Event(
        artifact_id=ArtifactId(artifact),
        execution_id=ExecutionId(execution),
        type=EventType(kind),
        path=tuple(json.loads(path)) if path else (),
        time_ms=time_ms,
    )


BENCHMARK = Benchmark(name="nodes", summary="one node at a time against the same statements by hand", run=run)
