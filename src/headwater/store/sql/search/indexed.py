"""What an index can answer of a condition: more rows may meet it than meet the condition, never fewer."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from headwater.model.filters import Between, Comparison, Entity, Field, In, Operator, Scope
from headwater.model.graph import NodeKind
from headwater.model.joins import Call, Column, Constant, Expression, Row
from headwater.store.sql import schema
from headwater.store.sql.search.comparisons import Condition, Test, clamped, plain, raw
from headwater.store.sql.search.places import Place, alias_of
from headwater.store.sql.values import split_text

_KINDS: Final = {
    Entity.ARTIFACT: NodeKind.ARTIFACT,
    Entity.VERSION: NodeKind.ARTIFACT,
    Entity.EXECUTION: NodeKind.EXECUTION,
    Entity.RUN: NodeKind.EXECUTION,
    Entity.CONTEXT: NodeKind.CONTEXT,
}
_OPERATORS: Final = {"=": Operator.EQ} | {
    o.value: o for o in (Operator.LT, Operator.LE, Operator.GT, Operator.GE)
}
_SINGLE: Final = frozenset(
    {"id", "run_id", "name", "type", "type_id", "experiment_id", "parent_id", "external_id", "uri", "digest"}
)
"""Attributes with an index that leads from one value to few nodes."""
_ORDERED: Final = frozenset({"start_time", "created_time", "updated_time"})
"""Attributes with an index that is worth a range, too."""


class Term(NamedTuple):
    """A test that one value of a joined row has to pass."""

    row: Row
    name: str
    test: Test


def terms_of(tree: Expression) -> Iterator[Term]:
    """Yield the tests among the expressions that must all hold."""
    match tree:
        case Call("and", arguments):
            for argument in arguments:
                yield from terms_of(argument)
        case Call(operator, (Column(row, name), *others)):
            values = tuple(other.value for other in others if isinstance(other, Constant))
            given = tuple(value for value in values if value is not None)
            if len(given) == len(others) and (test := _test(operator, name, given)) is not None:
                yield Term(row, name, test)
        case _:
            return


def is_single(test: Test) -> bool:
    """Tell whether a test names the values that pass it."""
    return isinstance(test, In) or (isinstance(test, Comparison) and test.operator is Operator.EQ)


def has_index(name: str, test: Test) -> bool:
    """Tell whether an index leads from a test of an attribute to the nodes that pass it."""
    return name in _ORDERED or (name in _SINGLE and is_single(test))


def attribute_test(place: Place, name: str, test: Test) -> Iterator[Condition]:
    """Yield what the test of a name means for its index, which begins with the type."""
    if name == "name" and is_single(test) and place.own["name"].table is place.own["type_id"].table:
        yield is_of_types(place)


def is_of_types(place: Place, names: Sequence[Any] | None = None) -> Condition:
    """Return the condition that a node is of its kind's types, or of those with some names alone."""
    kind = alias_of(schema.type_, f"{place.role}_kind")
    types = sa.select(kind.c.id).where(kind.c.kind == _KINDS[place.entity])
    return place.own["type_id"].in_(types if names is None else types.where(kind.c.name.in_(names)))


def row_test(row: Any, test: Test) -> Condition | None:
    """Return what the indexed columns of a property row have to meet; None for mixed lists and booleans."""
    values = _values(test)
    if any(isinstance(value, bool) for value in values):
        return None
    if all(isinstance(value, str) for value in values):
        return _loosely(raw(row.head), test, [plain(split_text(str(value))[0]) for value in values])
    if all(isinstance(value, (int, float)) for value in values):
        return _loosely(row.number_value, test, [clamped(value) for value in values])
    return None


def _test(operator: str, name: str, values: Sequence[Any]) -> Test | None:
    field = Field(Scope.ATTRIBUTE, name)
    match operator:
        case "in":
            return In(field, tuple(values))
        case "between":
            return Between(field, *values)
        case _ if operator in _OPERATORS:
            return Comparison(field, _OPERATORS[operator], *values)
        case _:
            return None


def _values(test: Test) -> Sequence[Any]:
    match test:
        case Comparison(value=value):
            return [value]
        case In(values=values):
            return values
        case Between(low=low, high=high):
            return [low, high]


def _loosely(column: Any, test: Test, values: Sequence[Any]) -> Condition:
    """Compare what may be cut off or rounded, so `<` has to let equal ones pass."""
    match test:
        case In():
            return column.in_(values)
        case Between():
            return sa.and_(column >= values[0], column <= values[1])
        case Comparison(operator=Operator.EQ):
            return column == values[0]
        case Comparison(operator=Operator.LT | Operator.LE):
            return column <= values[0]
        case _:
            return column >= values[0]
