"""Artifacts, executions and contexts: one piece of code, told apart by a `NodeTable`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import sqlalchemy as sa

from headwater.errors import ConflictError, InvalidError, NotFoundError
from headwater.model.filters import Filter
from headwater.model.graph import (
    Artifact,
    ArtifactChange,
    ArtifactState,
    Context,
    ContextChange,
    Execution,
    ExecutionChange,
    NewArtifact,
    NewContext,
    NewExecution,
    NodeKind,
)
from headwater.model.ids import ArtifactId, ContextId, ExecutionId, TypeId
from headwater.model.listing import Listing, Page
from headwater.model.values import PropertyValue
from headwater.store.sql import properties, schema, search, tombstones, versions
from headwater.store.sql.changes import Changes, ChangeWriter
from headwater.store.sql.database import Database, insert_unless_there
from headwater.store.sql.entities import ENTITIES
from headwater.store.sql.idempotency import write_once
from headwater.store.sql.node_fields import (
    NO_CONTEXT_NAME,
    changed_fields,
    check_field,
    check_fields,
    differences,
    space_changes,
    spaces_of,
    storable,
)
from headwater.store.sql.node_tables import (
    ARTIFACTS,
    CONTEXTS,
    EXECUTIONS,
    NodeTable,
    check_expected,
)
from headwater.store.sql.prepared import Prepared, Rows
from headwater.store.sql.properties import LOOKUP_BATCH, Spaces
from headwater.store.sql.single_nodes import SingleNodes, is_named
from headwater.store.sql.text import encode, encode_optional
from headwater.store.sql.types import Types
from headwater.store.sql.values import Space

Id = TypeVar("Id", ArtifactId, ExecutionId, ContextId)
N = TypeVar("N", Artifact, Execution, Context)
NewN = TypeVar("NewN", NewArtifact, NewExecution, NewContext)
ChangeN = TypeVar("ChangeN", ArtifactChange, ExecutionChange, ContextChange)


class Nodes(Generic[Id, N, NewN, ChangeN]):
    """`NodeStore` in SQL."""

    nodes: ClassVar[NodeTable]
    entity: ClassVar[type[Any]]

    def __init__(self, db: Database, types: Types) -> None:
        self._db = db
        self._types = types
        table = self.nodes.table

        def given(*columns: Any) -> sa.Select[*tuple[Any, ...]]:
            is_given = db.dialect.among(table.c.id)
            # By id, so that two writers lock the same nodes in the same order.
            return sa.select(*columns).where(is_given).order_by(table.c.id)

        self._given = Prepared(db, lambda: given(table))
        self._locked = Prepared(db, lambda: given(table).with_for_update())
        self._stored = Prepared(db, lambda: given(table.c.id))
        self._held = Prepared(db, lambda: given(table.c.id).with_for_update(read=True))
        self._id_of = Prepared(db, lambda: sa.select(table.c.id).where(is_named(table)))
        self.single: SingleNodes[N] = SingleNodes(db, types, self.nodes)
        self._properties = properties.PropertyRows(db, self.nodes.properties)
        self._changes = ChangeWriter(db, self.nodes)

    def add(self, new: Sequence[NewN], /, *, key: str | None = None) -> list[Id]:
        request = (self.nodes.name, new)
        return write_once(
            self._db, lambda conn: self.insert(conn, new), key=key, request=request, result=list[int]
        )  # type: ignore[return-value]

    def update(self, changes: Sequence[ChangeN], /, *, key: str | None = None) -> None:
        def job(conn: sa.Connection) -> bool:
            self.change(conn, changes)
            return True

        write_once(self._db, job, key=key, request=(self.nodes.name, changes), result=bool)

    def get(self, ids: Sequence[Id], /) -> list[N]:
        if not ids:
            return []
        if len(ids) == 1:
            with self._db.look() as conn:
                single = self.single.by_id(conn, ids[0])
            if single is not None:
                return [single]
        with self._db.read() as conn:
            found = self.by_ids(conn, ids, with_removed=True)
        return [found[i] for i in ids if i in found]

    def page(self, listing: Listing = Listing(), /) -> Page[N]:
        with self._db.read() as conn:
            rows, token = search.nodes(conn, self._db, self.nodes.entity, listing, self.nodes.stored[1:])
            found = self._entities(conn, rows)
        return Page(tuple(found.values()), token)

    def count(self, filter: Filter | None = None, /, *, limit: int) -> int:
        with self._db.read() as conn:
            return search.count(conn, self._db, self.nodes.entity, filter, limit)

    def find(self, type_id: TypeId, name: str) -> N | None:
        with self._db.look() as conn:
            return self.single.named(conn, type_id, name)

    def by_external_ids(self, external_ids: Sequence[str], /) -> list[N]:
        return self._among("external_id", external_ids)

    def delete(self, ids: Sequence[Id], /) -> None:
        self._set_deleted(ids, self._db.clock_ms())

    def restore(self, ids: Sequence[Id], /) -> None:
        self._set_deleted(ids, None)

    def insert(self, conn: sa.Connection, new: Sequence[NewN]) -> list[Id]:
        """Store nodes inside a running transaction."""
        now = self._db.clock_ms()
        for node in new:
            self._check(conn, node)
        rows = [self._row(node, now) for node in new]
        if not rows:
            return []
        ids = self._db.dialect.insert_nodes(conn, self.nodes.table, self.nodes.columns, rows)
        spaces = ((i, spaces_of(node)) for i, node in zip(ids, new, strict=True))
        properties.insert(conn, self._db.dialect, self.nodes.properties, spaces)
        return ids  # type: ignore[return-value]

    def change(
        self, conn: sa.Connection, changes: Sequence[ChangeN], *, locked: Mapping[int, N] | None = None
    ) -> None:
        """Change nodes inside a running transaction.

        Args:
            conn: The transaction.
            changes: What is to be changed.
            locked: The nodes, where the transaction has read them already, and locked them.
        """
        if locked is None:
            locked = self.by_ids(conn, [c.id for c in changes], locks=True)
        stored: dict[int, N | None] = {**locked}
        gathered = Changes()
        for change in changes:
            if change.id not in stored:
                raise self._not_found(conn, change.id)
            node = stored[change.id]
            if node is None:
                # Changed by this very call, so what was read no longer holds.
                self._changes.write(conn, gathered)
                gathered, node = Changes(), self.by_ids(conn, [change.id])[change.id]
            self._gather(conn, gathered, node, change)
            stored[change.id] = None
        self._changes.write(conn, gathered)

    def by_ids(
        self, conn: sa.Connection, ids: Iterable[int], *, locks: bool = False, with_removed: bool = False
    ) -> dict[int, N]:
        """Return nodes by id inside a running transaction.

        Args:
            conn: The transaction.
            ids: Which; unknown ones are left out.
            locks: Keep others from changing them.
            with_removed: Of those that were removed for good, return what is left.
        """
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        if len(wanted) == 1 and not locks:
            single = self.single.by_id(conn, wanted[0])
            found = {} if single is None else {wanted[0]: single}
        else:
            statement = self._locked if locks else self._given
            found = self._entities(conn, statement.among(conn, wanted))
        if with_removed and len(found) < len(wanted):
            found |= self._removed(conn, [i for i in wanted if i not in found])
        return found

    def properties_of(self, conn: sa.Connection, ids: Sequence[int]) -> Mapping[int, Spaces]:
        """Return all properties of nodes inside a running transaction, in every space; some have none."""
        return self._properties.read(conn, ids)

    def named_properties(
        self, conn: sa.Connection, node_id: Id, space: Space, names: Iterable[str]
    ) -> dict[str, PropertyValue] | None:
        """Lock a node, and return those of its properties that have these names; None if it is not stored."""
        if not self._locked.among(conn, [node_id]):
            return None
        return self._properties.named(conn, node_id, space, names)

    def require(self, conn: sa.Connection, ids: Iterable[int], *, holds: bool = False) -> None:
        """Check that nodes are stored; `holds` keeps others from removing them until the commit.

        Raises:
            NotFoundError: naming the first that is not.
        """
        wanted = sorted(set(ids))
        statement = self._held if holds else self._stored
        stored = {row[0] for row in statement.among(conn, wanted)} if wanted else ()
        for node_id in wanted:
            if node_id not in stored:
                raise self._not_found(conn, node_id)

    def _not_found(self, conn: sa.Connection, node_id: int) -> NotFoundError:
        gone = tombstones.obituary(conn, self._db.dialect, self.nodes.kind, node_id)
        return NotFoundError(self.nodes.name, node_id, gone=gone)

    def _removed(self, conn: sa.Connection, ids: Sequence[int]) -> dict[int, N]:
        rows = tombstones.rows_of(conn, self._db.dialect, self.nodes.kind, ids)
        types = self._types.by_ids(conn, [row.type_id for row in rows])
        return {
            row.node_id: self.entity(
                id=row.node_id,
                type_id=row.type_id,
                type_name=types[row.type_id].name,
                created_ms=row.created_ms,
                updated_ms=row.removed_ms,
                deleted_ms=row.deleted_ms,
                removed_ms=row.removed_ms,
                **self._left(row),
            )
            for row in rows
        }

    def _left(self, row: Any) -> dict[str, Any]:
        """Return what a tombstone keeps of the fields that not every kind has."""
        return {"name": row.name}

    def _where(self, *conditions: sa.ColumnElement[bool]) -> list[N]:
        with self._db.read() as conn:
            ids = conn.execute(sa.select(self.nodes.table.c.id).where(*conditions)).scalars().all()
            return [*self.by_ids(conn, ids).values()]

    def _among(self, column: str, texts: Sequence[str]) -> list[N]:
        found: dict[int, N] = {}
        for start in range(0, len(texts), LOOKUP_BATCH):
            part = texts[start : start + LOOKUP_BATCH]
            found |= {node.id: node for node in self._where(self.nodes.table.c[column].in_(part))}
        return [found[i] for i in sorted(found)]

    def mark_deleted(self, conn: sa.Connection, ids: Sequence[int], deleted_ms: int | None) -> list[int]:
        """Set or clear the mark of deletion inside a running transaction; return the nodes that changed.

        Raises:
            NotFoundError: an id is not stored.
            RefusedError: a version is in an exclusive stage.
        """
        table = self.nodes.table
        gone = table.c.deleted_ms
        is_other = gone.is_not(None) if deleted_ms is None else gone.is_(None)
        self.require(conn, ids)
        wanted = sa.select(table.c.id).where(self._db.dialect.ids_in(table.c.id, ids), is_other)
        changing = [*conn.execute(wanted.order_by(table.c.id).with_for_update()).scalars()]
        if changing:
            if deleted_ms is not None and self.nodes is ARTIFACTS:
                # After the rows were locked: a promotion touches the version that it moves, too.
                versions.refuse_held(conn, self._db.dialect.ids_in(schema.version.c.artifact_id, changing))
            conn.execute(
                sa.update(table)
                .where(self._db.dialect.ids_in(table.c.id, changing))
                .values(deleted_ms=deleted_ms, revision=table.c.revision + 1)
            )
        return changing

    def _set_deleted(self, ids: Sequence[int], deleted_ms: int | None) -> None:
        self._db.write(lambda conn: self.mark_deleted(conn, ids, deleted_ms))

    def _check(self, conn: sa.Connection, node: NewN) -> None:
        self._types.check(conn, self.nodes.kind, node.type_id, node.properties)
        if self.nodes.kind is NodeKind.CONTEXT and not node.name:
            raise InvalidError(NO_CONTEXT_NAME)
        for name in self.nodes.limited:
            if (value := getattr(node, name)) is not None:
                check_field(name, value)

    def _row(self, node: NewN, now: int) -> tuple[Any, ...]:
        own = [storable(getattr(node, column)) for column in self.nodes.own]
        names = (encode_optional(node.name), encode_optional(node.external_id))
        return (node.type_id, *names, *own, now, now, 1)

    def _entities(self, conn: sa.Connection, rows: Rows) -> dict[int, N]:
        """Turn rows of the table into nodes, by id."""
        if not rows:
            return {}
        types = self._types.by_ids(conn, {row[1] for row in rows})
        spaces = self._properties.read(conn, [row[0] for row in rows])
        none: Spaces = {}
        names = {type_id: found.name for type_id, found in types.items()}
        entity_of = ENTITIES[self.nodes.kind]
        return {row[0]: entity_of(row, names[row[1]], spaces.get(row[0], none)) for row in rows}

    def _gather(self, conn: sa.Connection, gathered: Changes, node: N, change: ChangeN) -> None:
        check_expected(self.nodes.name, node, change)
        differs = False
        for space, stored, wanted, replaces in space_changes(node, change):
            kept, gone = differences(stored, wanted, replaces=replaces)
            if space is Space.PROPERTY:
                # Those that stay were checked when they came, and no type takes a property back.
                self._types.check(conn, self.nodes.kind, node.type_id, kept)
            if kept or gone:
                gathered.set_properties(node.id, space, kept=kept, gone=gone)
                differs = True
        fields = changed_fields(node, change, self.nodes.changeable)
        check_fields(fields)
        if differs or fields or change.touch:
            own = {name: storable(value) for name, value in fields.items()}
            # A change is always later than the one before, even within one millisecond.
            later = max(self._db.clock_ms(), node.updated_ms + 1)
            gathered.set_fields(node.id, {**own, "updated_ms": later, "revision": node.revision + 1})


class Artifacts(Nodes[ArtifactId, Artifact, NewArtifact, ArtifactChange]):
    """`ArtifactStore` in SQL."""

    nodes = ARTIFACTS
    entity = Artifact

    def _left(self, row: Any) -> dict[str, Any]:
        return {"name": row.name, "uri": row.uri, "digest": row.digest, "state": ArtifactState.DELETED}

    def by_uris(self, uris: Sequence[str], /) -> list[Artifact]:
        return self._among("uri", uris)

    def by_digests(self, digests: Sequence[str], /) -> list[Artifact]:
        return self._among("digest", digests)


class Executions(Nodes[ExecutionId, Execution, NewExecution, ExecutionChange]):
    """`ExecutionStore` in SQL."""

    nodes = EXECUTIONS
    entity = Execution

    def _left(self, row: Any) -> dict[str, Any]:
        # Of a run that is its reference, and its name.
        return {"name": " ".join(part for part in (row.uri, row.name) if part) or None}


class Contexts(Nodes[ContextId, Context, NewContext, ContextChange]):
    """`ContextStore` in SQL."""

    nodes = CONTEXTS
    entity = Context

    def ensure(self, conn: sa.Connection, new: NewContext) -> ContextId:
        """Return the id of the context with this type and name, stored now if it is new."""
        found = self.id_of(conn, new)
        if found is not None:
            return found
        self._check(conn, new)
        now = self._db.clock_ms()
        # Another transaction may store it at this moment: whoever is second finds it.
        values = {
            "type_id": new.type_id,
            "name": new.name,
            "external_id": new.external_id,
            "created_ms": now,
            "updated_ms": now,
            "revision": 1,
        }
        is_mine = insert_unless_there(conn, schema.context, values)
        found = self.id_of(conn, new)
        if found is None:
            raise ConflictError(f"a context with external id {new.external_id!r} is stored already")
        if is_mine:
            properties.insert(conn, self._db.dialect, schema.context_property, [(found, spaces_of(new))])
        return found

    def id_of(self, conn: sa.Connection, new: NewContext) -> ContextId | None:
        """Return the id of the context with this type and name, deleted or not, if there is one."""
        rows = self._id_of.rows(conn, type_id=new.type_id, name=encode(new.name or ""))
        return ContextId(rows[0][0]) if rows else None
