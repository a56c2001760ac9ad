"""A filter as a condition on a place, true or false and never NULL."""

from dataclasses import replace
from typing import Final

import sqlalchemy as sa

from headwater.errors import InvalidError
from headwater.model.filters import And, Entity, Field, Filter, IsNull, Not, Or, Scope
from headwater.model.joins import Joined
from headwater.query.attributes import EDGE_ATTRIBUTES, RELATIONS, SCOPES, attributes_of
from headwater.query.limits import MAX_ALTERNATIONS, MAX_CONDITIONS, MAX_VALUES, alternations
from headwater.store.sql import schema
from headwater.store.sql.search.comparisons import Condition, PropertyRow, Test, column_test, number_test
from headwater.store.sql.search.joins import JoinedRows
from headwater.store.sql.search.places import Place, alias_of, neighbour_of, place_of
from headwater.store.sql.values import Space

SPACES: Final = {
    Scope.METRIC: Space.METRIC,
    Scope.PARAM: Space.PARAM,
    Scope.TAG: Space.CUSTOM,
    Scope.PROPERTY: Space.PROPERTY,
}
_ONE: Final = sa.literal_column("1", sa.Integer())
_NONE: Final = sa.literal_column("0", sa.Integer())


def check(tree: Filter, entity: Entity) -> None:
    """Check what a parser checks, for trees that were built by hand.

    Raises:
        InvalidError: the tree is too large, or names what the entity does not have.
    """
    leaves = _leaves(tree)
    if len(leaves) > MAX_CONDITIONS or alternations(tree) > MAX_ALTERNATIONS:
        raise InvalidError(
            f"a filter has at most {MAX_CONDITIONS} conditions, and AND and OR take turns "
            f"at most {MAX_ALTERNATIONS} times"
        )
    if sum(len(getattr(leaf, "values", ())) for leaf in leaves) > MAX_VALUES:
        raise InvalidError(f"the lists of a filter have at most {MAX_VALUES:,} values")
    for leaf in leaves:
        check_field(leaf.field, entity)


def check_field(field: Field, entity: Entity) -> None:
    """Check that an entity has a field.

    Raises:
        InvalidError: it does not.
    """
    if field.relation is not None:
        related = RELATIONS[entity].get(field.relation)
        if related is None:
            raise InvalidError(f"{entity.value}s have no {field.relation.value}")
        entity = related
    is_known = (
        field.name in attributes_of(entity, field.relation)
        if field.scope is Scope.ATTRIBUTE
        else field.scope in SCOPES[entity]
    )
    if not is_known:
        raise InvalidError(f"{entity.value}s have no {field}")


def condition_of(tree: Filter, place: Place) -> Condition:
    """Return the condition that a filter puts on a place."""
    match tree:
        case And(terms):
            return sa.and_(sa.true(), *(condition_of(term, place) for term in terms))
        case Or(terms):
            return sa.or_(sa.false(), *(condition_of(term, place) for term in terms))
        case Not(term):
            return _negated(term, place)
        case IsNull(field):
            return sa.not_(has(field, place))
        case Joined():
            return JoinedRows(place, tree).condition()
        case _:
            return meets(tree, place)


def _negated(tree: Filter, place: Place) -> Condition:
    """Return the opposite, with NOT at the leaves: databases' parsers stand only so much depth."""
    match tree:
        case And(terms):
            return sa.or_(sa.false(), *(_negated(term, place) for term in terms))
        case Or(terms):
            return sa.and_(sa.true(), *(_negated(term, place) for term in terms))
        case Not(term):
            return condition_of(term, place)
        case _:
            return sa.not_(condition_of(tree, place))


def meets(test: Test, place: Place) -> Condition:
    """Return the condition that a place, or one related to it, has a value that meets a test."""
    field = test.field
    if field.relation is not None:
        return _of_related(field, place, test)
    if field.scope is Scope.ATTRIBUTE:
        return _attribute(field.name, place, test)
    return _any(property_rows(field, place, test, on=place.id))


