"""Types that come from another store, with the ids that they have there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from headwater.errors import ConflictError, NotFoundError
from headwater.model.builtin import SYSTEM_TYPES
from headwater.model.graph import NodeKind, NodeType
from headwater.model.ids import TypeId
from headwater.model.transfer import Taken
from headwater.store.sql.database import Database
from headwater.store.sql.node_tables import ARTIFACTS, CONTEXTS, EXECUTIONS
from headwater.store.sql.schema import type_, type_property
from headwater.store.sql.text import HEAD_CHARS, check_length, encode_optional
from headwater.store.sql.types import Types

Key: TypeAlias = tuple[NodeKind, str, str | None]

_COLUMNS: Final = (
    *("id", "kind", "name", "version", "description", "base_type_id"),
    *("external_id", "input_type", "output_type"),
)
_SYSTEM: Final[frozenset[Key]] = frozenset((t.kind, t.name, None) for t in SYSTEM_TYPES)
MOST_NAMED: Final = 5
"""How many clashes an error names."""


@dataclass(slots=True)
class _Plan:
    """What taking some types comes to."""

    new: list[NodeType] = field(default_factory=list[NodeType])
    here: list[tuple[NodeType, NodeType]] = field(default_factory=list[tuple[NodeType, NodeType]])
    """As stored, and as it comes."""
    moved: dict[TypeId, NodeType] = field(default_factory=dict[TypeId, NodeType])
    """System types that make room, by the ids that they have."""
    clashes: list[str] = field(default_factory=list[str])


class TypeTransfer:
    """Takes types over."""

    def __init__(self, db: Database, types: Types) -> None:
        self._db, self._types = db, types

    def clashes(self, types: Sequence[NodeType]) -> list[str]:
        """Tell why types cannot be taken."""
        with self._db.read() as conn:
            return self._plan(conn, types).clashes

    def take(self, types: Sequence[NodeType]) -> Taken:
        """Store types under their ids."""
        for each in types:
            _check(each)
        try:
            return self._db.write(lambda conn: self._take(conn, types), is_durable=True)
        finally:
            self._types.forget()

    def _take(self, conn: sa.Connection, types: Sequence[NodeType]) -> Taken:
        plan = self._plan(conn, types)
        if plan.clashes:
            raise ConflictError(told(plan.clashes))
        for each in plan.moved:
            conn.execute(sa.delete(type_).where(type_.c.id == each))
        new = [*plan.new, *self._displaced(conn, plan, types)]
        self._insert(conn, new, self._ids_by_key(conn, new))
        before = {stored.id: stored for stored, _ in plan.here}
        for stored, coming in plan.here:
            self._types.extend(conn, stored, coming)
        after = self._types.stored(conn)
        return Taken(added=len(plan.new), changed=sum(after[i] != each for i, each in before.items()))

    def _plan(self, conn: sa.Connection, types: Sequence[NodeType]) -> _Plan:
        stored = self._types.stored(conn)
        by_key = {_key(each): each for each in stored.values()}
        by_external_id = {each.external_id: each for each in stored.values() if each.external_id is not None}
        used = self._used(conn)
        plan = _Plan()
        seen: dict[Key, TypeId] = {}
        for each in types:
            if (first := seen.setdefault(_key(each), each.id)) != each.id:
                plan.clashes.append(f"types {first} and {each.id} are both {each.name!r} there")
            here, occupant = by_key.get(_key(each)), stored.get(each.id)
            holder = by_external_id.get(each.external_id) if each.external_id is not None else None
            if holder is not None and _key(holder) != _key(each):
                plan.clashes.append(f"external id {each.external_id!r} belongs to type {holder.name!r} here")
            if here is not None and here.id == each.id:
                plan.here.append((here, each))
                plan.clashes += _differences(here, each)
                continue
            plan.new.append(each)
            for other in (here, occupant):
                if other is None:
                    continue
                if _key(other) in _SYSTEM and other.id not in used:
                    plan.moved[other.id] = other
                else:
                    plan.clashes.append(_clash(each, other))
        return plan

    def _used(self, conn: sa.Connection) -> set[int]:
        """Return the types among the system types that something refers to."""
        system = [t.name for t in SYSTEM_TYPES]
        ids = conn.execute(sa.select(type_.c.id).where(type_.c.name.in_(system))).scalars().all()
        columns = [type_.c.base_type_id, *(t.table.c.type_id for t in (ARTIFACTS, EXECUTIONS, CONTEXTS))]
        return {
            i
            for i in ids
            if any(conn.execute(sa.select(c).where(c == i).limit(1)).first() is not None for c in columns)
        }

    def _displaced(self, conn: sa.Connection, plan: _Plan, types: Sequence[NodeType]) -> list[NodeType]:
        """Return the system types that made room and do not come themselves, under ids above all others."""
        coming = {_key(each) for each in types}
        last = max(conn.execute(sa.select(sa.func.max(type_.c.id))).scalar() or 0, *(t.id for t in types), 0)
        homeless = [each for _, each in sorted(plan.moved.items()) if _key(each) not in coming]
        return [
            NodeType(id=TypeId(last + i), kind=each.kind, name=each.name)
            for i, each in enumerate(homeless, start=1)
        ]

    def _ids_by_key(self, conn: sa.Connection, new: Sequence[NodeType]) -> Mapping[Key, TypeId]:
        stored = {_key(each): i for i, each in self._types.stored(conn).items()}
        return stored | {_key(each): each.id for each in new}

    def _insert(self, conn: sa.Connection, new: Sequence[NodeType], ids: Mapping[Key, TypeId]) -> None:
        rows = [self._row(each, ids) for each in new]
        self._db.dialect.insert_rows(conn, type_, _COLUMNS, rows)
        properties = [
            (each.id, encode_optional(name), int(kind))
            for each in new
            for name, kind in each.properties.items()
        ]
        self._db.dialect.insert_rows(conn, type_property, ("type_id", "name", "kind"), properties)
        if new:
            self._db.dialect.reserve_ids(conn, type_, max(each.id for each in new))

    def _row(self, each: NodeType, ids: Mapping[Key, TypeId]) -> tuple[Any, ...]:
        base = None
        if each.base_type is not None:
            base = ids.get((each.kind, each.base_type, None))
            if base is None:
                raise NotFoundError(f"{each.kind.name.lower()} type", each.base_type)
        texts = (each.external_id, each.input_type, each.output_type)
        return (
            each.id,
            int(each.kind),
            encode_optional(each.name),
            encode_optional(each.version or ""),
            encode_optional(each.description),
            base,
            *(encode_optional(text) for text in texts),
        )


def told(clashes: Sequence[str]) -> str:
    """Return clashes in one sentence, the first few of them by name."""
    more = f"; and {len(clashes) - MOST_NAMED:,} more" if len(clashes) > MOST_NAMED else ""
    return "; ".join(clashes[:MOST_NAMED]) + more


def _key(each: NodeType) -> Key:
    return each.kind, each.name, each.version or None


def _clash(coming: NodeType, here: NodeType) -> str:
    if _key(coming) == _key(here):
        return f"type {coming.name!r} has the id {coming.id} there and {here.id} here"
    return f"type {coming.id} is {coming.name!r} there and {here.name!r} here"


def _differences(here: NodeType, coming: NodeType) -> list[str]:
    found = [
        f"property {name!r} of type {here.name!r} is {coming.properties[name].name} there, {kind.name} here"
        for name, kind in here.properties.items()
        if coming.properties.get(name, kind) is not kind
    ]
    if None not in {here.base_type, coming.base_type} and here.base_type != coming.base_type:
        found.append(
            f"type {here.name!r} has the base type {coming.base_type!r} there, {here.base_type!r} here"
        )
    return found


def _check(each: NodeType) -> None:
    check_length("type name", each.name, least=1)
    check_length("type version", each.version, most=HEAD_CHARS)
    check_length("external id", each.external_id)
    for name in each.properties:
        check_length("property name", name, least=1)
