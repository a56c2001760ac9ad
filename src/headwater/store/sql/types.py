"""Node types: what is stored, what may change, and what a node of a type may hold."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa

from headwater.errors import ConflictError, InvalidError, NotFoundError
from headwater.model.graph import NewType, NodeKind, NodeType
from headwater.model.ids import TypeId
from headwater.model.values import Properties, ValueKind, kind_of
from headwater.store.sql.database import Database, insert_unless_there
from headwater.store.sql.prepared import Prepared
from headwater.store.sql.schema import type_, type_property
from headwater.store.sql.text import HEAD_CHARS, check_length, decode, decode_optional, encode

_COLUMNS: Final = (
    *("id", "kind", "name", "version", "description"),
    *("external_id", "input_type", "output_type"),
)
_KINDS: Final = {NodeKind.ARTIFACT: "artifact", NodeKind.EXECUTION: "execution", NodeKind.CONTEXT: "context"}


class Types:
    """`TypeStore` in SQL.

    Types are few and hardly change, so those once used stay in memory; only
    what is committed gets there, never what a transaction has just written.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        base = type_.alias("base")
        names = ("kind", "name", "version")
        self._id = Prepared(
            db, lambda: sa.select(type_.c.id).where(*(type_.c[n] == sa.bindparam(n) for n in names))
        )
        self._given = Prepared(
            db,
            lambda: (
                sa.select(*(type_.c[name] for name in _COLUMNS), base.c.name)
                .outerjoin(base, base.c.id == type_.c.base_type_id)
                .where(db.dialect.among(type_.c.id))
                .order_by(type_.c.id)
            ),
        )
        self._properties = Prepared(
            db,
            lambda: (
                sa.select(type_property.c.type_id, type_property.c.name, type_property.c.kind)
                .where(db.dialect.among(type_property.c.type_id))
                .order_by(type_property.c.name)
            ),
        )
        self._known: dict[TypeId, NodeType] = {}
        self._ensured: dict[tuple[NodeKind, str], TypeId] = {}

    def put(
        self, types: Sequence[NewType], /, *, can_add: bool = False, can_omit: bool = False
    ) -> list[TypeId]:
        ids = self._db.write(
            lambda conn: [self._put(conn, t, can_add=can_add, can_omit=can_omit) for t in types]
        )
        for type_id in ids:
            self._known.pop(type_id, None)
        return ids

    def get(self, ids: Sequence[TypeId], /) -> list[NodeType]:
        with self._db.read() as conn:
            found = self.by_ids(conn, ids)
        return [found[i] for i in ids if i in found]

    def find(self, kind: NodeKind, name: str, version: str | None = None) -> NodeType | None:
        with self._db.read() as conn:
            return self._find(conn, kind, name, version)

    def all(self, kind: NodeKind) -> list[NodeType]:
        with self._db.read() as conn:
            ids = conn.execute(sa.select(type_.c.id).where(type_.c.kind == kind)).scalars().all()
            return [*self._load(conn, [TypeId(i) for i in ids]).values()]

    def ensure(self, new: NewType) -> TypeId:
        """Return the id of a type without version that headwater itself writes, stored now if it is new.

        A transaction of its own: call it before the one that uses the id.
        """
        key = (new.kind, new.name)
        if key not in self._ensured:
            self._ensured[key] = self.put([new], can_add=True, can_omit=True)[0]
        return self._ensured[key]

    def forget(self) -> None:
        """Forget what is known of types: they were written past this part."""
        self._known.clear()
        self._ensured.clear()

    def stored(self, conn: sa.Connection) -> dict[TypeId, NodeType]:
        """Return all types inside a running transaction, as it sees them and not as they are in memory."""
        return self._load(conn, [TypeId(i) for i in conn.execute(sa.select(type_.c.id)).scalars()])

    def by_ids(self, conn: sa.Connection, ids: Iterable[TypeId]) -> dict[TypeId, NodeType]:
        """Return types by id, from memory where they are known; unknown ids are left out."""
        wanted = set(ids)
        if missing := wanted - self._known.keys():
            self._known.update(self._load(conn, sorted(missing)))
        return {i: self._known[i] for i in wanted & self._known.keys()}

    def check(self, conn: sa.Connection, kind: NodeKind, type_id: TypeId, properties: Properties) -> None:
        """Check that a node of this type may hold these properties.

        Raises:
            NotFoundError: there is no such type of this kind.
            InvalidError: a property is not declared, or has another kind.
        """
        found = self._known.get(type_id) or self.by_ids(conn, [type_id]).get(type_id)
        if found is None or found.kind != kind:
            raise NotFoundError(f"{_KINDS[kind]} type", type_id)
        if not properties.keys() <= found.properties.keys():
            # Another process may have added a property since.
            found = self._known[type_id] = self._load(conn, [type_id])[type_id]
        declared = found.properties
        for name, value in properties.items():
            if declared.get(name) is not (value_kind := kind_of(name, value)):
                raise _wrong_property(found, name, value_kind)

    def extend(self, conn: sa.Connection, stored: NodeType, new: NewType) -> None:
        """Give a stored type, inside a running transaction, what only the new one has.

        Raises:
            ConflictError: a property has another kind, or there is another base type.
        """
        self._evolve(conn, stored, new, can_add=True, can_omit=True)

    def _put(self, conn: sa.Connection, new: NewType, *, can_add: bool, can_omit: bool) -> TypeId:
        _check_type(new)
        stored = self._find(conn, new.kind, new.name, new.version)
        if stored is None:
            stored = self._insert(conn, new)
        return self._evolve(conn, stored, new, can_add=can_add, can_omit=can_omit)

    def _insert(self, conn: sa.Connection, new: NewType) -> NodeType:
        # Someone else may store the same type at this moment: whoever is second finds it.
        base = self._base_id(conn, new)
        values = {
            "kind": new.kind,
            "name": new.name,
            "version": new.version or "",
            "description": new.description,
            "base_type_id": base,
            "external_id": new.external_id,
            "input_type": new.input_type,
            "output_type": new.output_type,
        }
        is_mine = insert_unless_there(conn, type_, values)
        stored = self._find(conn, new.kind, new.name, new.version)
        if stored is None:
            raise ConflictError(f"a type with external id {new.external_id!r} is stored already")
        if is_mine:
            self._insert_properties(conn, stored, new.properties.keys(), new)
            stored = self._load(conn, [stored.id])[stored.id]
        return stored

    def _insert_properties(
        self, conn: sa.Connection, stored: NodeType, names: Iterable[str], new: NewType
    ) -> None:
        rows = [{"type_id": stored.id, "name": n, "kind": new.properties[n]} for n in names]
        if rows:
            conn.execute(self._db.dialect.insert_missing(type_property, ("type_id", "name")), rows)

    def _evolve(
        self, conn: sa.Connection, stored: NodeType, new: NewType, *, can_add: bool, can_omit: bool
    ) -> TypeId:
        for name in new.properties.keys() & stored.properties.keys():
            if new.properties[name] != stored.properties[name]:
                raise ConflictError(
                    f"property {name!r} of type {new.name!r} is {stored.properties[name].name}: "
                    f"it cannot become {new.properties[name].name}"
                )
        added = new.properties.keys() - stored.properties.keys()
        if added and not can_add:
            raise ConflictError(f"type {new.name!r} has no property {sorted(added)}; allow it with can_add")
        omitted = stored.properties.keys() - new.properties.keys()
        if omitted and not can_omit:
            raise ConflictError(f"type {new.name!r} also has {sorted(omitted)}; allow it with can_omit")
        if new.base_type is not None and stored.base_type not in {None, new.base_type}:
            raise ConflictError(f"type {new.name!r} already has the base type {stored.base_type!r}")
        self._insert_properties(conn, stored, sorted(added), new)
        self._update_facts(conn, stored, new)
        return stored.id

    def _update_facts(self, conn: sa.Connection, stored: NodeType, new: NewType) -> None:
        changes: dict[str, object] = {}
        if new.external_id is not None and new.external_id != stored.external_id:
            changes["external_id"] = new.external_id
        if new.base_type is not None and stored.base_type is None:
            changes["base_type_id"] = self._base_id(conn, new)
        if changes:
            conn.execute(sa.update(type_).where(type_.c.id == stored.id).values(changes))

    def _base_id(self, conn: sa.Connection, new: NewType) -> TypeId | None:
        if new.base_type is None:
            return None
        base = self._find(conn, new.kind, new.base_type, None)
        if base is None:
            raise NotFoundError(f"{_KINDS[new.kind]} type", new.base_type)
        return base.id

    def _find(self, conn: sa.Connection, kind: NodeKind, name: str, version: str | None) -> NodeType | None:
        rows = self._id.rows(conn, kind=int(kind), name=encode(name), version=encode(version or ""))
        return self._load(conn, [TypeId(rows[0][0])]).get(TypeId(rows[0][0])) if rows else None

    def _load(self, conn: sa.Connection, ids: Sequence[TypeId]) -> dict[TypeId, NodeType]:
        rows = self._given.among(conn, ids)
        properties: dict[int, dict[str, ValueKind]] = {i: {} for i in ids}
        for type_id, name, kind in self._properties.among(conn, ids):
            properties[type_id][decode(name)] = ValueKind(kind)
        return {TypeId(row[0]): _node_type(row, properties[row[0]]) for row in rows}


def _node_type(row: Sequence[Any], properties: dict[str, ValueKind]) -> NodeType:
    type_id, kind, name, version, description, external_id, input_type, output_type, base = row
    return NodeType(
        id=TypeId(type_id),
        kind=NodeKind(kind),
        name=decode(name),
        version=decode(version) or None,
        description=decode_optional(description),
        properties=properties,
        base_type=decode_optional(base),
        external_id=decode_optional(external_id),
        input_type=decode_optional(input_type),
        output_type=decode_optional(output_type),
    )


def _check_type(new: NewType) -> None:
    check_length("type name", new.name, least=1)
    check_length("type version", new.version, most=HEAD_CHARS)
    check_length("external id", new.external_id, least=1)
    for name in new.properties:
        check_length("property name", name, least=1)


def _wrong_property(found: NodeType, name: str, kind: ValueKind) -> InvalidError:
    declared = found.properties.get(name)
    if declared is None:
        return InvalidError(f"Found unknown property: {name} (type {found.name!r} does not declare it)")
    return InvalidError(
        f"Found unmatched property type: {name} (type {found.name!r} has {declared.name}, not {kind.name})"
    )
