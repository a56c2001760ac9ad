"""A database that ML Metadata wrote, as the entities of a store."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

from headwater.compat.mlmd.importing.types import read_types
from headwater.compat.mlmd.importing.values import COLUMNS, mended, value_in
from headwater.errors import CorruptError, InvalidError, SchemaError
from headwater.model.graph import (
    Artifact,
    ArtifactState,
    Association,
    Attribution,
    Context,
    Event,
    EventPath,
    EventType,
    Execution,
    ExecutionState,
    NodeKind,
    ParentContext,
)
from headwater.model.ids import ArtifactId, ContextId, ExecutionId, TypeId
from headwater.model.protocols import ForeignTables
from headwater.model.transfer import LastIds, NodeKey
from headwater.model.values import PropertyValue
from headwater.store import open_foreign

Node: TypeAlias = Artifact | Execution | Context

BATCH: Final = 5_000
OLDEST, NEWEST = 5, 10
"""Versions of the schema that are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSource:
    """Where one kind of node is kept."""

    kind: NodeKind
    table: str
    properties: str
    owner: str
    own: tuple[str, ...] = ()


ARTIFACTS: Final = NodeSource(
    kind=NodeKind.ARTIFACT,
    table="Artifact",
    properties="ArtifactProperty",
    owner="artifact_id",
    own=("state", "uri"),
)
EXECUTIONS: Final = NodeSource(
    kind=NodeKind.EXECUTION,
    table="Execution",
    properties="ExecutionProperty",
    owner="execution_id",
    own=("last_known_state",),
)
CONTEXTS: Final = NodeSource(
    kind=NodeKind.CONTEXT, table="Context", properties="ContextProperty", owner="context_id"
)
NODES: Final = (ARTIFACTS, EXECUTIONS, CONTEXTS)

_KEY: Final = (
    *("id", "type_id", "name", "external_id"),
    *("create_time_since_epoch", "last_update_time_since_epoch"),
)

_NEEDED: Final = ("MLMDEnv", "Type", "Artifact", "Execution", "Event")
"""Tables without which it is no database of ML Metadata."""


def open_source(place: str, *, batch: int = BATCH) -> "Source":
    """Open a database that ML Metadata wrote; it is never written to.

    Args:
        place: A SQLite file, or the URL of a database.
        batch: How many rows are in memory, and taken over in one transaction, at a time.

    Raises:
        NotFoundError: there is no such file.
        InvalidError: it is no database, or not one of ML Metadata.
        SchemaError: its schema is older or newer than what is read.
        ConflictError: types of one name and version contradict each other.
        UnavailableError: it cannot be reached.
    """
    url = place if "://" in place else f"sqlite:///{Path(place).absolute()}"
    tables = open_foreign(url)
    try:
        return Source(tables, batch=batch)
    except BaseException:
        tables.close()
        raise


