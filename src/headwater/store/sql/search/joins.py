"""Conditions on joined rows, as SQL."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final

import sqlalchemy as sa

from headwater.errors import InvalidError
from headwater.model.filters import Entity, Operator, Relation
from headwater.model.joins import Call, Column, Constant, Expression, Joined, Row, Side, rows_of
from headwater.model.values import ValueKind
from headwater.query.attributes import RELATIONS
from headwater.store.sql import schema
from headwater.store.sql.search.comparisons import Condition, like
from headwater.store.sql.search.places import Place, alias_of, neighbour_of, place_of
from headwater.store.sql.text import Text
from headwater.store.sql.values import Space

MOST_ROWS: Final = 20
"""Joined rows of one condition; databases plan the order of so many at most."""

_RELATIONS: Final = {
    Side.CONTEXTS: Relation.CONTEXTS,
    Side.PARENTS: Relation.PARENTS,
    Side.CHILDREN: Relation.CHILDREN,
    Side.ARTIFACTS: Relation.ARTIFACTS,
    Side.EXECUTIONS: Relation.EXECUTIONS,
}
_SPACES: Final = {Side.PROPERTY: Space.PROPERTY, Side.TAG: Space.CUSTOM}
_EVENT_COLUMNS: Final = {"type": "type", "time": "time_ms"} | {i: i for i in ("artifact_id", "execution_id")}
_COMPARE: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "=": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}
_ARITHMETIC: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


@dataclass(frozen=True, slots=True)
class _Source:
    """A joined row.

    Attributes:
        tables: What it is read from.
        on: What ties it to the node.
        column: Gives one of its values by name.
    """

    tables: Sequence[sa.FromClause]
    on: Sequence[Condition]
    column: Callable[[str], Any]


@dataclass(slots=True)
class JoinedRows:
    """One condition on a place and the rows that are joined to it."""

    place: Place
    tree: Joined
    _sources: dict[Row, _Source] = field(default_factory=dict[Row, _Source])

    def condition(self) -> Condition:
        """Return the condition that such rows exist, to be asked of one node after another."""
        met = self._met()
        if not self._sources:
            return met
        return sa.exists().select_from(*self._tables()).where(*self._on(), met)

    def ids(self) -> sa.Select[Any]:
        """Select the ids of all nodes that have such rows, some more than once."""
        met = self._met()
        return (
            sa.select(self.place.id).select_from(self.place.source, *self._tables()).where(*self._on(), met)
        )

    def _met(self) -> Any:
        rows = rows_of(self.tree.condition)
        if len(rows) > MOST_ROWS:
            raise InvalidError(f"a condition joins at most {MOST_ROWS} properties and neighbours")
        for number, row in enumerate(rows):
            self._sources[row] = self._source(row, f"{self.place.role}_join{number}")
        return self._value(self.tree.condition)

    def _tables(self) -> list[sa.FromClause]:
        return [table for source in self._sources.values() for table in source.tables]

    def _on(self) -> list[Condition]:
        return [condition for source in self._sources.values() for condition in source.on]

    def _source(self, row: Row, role: str) -> _Source:
        if row.side in _SPACES:
            table = alias_of(self.place.properties, role)
            is_it = (
                table.c.node_id == self.place.id,
                table.c.space == _SPACES[row.side],
                table.c.name == row.alias,
            )
            return _Source([table], is_it, lambda name: _property_value(table, name))
        if row.side is Side.EVENTS and self.place.entity in {Entity.ARTIFACT, Entity.EXECUTION}:
            table = alias_of(schema.event, role)
            near = table.c.artifact_id if self.place.entity is Entity.ARTIFACT else table.c.execution_id
            return _Source([table], [near == self.place.id], lambda name: _event_value(table, name))
        return self._neighbour(row, role)

    def _neighbour(self, row: Row, role: str) -> _Source:
        relation = _RELATIONS.get(row.side)
        entity = None if relation is None else RELATIONS[self.place.entity].get(relation)
        if relation is None or entity is None:
            raise InvalidError(f"{self.place.entity.value}s have no {row.side.value}")
        link = neighbour_of(self.place.entity, relation, role)
        other = place_of(entity, f"{role}_far")
        on = (link.near == self.place.id, link.far == other.id, *link.only)
        return _Source([link.link, other.source], on, lambda name: _attribute(other, name))

    def _value(self, expression: Expression) -> Any:
        match expression:
            case Constant(None):
                return sa.null()
            case Constant(bool() as value):
                return sa.true() if value else sa.false()
            case Constant(str() as value):
                return sa.literal(value, Text())
            case Constant(value):
                return sa.literal(value)
            case Column(row, name):
                return (
                    _attribute(self.place, name) if row.side is Side.OWN else self._sources[row].column(name)
                )
            case Call(operator, arguments):
                return self._call(operator, arguments)

    def _call(self, operator: str, arguments: Sequence[Expression]) -> Any:
        if operator == "like":
            return self._like(arguments)
        values = [self._value(argument) for argument in arguments]
        if operator in _COMPARE:
            return _COMPARE[operator](*values)
        if operator in _ARITHMETIC:
            return _ARITHMETIC[operator](*values)
        try:
            return _CALLS[operator](values)
        except KeyError:
            raise InvalidError(f"there is no operator {operator!r}") from None

    def _like(self, arguments: Sequence[Expression]) -> Any:
        text, pattern = arguments
        if not isinstance(pattern, Constant) or not isinstance(pattern.value, str):
            raise InvalidError("the pattern of LIKE must be a text in quotes")
        return like(self._value(text), Operator.ILIKE, pattern.value)


def _in(values: Sequence[Any]) -> Any:
    first, *others = values
    return first.in_(others)


def _between(values: Sequence[Any]) -> Any:
    value, low, high = values
    return sa.and_(value >= low, value <= high)


def _case(values: Sequence[Any]) -> Any:
    *pairs, last = values
    return sa.case(*zip(pairs[::2], pairs[1::2], strict=True), else_=last)


_CALLS: Final[Mapping[str, Callable[[Sequence[Any]], Any]]] = {
    "and": lambda values: sa.and_(*values),
    "or": lambda values: sa.or_(*values),
    "not": lambda values: sa.not_(values[0]),
    "in": _in,
    "between": _between,
    "is null": lambda values: values[0].is_(None),
    "is true": lambda values: sa.func.coalesce(values[0], sa.false()),
    "negative": lambda values: -values[0],
    "upper": lambda values: sa.func.upper(values[0], type_=Text()),
    "lower": lambda values: sa.func.lower(values[0], type_=Text()),
    "length": lambda values: sa.func.char_length(values[0], type_=sa.BigInteger()),
    "abs": lambda values: sa.func.abs(values[0], type_=values[0].type),
    "coalesce": lambda values: sa.func.coalesce(*values, type_=values[0].type),
    "nullif": lambda values: sa.func.nullif(*values, type_=values[0].type),
    "case": _case,
    "text": lambda values: sa.cast(values[0], sa.String(64)),
    "integer": lambda values: sa.cast(values[0], sa.BigInteger),
    "double": lambda values: sa.cast(values[0], sa.Double),
}


def _attribute(place: Place, name: str) -> Any:
    if linked := place.linked.get(name):
        return sa.select(linked.column).select_from(linked.source).where(linked.on).scalar_subquery()
    try:
        return place.own[name]
    except KeyError:
        raise InvalidError(f"{place.entity.value}s have no {name!r}") from None


def _event_value(table: sa.FromClause, name: str) -> Any:
    try:
        return table.c[_EVENT_COLUMNS[name]]
    except KeyError:
        raise InvalidError(f"events have no {name!r}") from None


def _property_value(table: sa.FromClause, name: str) -> Any:
    kind = table.c.kind
    match name:
        case "int":
            return sa.case((kind == ValueKind.INT, table.c.int_value))
        case "double":
            return sa.case((kind == ValueKind.DOUBLE, table.c.number_value))
        case "bool":
            return sa.case((kind == ValueKind.BOOLEAN, table.c.int_value == 1))
        case "string":
            whole = sa.func.coalesce(table.c.text_value, table.c.head, type_=Text())
            return sa.case((kind == ValueKind.STRING, whole))
        case _:
            raise InvalidError(f"properties have no {name!r}")
