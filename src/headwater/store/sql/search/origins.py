"""Where a search can start: indexes that lead to the few nodes which may meet a condition."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from headwater.model.filters import And, Between, Comparison, Entity, Field, Filter, In, Operator, Scope
from headwater.model.joins import Joined, factors_of
from headwater.query.attributes import RELATIONS
from headwater.store.sql import schema
from headwater.store.sql.search.comparisons import (
    Test,
    column_test,
    near_whole,
    number_test,
)
from headwater.store.sql.search.conditions import SPACES, moved
from headwater.store.sql.search.indexed import attribute_test, has_index, is_single, row_test
from headwater.store.sql.search.joins import JoinedRows
from headwater.store.sql.search.places import Column, Place, alias_of, neighbour_of, place_of
from headwater.store.sql.text import HEAD_CHARS, encode

Ids = sa.Select[int]

_RANGES: Final = frozenset({Operator.EQ, Operator.LT, Operator.LE, Operator.GT, Operator.GE})
_JOINED: Final = frozenset({"experiment", "model", "model_id", "alias", "run_id", "execution_id"})
"""Attributes in other tables that lead to few nodes."""


def conjuncts(tree: Filter | None) -> Sequence[Filter]:
    """Return the conditions that must all hold, as many as they can be told apart."""
    match tree:
        case None:
            return ()
        case And(terms):
            return [part for term in terms for part in conjuncts(term)]
        case Joined():
            return [*factors_of(tree)]
        case _:
            return (tree,)


def origin_of(condition: Filter, entity: Entity) -> Ids | None:
    """Select the ids of nodes that may meet a condition, read from an index alone.

    There may be more of them than meet it, some twice, and some deleted ones; none is missing.

    Returns:
        None when no index leads there.
    """
    match condition:
        case Comparison(field, operator) if operator in _RANGES:
            return _origin(field, condition, entity)
        case In(field, is_negated=False) | Between(field, is_negated=False):
            return _origin(field, condition, entity)
        case Joined():
            rows = JoinedRows(place_of(entity, "origin"), condition)
            return rows.ids() if rows.is_indexed else None
        case _:
            return None


def is_exact(condition: Filter) -> bool:
    """Tell whether all nodes of a condition's origin meet it, so that it need not be asked again."""
    match condition:
        case Comparison(
            Field(scope, _, None), Operator.EQ | Operator.LE | Operator.GE, int() | float() as value
        ):
            # Other properties tell flags from numbers; the double in the index is near to a large integer.
            is_number = not isinstance(value, bool) and near_whole(value) is None
            return is_number and scope in {Scope.PARAM, Scope.METRIC}
        case Comparison(Field(Scope.PARAM, _, None), Operator.EQ, str() as value):
            # Of a longer one the index has the beginning, which others may share.
            return len(encode(value)) < HEAD_CHARS
        case _:
            return False


def _origin(field: Field, test: Test, entity: Entity, role: str = "origin") -> Ids | None:
    if field.relation is not None:
        return _related(field, test, entity, role)
    place = place_of(entity, role)
    if field.scope is Scope.ATTRIBUTE:
        return _attribute(field.name, test, place)
    if field.scope is Scope.METRIC and place.has_series:
        series = alias_of(schema.series, role)
        met = number_test(series.c.value, test)
        return sa.select(series.c.execution_id).where(series.c.key == field.name, met)
    row = alias_of(place.properties, role)
    met = row_test(row.c, test)
    if met is None:
        return None
    mine = (row.c.space == SPACES[field.scope], row.c.name == field.name)
    return sa.select(row.c.node_id).where(*mine, met)


def _related(field: Field, test: Test, entity: Entity, role: str) -> Ids | None:
    if field.relation is None:
        raise TypeError("a related field needs its relation")
    own = Field(field.scope, field.name)
    others = _origin(own, moved(test, own), RELATIONS[entity][field.relation], f"{role}_far")
    if others is None:
        return None
    neighbour = neighbour_of(entity, field.relation, role)
    return sa.select(neighbour.near).where(neighbour.far.in_(others), *neighbour.only)


def _attribute(name: str, test: Test, place: Place) -> Ids | None:
    if linked := place.linked.get(name):
        if not is_single(test) or name not in _JOINED:
            return None
        source = place.table.join(linked.source, linked.on)
        return sa.select(place.id).select_from(source).where(column_test(linked.column, test))
    if not (has_index(name, test) or (is_single(test) and name in _JOINED)):
        return None
    column = place.own[name]
    found = sa.select(place.id).select_from(place.source).where(column_test(column, test))
    if place.entity is Entity.RUN:
        # Its attributes stand in two tables with the same ids; the other one need not be read.
        table: Any = column.table
        id_column: Column = table.c.get("execution_id", table.c.get("id"))
        found = sa.select(id_column).where(column_test(column, test))
    return found.where(*attribute_test(place, name, test))