class Source:
    """Reads a database of ML Metadata by batches, as it is at one moment."""

    def __init__(self, tables: ForeignTables, *, batch: int = BATCH) -> None:
        """Take the tables; whoever opened them closes this.

        Raises:
            InvalidError: they are not those of ML Metadata.
            SchemaError: the schema is older or newer than what is read.
            ConflictError: types of one name and version contradict each other.
        """
        self.tables, self._batch = tables, batch
        self.version = _version(tables)
        self._mends = tables.system == "mysql"
        self.types = read_types(tables, self._text)
        self._type_names = {each.id: each.name for each in self.types.taken}
        self._renamed: dict[NodeKind, Mapping[int, str]] = {}
        self.unreadable: list[str] = []
        """Properties with no value, or with one that cannot be read."""

    def last_ids(self) -> LastIds:
        """Return the highest ids that are in use."""
        greatest = self.tables.greatest
        return LastIds(
            types=greatest("Type", "id"),
            artifacts=max(greatest("Artifact", "id"), greatest("Event", "artifact_id")),
            executions=max(greatest("Execution", "id"), greatest("Event", "execution_id")),
            contexts=greatest("Context", "id"),
        )

    def keys(self, nodes: NodeSource) -> Iterator[list[NodeKey]]:
        """Yield what tells nodes from each other, by id."""
        renamed = self.renamed(nodes)
        for rows in self._rows(nodes.table, _KEY):
            yield [self._key(row, renamed) for row in rows]

    def key(self, nodes: NodeSource, node_id: int) -> NodeKey | None:
        """Return what tells one node from others, if it is there."""
        rows = self.tables.between(nodes.table, _KEY, key="id", first=node_id, last=node_id)
        return self._key(rows[0], self.renamed(nodes)) if rows else None

    def nodes(self, nodes: NodeSource, first: int, last: int) -> list[Node]:
        """Return the nodes with ids in a range."""
        rows = self.tables.between(nodes.table, (*_KEY, *nodes.own), key="id", first=first, last=last)
        declared, custom = self._properties(nodes, first, last)
        return [self._node(nodes, row, declared.get(row[0], {}), custom.get(row[0], {})) for row in rows]

    def events(self) -> Iterator[list[Event]]:
        """Yield events, by id; those that have no time get that of their execution's creation."""
        columns = ("id", "artifact_id", "execution_id", "type", "milliseconds_since_epoch")
        for rows in self._rows("Event", columns):
            paths = self._paths(rows[0][0], rows[-1][0])
            made = self._created({row[2] for row in rows if row[4] is None})
            yield [_event(row, paths.get(row[0], ()), made) for row in rows]

    def attributions(self) -> Iterator[list[Attribution]]:
        """Yield attributions."""
        for rows in self._rows("Attribution", ("id", "context_id", "artifact_id")):
            yield [Attribution(ContextId(row[1]), ArtifactId(row[2])) for row in rows]

    def associations(self) -> Iterator[list[Association]]:
        """Yield associations."""
        for rows in self._rows("Association", ("id", "context_id", "execution_id")):
            yield [Association(ContextId(row[1]), ExecutionId(row[2])) for row in rows]

    def parents(self) -> Iterator[list[ParentContext]]:
        """Yield what contexts are part of."""
        columns = ("context_id", "parent_context_id")
        for keys in self.keys(CONTEXTS):
            first, last = keys[0].id, keys[-1].id
            rows = self.tables.between("ParentContext", columns, key="context_id", first=first, last=last)
            if rows:
                yield [ParentContext(ContextId(row[0]), ContextId(row[1])) for row in rows]

    def close(self) -> None:
        """Give back the connection."""
        self.tables.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def renamed(self, nodes: NodeSource) -> Mapping[int, str]:
        """Return new names, by id, of nodes whose types are one now and that had the same name."""
        if nodes.kind not in self._renamed:
            self._renamed[nodes.kind] = self._find_renamed(nodes) if self.types.merged else {}
        return self._renamed[nodes.kind]

    def _find_renamed(self, nodes: NodeSource) -> dict[int, str]:
        shared = self.types.shared
        found: dict[int, str] = {}
        taken: set[tuple[TypeId, str]] = set()
        for rows in self._rows(nodes.table, ("id", "type_id", "name")):
            for node_id, type_id, stored in rows:
                own, name = self.types.ids.get(type_id), self._text(stored)
                if own is None or own not in shared or name is None:
                    continue
                while (own, name) in taken:
                    name = found[node_id] = f"{name} ({nodes.table.lower()} {node_id})"
                taken.add((own, name))
        return found

    def _rows(self, table: str, columns: Sequence[str]) -> Iterator[Sequence[Sequence[Any]]]:
        last = -1
        while rows := self.tables.after(table, columns, above=last, limit=self._batch):
            yield rows
            last = rows[-1][0]

    def _created(self, executions: Iterable[int]) -> dict[int, int]:
        """Return when executions were created, by id, read by ranges of a batch at most."""
        made: dict[int, int] = {}
        last = -1
        for first in sorted(executions):
            if first > last:
                last = first + self._batch - 1
                columns = ("id", "create_time_since_epoch")
                rows = self.tables.between("Execution", columns, key="id", first=first, last=last)
                made |= {row[0]: row[1] or 0 for row in rows}
        return made

    def _properties(self, nodes: NodeSource, first: int, last: int) -> tuple[Any, Any]:
        columns = (nodes.owner, "name", "is_custom_property", *COLUMNS)
        spaces: tuple[dict[int, dict[str, PropertyValue]], ...] = ({}, {})
        rows = self.tables.between(nodes.properties, columns, key=nodes.owner, first=first, last=last)
        for node_id, name, is_custom, *value in rows:
            found = value_in(value, self._text(value[2]))
            if found is None:
                self.unreadable.append(f"{nodes.table} {node_id}: {name}")
            else:
                spaces[bool(is_custom)].setdefault(node_id, {})[self._text(name) or ""] = found
        return spaces[0], spaces[1]

    def _key(self, row: Sequence[Any], renamed: Mapping[int, str]) -> NodeKey:
        node_id, type_id, name, external_id, created_ms, updated_ms = row
        return NodeKey(
            id=node_id,
            type_id=self.types.ids.get(type_id, type_id),
            name=renamed.get(node_id) or self._text(name),
            external_id=self._text(external_id),
            created_ms=created_ms or 0,
            updated_ms=updated_ms or 0,
        )

    def _node(self, nodes: NodeSource, row: Sequence[Any], declared: Any, custom: Any) -> Node:
        node_id, type_id, name, external_id, created_ms, updated_ms, *own = row
        own_type = self.types.ids.get(type_id, type_id)
        common: dict[str, Any] = {
            "id": node_id,
            "type_id": own_type,
            "type_name": self._type_names.get(own_type, ""),
            "name": self.renamed(nodes).get(node_id) or self._text(name),
            "external_id": self._text(external_id),
            "created_ms": created_ms or 0,
            "updated_ms": updated_ms or 0,
            "properties": declared,
            "custom_properties": custom,
        }
        try:
            match nodes.kind:
                case NodeKind.ARTIFACT:
                    state = None if own[0] is None else ArtifactState(own[0])
                    return Artifact(state=state, uri=self._text(own[1]), **common)
                case NodeKind.EXECUTION:
                    state = None if own[0] is None else ExecutionState(own[0])
                    return Execution(state=state, **common)
                case NodeKind.CONTEXT:
                    return Context(**common)
        except ValueError as error:
            raise CorruptError(
                f"{nodes.table} {node_id} has a state that ML Metadata does not know"
            ) from error

    def _paths(self, first: int, last: int) -> dict[int, EventPath]:
        columns = ("event_id", "is_index_step", "step_index", "step_key")
        steps: dict[int, list[int | str]] = {}
        for event_id, is_index, index, key in self.tables.between(
            "EventPath", columns, key="event_id", first=first, last=last
        ):
            steps.setdefault(event_id, []).append(index or 0 if is_index else self._text(key) or "")
        return {event_id: tuple(found) for event_id, found in steps.items()}

    def _text(self, value: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str):
            # No server has converted it, as its column has no character set.
            return bytes(value).decode("utf-8", "surrogateescape")
        return mended(value) if self._mends and not value.isascii() else value


