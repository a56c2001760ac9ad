"""A database that ML Metadata wrote, as the entities of a store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

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
    NodeType,
    ParentContext,
)
from headwater.model.ids import ArtifactId, ContextId, ExecutionId, TypeId
from headwater.model.protocols import ForeignTables
from headwater.model.transfer import LastIds, NodeKey
from headwater.model.values import PropertyValue, ValueKind
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
_TYPE_TEXTS: Final = ("name", "version", "description", "input_type", "output_type", "external_id")


def open_source(place: str) -> "Source":
    """Open a database that ML Metadata wrote; it is never written to.

    Args:
        place: A SQLite file, or the URL of a database.

    Raises:
        NotFoundError: there is no such file.
        InvalidError: it is no database, or not one of ML Metadata.
        SchemaError: its schema is older or newer than what is read.
        UnavailableError: it cannot be reached.
    """
    url = place if "://" in place else f"sqlite:///{Path(place).absolute()}"
    tables = open_foreign(url)
    try:
        return Source(tables)
    except BaseException:
        tables.close()
        raise


class Source:
    """Reads a database of ML Metadata by batches, as it is at one moment."""

    def __init__(self, tables: ForeignTables) -> None:
        """Take the tables; whoever opened them closes this.

        Raises:
            InvalidError: they are not those of ML Metadata.
            SchemaError: the schema is older or newer than what is read.
        """
        self.tables = tables
        self.version = _version(tables)
        self._mends = tables.system == "mysql"
        self.types = self._read_types()
        self._names = {each.id: each.name for each in self.types}
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
        last = -1
        while rows := self.tables.after(nodes.table, _KEY, above=last, limit=BATCH):
            yield [self._key(row) for row in rows]
            last = rows[-1][0]

    def key(self, nodes: NodeSource, node_id: int) -> NodeKey | None:
        """Return what tells one node from others, if it is there."""
        rows = self.tables.between(nodes.table, _KEY, key="id", first=node_id, last=node_id)
        return self._key(rows[0]) if rows else None

    def nodes(self, nodes: NodeSource, first: int, last: int) -> list[Node]:
        """Return the nodes with ids in a range."""
        rows = self.tables.between(nodes.table, (*_KEY, *nodes.own), key="id", first=first, last=last)
        declared, custom = self._properties(nodes, first, last)
        return [self._node(nodes, row, declared.get(row[0], {}), custom.get(row[0], {})) for row in rows]

    def events(self) -> Iterator[list[Event]]:
        """Yield events, by id; those that have no time get 0."""
        last = -1
        columns = ("id", "artifact_id", "execution_id", "type", "milliseconds_since_epoch")
        while rows := self.tables.after("Event", columns, above=last, limit=BATCH):
            paths = self._paths(rows[0][0], rows[-1][0])
            yield [_event(row, paths.get(row[0], ())) for row in rows]
            last = rows[-1][0]

    def attributions(self) -> Iterator[list[Attribution]]:
        """Yield attributions."""
        for rows in self._pairs("Attribution", ("id", "context_id", "artifact_id")):
            yield [Attribution(ContextId(row[1]), ArtifactId(row[2])) for row in rows]

    def associations(self) -> Iterator[list[Association]]:
        """Yield associations."""
        for rows in self._pairs("Association", ("id", "context_id", "execution_id")):
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

    def _pairs(self, table: str, columns: Sequence[str]) -> Iterator[Sequence[Sequence[Any]]]:
        last = -1
        while rows := self.tables.after(table, columns, above=last, limit=BATCH):
            yield rows
            last = rows[-1][0]

    def _read_types(self) -> list[NodeType]:
        properties: dict[int, dict[str, ValueKind]] = {}
        for type_id, name, kind in self.tables.all("TypeProperty", ("type_id", "name", "data_type")):
            properties.setdefault(type_id, {})[self._text(name) or ""] = _kind(type_id, name, kind)
        bases = {row[0]: row[1] for row in self.tables.all("ParentType", ("type_id", "parent_type_id"))}
        rows = sorted(self.tables.all("Type", ("id", "type_kind", *_TYPE_TEXTS)), key=lambda row: row[0])
        texts = {row[0]: dict(zip(_TYPE_TEXTS, map(self._text, row[2:]), strict=True)) for row in rows}
        return [
            NodeType(
                id=TypeId(row[0]),
                kind=NodeKind(row[1]),
                properties=dict(sorted(properties.get(row[0], {}).items())),
                base_type=(texts.get(bases.get(row[0])) or {}).get("name"),
                **texts[row[0]],  # pyright: ignore[reportArgumentType]
            )
            for row in rows
        ]

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

    def _key(self, row: Sequence[Any]) -> NodeKey:
        node_id, type_id, name, external_id, created_ms, updated_ms = row
        return NodeKey(
            id=node_id,
            type_id=type_id,
            name=self._text(name),
            external_id=self._text(external_id),
            created_ms=created_ms or 0,
            updated_ms=updated_ms or 0,
        )

    def _node(self, nodes: NodeSource, row: Sequence[Any], declared: Any, custom: Any) -> Node:
        node_id, type_id, name, external_id, created_ms, updated_ms, *own = row
        common: dict[str, Any] = {
            "id": node_id,
            "type_id": type_id,
            "type_name": self._names.get(type_id, ""),
            "name": self._text(name),
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
        text = value if isinstance(value, str) else bytes(value).decode("utf-8", "surrogateescape")
        return mended(text) if self._mends and not text.isascii() else text


def _event(row: Sequence[Any], path: EventPath) -> Event:
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
        time_ms=time_ms or 0,
    )


def _kind(type_id: int, name: object, kind: int | None) -> ValueKind:
    try:
        return ValueKind(kind or 0)
    except ValueError as error:
        raise CorruptError(
            f"Type {type_id} declares property {name!r} with the unknown type {kind}"
        ) from error


def _version(tables: ForeignTables) -> int:
    needed = ("MLMDEnv", "Type", "Artifact", "Execution", "Event")
    if not all(tables.has(name) for name in needed):
        raise InvalidError(
            "the database is not one that ML Metadata wrote: it lacks the tables MLMDEnv, Type, …"
        )
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
