"""Conditions on joined rows, as SQL."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from headwater.store.sql.search.comparisons import Condition, Test, like
from headwater.store.sql.search.indexed import attribute_test, has_index, is_of_types, row_test, terms_of
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
        near: The id of the node that it is joined to.
        only: What tells it from other rows of these tables.
        column: Gives one of its values by name.
        indexed: Gives what follows from a test of a value and can be looked up in an index.
        is_property: It is a row of properties, whose index has what `indexed` looks at.
        other: The related node, if it is one.
    """

    tables: Sequence[sa.FromClause]
    near: Any
    only: Sequence[Condition]
    column: Callable[[str], Any]
    indexed: Callable[[str, Test], Iterable[Condition]] | None = None
    is_property: bool = False
    other: Place | None = None


@dataclass(slots=True)
class JoinedRows:
    """One condition on a place and the rows that are joined to it."""

    place: Place
    tree: Joined
    _sources: dict[Row, _Source] = field(default_factory=dict[Row, _Source])

    @property
    def is_indexed(self) -> bool:
        """Whether an index leads to the nodes."""
        terms = terms_of(self.tree.condition)
        return bool(rows_of(self.tree.condition)) or any(has_index(name, test) for _, name, test in terms)

    def condition(self) -> Condition:
        """Return the condition that such rows exist, to be asked of one node after another."""
        met = self._met()
        if not self._sources:
            return met
        return sa.exists().select_from(*self._tables()).where(*self._on(), met)

    def ids(self) -> sa.Select[Any]:
        """Select the ids of all nodes that may meet the condition, some more than once."""
        met = self._met()
        indexed = [*self._indexed()]
        if any(row.side is Side.OWN for row in rows_of(self.tree.condition, with_own=True)):
            rows = sa.select(self.place.id).select_from(self.place.source, *self._tables())
            return rows.where(*self._on(), *indexed, met)
        first, *others = self._sources.values()
        if not others and first.is_property and indexed:
            # What follows from the condition stands in the index, the rest of it does not.
            return sa.select(first.near).where(*first.only, *indexed)
        rows = sa.select(first.near).select_from(*self._tables()).where(*first.only)
        together = (condition for other in others for condition in (other.near == first.near, *other.only))
        return rows.where(*together, *indexed, met)

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
        sources = self._sources.values()
        return [condition for s in sources for condition in (s.near == self.place.id, *s.only)]

    def _indexed(self) -> Iterator[Condition]:
        """Yield what follows from the condition and can be looked up in an index."""
        for row, name, test in terms_of(self.tree.condition):
            if row.side is Side.OWN:
                yield from attribute_test(self.place, name, test)
            elif (indexed := self._sources[row].indexed) is not None:
                yield from indexed(name, test)

    def _source(self, row: Row, role: str) -> _Source:
        if row.side in _SPACES:
            table = alias_of(self.place.properties, role)
            return _Source(
                [table],
                table.c.node_id,
                (table.c.space == _SPACES[row.side], table.c.name == row.alias),
                lambda name: _property_value(table, name),
                lambda _, test: [] if (met := row_test(table.c, test)) is None else [met],
                is_property=True,
            )
        if row.side is Side.EVENTS and self.place.entity in {Entity.ARTIFACT, Entity.EXECUTION}:
            table = alias_of(schema.event, role)
            near = table.c.artifact_id if self.place.entity is Entity.ARTIFACT else table.c.execution_id
            return _Source([table], near, (), lambda name: _event_value(table, name))
        return self._neighbour(row, role)

    def _neighbour(self, row: Row, role: str) -> _Source:
        relation = _RELATIONS.get(row.side)
        entity = None if relation is None else RELATIONS[self.place.entity].get(relation)
        if relation is None or entity is None:
            raise InvalidError(f"{self.place.entity.value}s have no {row.side.value}")
        link = neighbour_of(self.place.entity, relation, role)
        other = place_of(entity, f"{role}_far")
        return _Source(
            [link.link, other.source],
            link.near,
            (link.far == other.id, *link.only),
            lambda name: _attribute(other, name),
            lambda name, test: attribute_test(other, name, test),
            other=other,
        )

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
        if operator in {"=", "in"} and (types := self._types(arguments)) is not None:
            return types
        values = [self._value(argument) for argument in arguments]
        if operator in _COMPARE:
            return _COMPARE[operator](*values)
        if operator in _ARITHMETIC:
            return _ARITHMETIC[operator](*values)
        try:
            return _CALLS[operator](values)
        except KeyError:
            raise InvalidError(f"there is no operator {operator!r}") from None

    def _types(self, arguments: Sequence[Expression]) -> Condition | None:
        """Return the condition on a type's name by the ids of types, which are few and looked up once."""
        match arguments:
            case (Column(row, "type"), *others) if all(
                isinstance(other, Constant) and other.value is not None for other in others
            ):
                place = self.place if row.side is Side.OWN else self._sources[row].other
                return None if place is None else is_of_types(place, [self._value(other) for other in others])
            case _:
                return None

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
        found = sa.select(linked.column).select_from(linked.source).where(linked.on)
        # Named, because SQLAlchemy by itself finds the node's tables one level further out and no more.
        return found.correlate(place.table, *(table for table, _ in place.joined)).scalar_subquery()
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