def _event(row: Sequence[Any], path: EventPath, made: Mapping[int, int]) -> Event:
    event_id, artifact_id, execution_id, kind, time_ms = row
    try:
        event_type = EventType(kind)
    except ValueError as error:
        raise CorruptError(f"Event {event_id} has type {kind}, which ML Metadata does not know") from error
    return Event(
        artifact_id=ArtifactId(artifact_id),
        execution_id=ExecutionId(execution_id),
        type=event_type,
        path=path,
        time_ms=made.get(execution_id, 0) if time_ms is None else time_ms,
    )


def _what(tables: ForeignTables, missing: Sequence[str]) -> str:
    if tables.has("ledger") and tables.has("alembic_version"):
        return "a store of headwater: it is used with --store"
    if len(missing) == len(_NEEDED):
        return "empty, or of another program: it has none of the tables of ML Metadata"
    return f"lacks the tables {', '.join(missing)}"


def _version(tables: ForeignTables) -> int:
    missing = [name for name in _NEEDED if not tables.has(name)]
    if missing:
        raise InvalidError(f"the database is not one that ML Metadata wrote, but {_what(tables, missing)}")
    found = [row[0] for row in tables.all("MLMDEnv", ("schema_version",))]
    if len(found) != 1:
        raise SchemaError(
            f"the table MLMDEnv holds {len(found)} versions of the schema, not one: mend it first"
        )
    if found[0] > NEWEST:
        raise SchemaError(
            f"the database has ML Metadata's schema {found[0]}; this headwater reads {OLDEST} to {NEWEST}: "
            "install a newer headwater"
        )
    if found[0] < OLDEST:
        raise SchemaError(
            f"the database has ML Metadata's schema {found[0]}; this headwater reads {OLDEST} to {NEWEST}: "
            "let ML Metadata upgrade a copy of it (enable_upgrade_migration) and import that"
        )
    return int(found[0])
