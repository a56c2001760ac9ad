"""The types of a database of ML Metadata, of which equal ones become one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from headwater.errors import ConflictError, CorruptError
from headwater.model.graph import NodeKind, NodeType
from headwater.model.ids import TypeId
from headwater.model.protocols import ForeignTables
from headwater.model.values import ValueKind

Text = Callable[[Any], str | None]
"""Decodes a text of the database."""

_TEXTS: Final = ("name", "version", "description", "input_type", "output_type", "external_id")
_GAINED: Final = ("description", "input_type", "output_type", "external_id", "base_type")
"""What a type takes from an equal one if it has none itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTypes:
    """The types of a database.

    ML Metadata keeps names and versions of types unique by its code alone, so writers that met have left
    databases with two equal types. The first of them, by id, stands for all.

    Attributes:
        there: As they are there, by id.
        taken: Those that come over, by id.
        ids: The ids that come over, by all ids.
    """

    there: Sequence[NodeType]
    taken: Sequence[NodeType]
    ids: Mapping[int, TypeId]

    @property
    def merged(self) -> list[NodeType]:
        """Those that do not come over themselves."""
        return [each for each in self.there if self.ids[each.id] != each.id]

    @property
    def shared(self) -> set[TypeId]:
        """The ids of those that stand for others too."""
        return {self.ids[each.id] for each in self.merged}


def read_types(tables: ForeignTables, text: Text) -> SourceTypes:
    """Read all types.

    Raises:
        CorruptError: a property is of an unknown kind.
        ConflictError: types of one name and version contradict each other.
    """
    there = _there(tables, text)
    taken: dict[tuple[NodeKind, str, str | None], NodeType] = {}
    ids: dict[int, TypeId] = {}
    differences: list[str] = []
    for each in there:
        first = taken.setdefault((each.kind, each.name, each.version or None), each)
        ids[each.id] = first.id
        if first is not each:
            differences += _differences(first, each)
            taken[each.kind, each.name, each.version or None] = _joined(first, each)
    if differences:
        raise ConflictError(
            f"types of one name cannot become one, as they differ: {'; '.join(differences)}. "
            "Give one of them another name in a copy of the database, and import that"
        )
    return SourceTypes(there=there, taken=[*taken.values()], ids=ids)


def _there(tables: ForeignTables, text: Text) -> list[NodeType]:
    properties: dict[int, dict[str, ValueKind]] = {}
    for type_id, name, kind in tables.all("TypeProperty", ("type_id", "name", "data_type")):
        properties.setdefault(type_id, {})[text(name) or ""] = _kind(type_id, name, kind)
    bases = {row[0]: row[1] for row in tables.all("ParentType", ("type_id", "parent_type_id"))}
    rows = sorted(tables.all("Type", ("id", "type_kind", *_TEXTS)), key=lambda row: row[0])
    texts = {row[0]: dict(zip(_TEXTS, map(text, row[2:]), strict=True)) for row in rows}
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


def _differences(first: NodeType, other: NodeType) -> list[str]:
    kinds = [
        (f"property {name!r}", kind.name, other.properties[name].name)
        for name, kind in first.properties.items()
        if other.properties.get(name, kind) is not kind
    ]
    values = [(name.replace("_", " "), getattr(first, name), getattr(other, name)) for name in _GAINED[-2:]]
    known = [(what, repr(a), repr(b)) for what, a, b in values if None not in {a, b} and a != b]
    return [
        f"{what} of {first.name!r} is {a} in type {first.id} and {b} in type {other.id}"
        for what, a, b in (*kinds, *known)
    ]


def _joined(first: NodeType, other: NodeType) -> NodeType:
    gained = {name: getattr(other, name) for name in _GAINED if getattr(first, name) is None}
    properties = dict(sorted({**other.properties, **first.properties}.items()))
    return replace(first, properties=properties, **gained)


def _kind(type_id: int, name: object, kind: int | None) -> ValueKind:
    try:
        return ValueKind(kind or 0)
    except ValueError as error:
        raise CorruptError(
            f"Type {type_id} declares property {name!r} with the unknown type {kind}"
        ) from error
