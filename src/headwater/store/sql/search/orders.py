"""Sort keys: which rank a row has (missing values come last) and what decides within a rank."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa

from headwater.model.filters import Scope
from headwater.model.listing import Order
from headwater.query.attributes import ATTRIBUTES, ValueType
from headwater.store.sql import schema
from headwater.store.sql.search.comparisons import Condition, raw
from headwater.store.sql.search.conditions import SPACES
from headwater.store.sql.search.places import Column, Place, alias_of
from headwater.store.sql.text import HEAD_CHARS, Text

Value: TypeAlias = int | float | str


@dataclass(frozen=True, slots=True)
class Term:
    """One expression to sort by; `slot` is where its value stands among the key's values."""

    expression: Column
    slot: int
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """A table that a key needs: of the rows that meet `only` one or none for each node, its id in `node`."""

    table: sa.FromClause
    node: Column
    only: Condition

    def on(self, node_id: Column) -> Condition:
        """Return the condition that a row is that of a node."""
        return sa.and_(self.node == node_id, self.only)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One sort key.

    Attributes:
        order: What it sorts by.
        neutral: Values of a row of rank 0 and of no interest; the rank itself
            is the first where the key has ranks.
        ranks: For each rank the condition that tells its rows, and the terms within
            it; empty for a key that no row lacks.
        terms: Terms that sort the rows of all ranks together.
        join: A table that ranks and terms are about.
    """

    order: Order
    neutral: tuple[Value, ...]
    ranks: Sequence[tuple[Condition, tuple[Term, ...]]] = ()
    terms: tuple[Term, ...]
    join: Join | None = None
    is_walked: bool = False
    """There is an index along which the rows of a rank can be read in order."""


def key_of(order: Order, place: Place, number: int) -> Key:
    """Return the sort key of an order on a place.

    Args:
        order: What is sorted by.
        place: What is sorted.
        number: The how-manieth key it is.
    """
    field, role = order.field, f"key_{number}"
    if field.scope is Scope.METRIC and place.has_series:
        return _metric_key(order, alias_of(schema.series, role))
    if field.scope is not Scope.ATTRIBUTE:
        return _property_key(order, alias_of(place.properties, role))
    if linked := place.linked.get(field.name):
        # Where there are several, any one would do; the smallest is always the same.
        smallest = sa.select(sa.func.min(linked.column)).select_from(linked.source).where(linked.on)
        return _column_key(order, place, smallest.scalar_subquery(), is_nullable=True)
    column = place.own[field.name]
    return _column_key(order, place, column, is_nullable=bool(getattr(column, "nullable", True)))


def _column_key(order: Order, place: Place, column: Column, *, is_nullable: bool) -> Key:
    is_text = ATTRIBUTES[place.entity][order.field.name].value_type is ValueType.STRING
    zero: Value = "" if is_text else 0
    if isinstance(column.type, Text):
        # MySQL and MariaDB sort by the first 1,024 bytes of a long text, and then compare all of it.
        column = sa.func.substr(column, 1, HEAD_CHARS, type_=sa.Text())
    down = order.is_descending
    if not is_nullable:
        return Key(order=order, neutral=(zero,), terms=(Term(column, 0, down),))
    is_missing = column.is_(None)
    filled = sa.func.coalesce(column, sa.literal(zero, column.type))
    return Key(
        order=order,
        neutral=(0, zero),
        ranks=((column.is_not(None), (Term(column, 1, down),)), (is_missing, ())),
        terms=(Term(sa.case((is_missing, 1), else_=0), 0), Term(filled, 1, down)),
    )


def _metric_key(order: Order, series: sa.FromClause) -> Key:
    has_row, value = series.c.execution_id.is_not(None), series.c.value
    ranks = (
        (sa.and_(has_row, value.is_not(None)), (Term(value, 1, order.is_descending),)),
        (sa.and_(has_row, value.is_(None)), ()),
        (series.c.execution_id.is_(None), ()),
    )
    filled = sa.func.coalesce(value, sa.literal(0.0, value.type))
    return Key(
        order=order,
        neutral=(0, 0.0),
        ranks=ranks,
        terms=(Term(_rank(ranks), 0), Term(filled, 1, order.is_descending)),
        is_walked=True,
        join=Join(series, series.c.execution_id, series.c.key == order.field.name),
    )


def _property_key(order: Order, row: sa.FromClause) -> Key:
    """Numbers first, then texts by their beginning, then all that has no order, then nothing."""
    down = order.is_descending
    value, head = row.c.number_value, raw(row.c.head)
    is_number, is_text = value.is_not(None), sa.and_(value.is_(None), head.is_not(None))
    has_other = sa.and_(row.c.node_id.is_not(None), value.is_(None), head.is_(None))
    ranks = (
        (is_number, (Term(value, 1, down),)),
        (is_text, (Term(head, 2, down),)),
        (has_other, ()),
        (row.c.node_id.is_(None), ()),
    )
    zero, empty = sa.literal(0.0, value.type), sa.literal("", head.type)
    only = sa.and_(row.c.space == SPACES[order.field.scope], row.c.name == order.field.name)
    return Key(
        order=order,
        neutral=(0, 0.0, ""),
        ranks=ranks,
        terms=(
            Term(_rank(ranks), 0),
            Term(sa.func.coalesce(value, zero), 1, down),
            Term(sa.case((is_text, head), else_=empty), 2, down),
        ),
        join=Join(row, row.c.node_id, only),
        is_walked=True,
    )


def _rank(ranks: Sequence[tuple[Condition, Any]]) -> Column:
    *first, _ = ranks
    return sa.case(*((condition, rank) for rank, (condition, _) in enumerate(first)), else_=len(first))


def is_after(
    terms: Sequence[tuple[Term, Value]], node_id: Column, last_id: int, *, is_descending: bool
) -> Condition:
    """Return the condition that a row comes after another one.

    Args:
        terms: What is sorted by, with the other row's values.
        node_id: The last term, which breaks ties.
        last_id: The other row's id.
        is_descending: Whether ids fall.
    """
    steps = [*terms, (Term(node_id, 0, is_descending), last_id)]
    options: list[Condition] = []
    for place, (term, value) in enumerate(steps):
        equal = [before.expression == known for before, known in steps[:place]]
        options.append(sa.and_(*equal, _beyond(term, value)))
    first, value = steps[0]
    # Says nothing new, but it is a range that an index can start from.
    bound = first.expression <= value if first.is_descending else first.expression >= value
    return sa.and_(bound, sa.or_(*options))


def _beyond(term: Term, value: Value) -> Condition:
    return term.expression < value if term.is_descending else term.expression > value
