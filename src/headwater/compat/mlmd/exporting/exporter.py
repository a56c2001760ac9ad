"""An export: the store is read by pages, edges before nodes, and written as one file."""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from headwater.compat.counting import Watch, silent
from headwater.compat.mlmd.exporting import report as words
from headwater.compat.mlmd.exporting import tables
from headwater.compat.mlmd.exporting.report import ExportReport
from headwater.compat.mlmd.exporting.values import ValueWriter
from headwater.errors import ConflictError, RefusedError, UnavailableError
from headwater.model.builtin import SYSTEM_TYPES
from headwater.model.graph import Artifact, ArtifactState, Event, Node, NodeKind, NodeType
from headwater.model.listing import Listing
from headwater.model.protocols import Store
from headwater.model.values import Properties, ValueKind

PAGE: Final = 5_000
_SYSTEM: Final = frozenset(each.name for each in SYSTEM_TYPES)


def export_database(store: Store, file: Path, *, watch: Watch = silent) -> ExportReport:
    """Write a store as a SQLite file of ML Metadata, version 10: what its clients see of the store.

    Others may go on writing: each edge in the file has its nodes there.

    Args:
        store: The store; it is not changed.
        file: Where to; it appears when it is complete.
        watch: Told how far the export is.

    Returns:
        Rows by table, and what is there in another form or not at all.

    Raises:
        RefusedError: there is a file already.
        ConflictError: two names differ only in what ML Metadata cannot keep.
        UnavailableError: the file cannot be written.
    """
    if file.exists():
        raise RefusedError(f"{file} is there already: name another file, or move it away")
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with closing(sqlite3.connect(part, isolation_level=None)) as conn:
            report = _Export(store, conn, ExportReport(file=file), watch).run()
        _publish(part, file)
    except sqlite3.IntegrityError as error:
        raise ConflictError(f"two rows become the same in ML Metadata's tables: {error}") from error
    except (OSError, sqlite3.Error) as error:
        raise UnavailableError(f"{file} cannot be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return report


def _publish(part: Path, file: Path) -> None:
    with part.open("rb") as opened:
        os.fsync(opened.fileno())
    if file.exists():
        raise RefusedError(f"somebody else made {file} meanwhile: name another file")
    part.rename(file)


class _Export:
    def __init__(self, store: Store, conn: sqlite3.Connection, report: ExportReport, watch: Watch) -> None:
        self._store, self._conn, self._report, self._watch = store, conn, report, watch
        self._values = ValueWriter(report)
        self._counts: Mapping[str, int] = store.upkeep.facts().counts

    def run(self) -> ExportReport:
        # Nobody else sees the file yet, and one that breaks off is thrown away.
        self._conn.execute("PRAGMA journal_mode=OFF")
        self._conn.execute("PRAGMA synchronous=OFF")
        self._conn.execute("BEGIN")
        for statement in tables.statements():
            self._conn.execute(statement)
        # Edges are read before the nodes that are newer than they, so that none of their nodes is missing.
        self._executions()
        self._artifacts()
        self._contexts()
        self._types()
        self._insert("MLMDEnv", [(tables.VERSION,)])
        for statement in tables.indexes():
            self._conn.execute(statement)
        self._conn.execute("COMMIT")
        self._report.leave_out(dict(self._counts))
        return self._report

    def _executions(self) -> None:
        for page in self._pages("execution", self._store.executions):
            ids = [node.id for node in page]
            self._nodes("Execution", page, [(_number(node.state),) for node in page])
            self._events(self._store.links.events_of_executions(ids))
            found = self._store.links.contexts_of_executions(ids)
            self._insert("Association", [(None, each.context_id, each.execution_id) for each in found])
            self._left_out(words.PARAMS, sum(len(node.params) for node in page))

    def _artifacts(self) -> None:
        for page in self._pages("artifact", self._store.artifacts):
            # As clients see them over our service: what was deleted is still somebody's input.
            states = [node.state if node.deleted_ms is None else ArtifactState.DELETED for node in page]
            own = [(self._values.text(n.uri), _number(state)) for n, state in zip(page, states, strict=True)]
            self._nodes("Artifact", page, own)
            found = self._store.links.contexts_of_artifacts([node.id for node in page])
            self._insert("Attribution", [(None, each.context_id, each.artifact_id) for each in found])
            self._left_out(words.CONTENT, sum(_has_content(node) for node in page))

    def _contexts(self) -> None:
        # Twice, as the parent of a context may be newer than it.
        for page in self._pages("context", self._store.contexts):
            found = self._store.links.parents([node.id for node in page])
            self._insert("ParentContext", [(each.child_id, each.parent_id) for each in found])
        for page in self._pages("context", self._store.contexts):
            self._nodes("Context", page, [() for _ in page])

    def _types(self) -> None:
        found = [each for kind in NodeKind for each in self._store.types.all(kind)]
        ids = {(each.kind, each.name): each.id for each in found if each.version is None}
        for each in sorted(found, key=lambda each: each.id):
            self._type(each, ids)

    def _type(self, each: NodeType, ids: Mapping[tuple[NodeKind, str], int]) -> None:
        text = self._values.text
        texts = (each.description, each.input_type, each.output_type, each.external_id)
        row = (each.id, text(each.name), text(each.version), int(each.kind), *map(text, texts))
        self._insert("Type", [row])
        properties = [(each.id, text(name), _kind(kind)) for name, kind in each.properties.items()]
        self._insert("TypeProperty", properties)
        if each.base_type in _SYSTEM:
            self._insert("ParentType", [(each.id, ids[each.kind, each.base_type])])
        elif each.base_type is not None:
            self._left_out(words.BASES, 1)

    def _nodes(self, table: str, nodes: Sequence[Any], own: Iterable[tuple[Any, ...]]) -> None:
        text = self._values.text
        rows = [
            (each.id, each.type_id, *more, *map(text, (each.name, each.external_id)), *_times(each))
            for each, more in zip(nodes, own, strict=True)
        ]
        self._insert(table, rows)
        deleted = words.DELETED_ARTIFACTS if table == "Artifact" else words.DELETED
        self._report.altered[deleted] += sum(node.deleted_ms is not None for node in nodes)
        properties = [
            row
            for node in nodes
            for is_custom, values in ((0, node.properties), (1, node.custom_properties))
            for row in self._properties(node.id, is_custom, values)
        ]
        self._insert(f"{table}Property", properties)

    def _properties(self, node_id: int, is_custom: int, values: Properties) -> Iterator[tuple[Any, ...]]:
        for name, value in values.items():
            columns = self._values.columns(value)
            if columns is not None:
                yield (node_id, self._values.text(name), is_custom, *columns)

    def _events(self, events: Sequence[Event]) -> None:
        first = self._report.tables["Event"] + 1
        numbered = [*enumerate(events, start=first)]
        self._insert(
            "Event", [(i, e.artifact_id, e.execution_id, int(e.type), e.time_ms) for i, e in numbered]
        )
        self._insert("EventPath", [(i, *self._step(step)) for i, e in numbered for step in e.path])

    def _step(self, step: int | str) -> tuple[int, int | None, str | None]:
        return (1, step, None) if isinstance(step, int) else (0, None, self._values.text(step))

    def _pages(self, name: str, nodes: Any) -> Iterator[Sequence[Any]]:
        token, done, total = None, 0, self._counts[name]
        while True:
            page = nodes.page(Listing(limit=PAGE, page_token=token, with_deleted=True))
            if page.items:
                yield page.items
            done, token = done + len(page.items), page.next_token
            self._watch(f"export {name}s", done, max(done, total))
            if token is None:
                return

    def _insert(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self._conn.executemany(f"INSERT INTO `{table}` VALUES ({marks})", rows)
            self._report.tables[table] += len(rows)

    def _left_out(self, what: str, count: int) -> None:
        self._report.left_out[what] += count


def _number(state: int | None) -> int | None:
    return None if state is None else int(state)


def _kind(kind: ValueKind) -> int:
    # There is none for bytes: their values are messages there.
    return int(ValueKind.PROTO if kind is ValueKind.BYTES else kind)


def _times(node: Node) -> tuple[int, int]:
    return node.created_ms, node.updated_ms


def _has_content(node: Artifact) -> bool:
    return node.digest is not None or node.size_bytes is not None