def has(field: Field, place: Place) -> Condition:
    """Return the condition that a place, or one related to it, has a field."""
    if field.relation is not None:
        return _of_related(field, place, None)
    if field.scope is Scope.ATTRIBUTE:
        return _attribute(field.name, place, None)
    return _any(property_rows(field, place, None, on=place.id))


def property_rows(
    field: Field, place: Place, test: Test | None, *, on: sa.ColumnElement[int] | None = None
) -> sa.Select[int]:
    """Select the node ids of the rows of a metric, param, tag or property that meet a test.

    Args:
        field: Which one.
        place: Says in which table.
        test: None takes every row.
        on: Only rows of this node.
    """
    if field.scope is Scope.METRIC and place.has_series:
        table = alias_of(schema.series, f"{place.role}_row")
        node, named = table.c.execution_id, table.c.key == field.name
        met = None if test is None else number_test(table.c.value, test)
    else:
        table = alias_of(place.properties, f"{place.role}_row")
        space = SPACES[field.scope]
        node, named = table.c.node_id, sa.and_(table.c.space == space, table.c.name == field.name)
        met = None if test is None else PropertyRow(table.c, is_param=space is Space.PARAM).test(test)
    statement = sa.select(node).where(named)
    if on is not None:
        statement = statement.where(node == on)
    return statement if met is None else statement.where(met)


def _attribute(name: str, place: Place, test: Test | None) -> Condition:
    if linked := place.linked.get(name):
        found = sa.select(sa.literal(1)).select_from(linked.source).where(linked.on)
        met = linked.column.is_not(None) if test is None else column_test(linked.column, test)
        return _any(found.where(met))
    column = place.own[name]
    is_there = column.is_not(None)
    if test is None:
        return is_there
    met = column_test(column, test)
    # Without this NULL would stay NULL under NOT, where the answer is true.
    return sa.and_(is_there, met) if getattr(column, "nullable", True) else met


def _of_related(field: Field, place: Place, test: Test | None) -> Condition:
    if field.relation is None:
        raise TypeError("a related field needs its relation")
    neighbour = neighbour_of(place.entity, field.relation, place.role)
    other = place_of(RELATIONS[place.entity][field.relation], f"{place.role}_far")
    own = Field(field.scope, field.name)
    found = (
        sa.select(sa.literal(1))
        .select_from(neighbour.link.join(other.source, other.id == neighbour.far))
        .where(neighbour.near == place.id, *neighbour.only, *other.where)
    )
    if field.scope is Scope.ATTRIBUTE and field.name in EDGE_ATTRIBUTES:
        column = neighbour.link.c[field.name]
        return _any(found.where(column.is_not(None) if test is None else column_test(column, test)))
    return _any(found.where(has(own, other) if test is None else meets(moved(test, own), other)))


def _any(rows: sa.Select[int]) -> Condition:
    """Return the condition that there are rows, to be asked of one node after another.

    In a plain EXISTS, PostgreSQL, MySQL and MariaDB may gather the rows of all nodes first,
    which takes a hundred times longer than to stop at the end of the page. A LIMIT
    with an OFFSET keeps all of them from it, and changes nothing.
    """
    return rows.limit(_ONE).offset(_NONE).exists()


def moved(test: Test, field: Field) -> Test:
    """Return a test that looks at another field."""
    return replace(test, field=field)


def _leaves(tree: Filter) -> list[Test | IsNull]:
    waiting, leaves = [tree], list[Test | IsNull]()
    while waiting:
        match waiting.pop():
            case And(terms) | Or(terms):
                waiting += terms
            case Not(term):
                waiting.append(term)
            case Joined():
                # Its names are looked up when it is compiled.
                continue
            case leaf:
                leaves.append(leaf)
    return leaves
