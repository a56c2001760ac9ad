"""How one page is read: along the sort key's index, or from the few nodes that may match."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from headwater.errors import InvalidError
from headwater.model.filters import Between, Comparison, Entity, Field, Filter, In, IsNull, Not, Scope
from headwater.model.listing import Listing, Order
from headwater.query.attributes import ATTRIBUTES
from headwater.store.sql.dialects import Dialect
from headwater.store.sql.search.comparisons import Condition, PropertyRow, Test, as_stored, number_test
from headwater.store.sql.search.conditions import check_field, condition_of
from headwater.store.sql.search.orders import Join, Key, Term, is_after, key_of
from headwater.store.sql.search.origins import Ids, conjuncts, is_exact, origin_of
from headwater.store.sql.search.places import Column, place_of
from headwater.store.sql.search.spellings import uris_like
from headwater.store.sql.search.tokens import Position
from headwater.store.sql.text import AnyText

FEW: Final = 5_000
"""Below this many nodes from an index, reading and sorting them all beats walking along the sort key."""
COUNTED: Final = (200, 1_500)
"""So many are counted first: when one condition leads to fewer, the others need no more counting."""
ORIGINS: Final = 8
"""How many conditions are considered to start from."""

_NEWEST_FIRST: Final = Order(Field(Scope.ATTRIBUTE, "start_time"), is_descending=True)


class Origin(NamedTuple):
    """A condition, the statement that gives all nodes that may meet it, and whether the walk is along it.

    The statement gives no more of them than its parameter `few` says.
    """

    term: Filter
    ids: Ids
    is_walked: bool


class Part(NamedTuple):
    """A statement that gives some rows of the answer, as many as its parameter `page_limit` says.

    Attributes:
        slots: Where in a position each value that it selects after the id belongs, and whether it is
            a text that has to be decoded; then come the columns of the plan.
        rank: The rank of the first key that its rows have, when all have the same.
    """

    statement: sa.Select[Any]
    slots: Sequence[tuple[int, bool]]
    rank: int | None


class Plan:
    """The statements of one search.

    Attributes:
        neutral: A position that comes before none of another kind, for its types.
        is_by_id: It is sorted by the id alone.
        falls: Ids fall among what is equal otherwise.
        is_walked: There is an index along which the first key's rows can be read in order.
        is_lazy: Few nodes, too, can be read rank by rank: first they are sorted, then only as many as a
            page needs are asked for the rest of the filter.
    """

    def __init__(
        self, dialect: Dialect, entity: Entity, listing: Listing, columns: Sequence[str] = ()
    ) -> None:
        """Plan a listing, whose page does not matter, that gives ids and these columns of nodes."""
        self._dialect = dialect
        self._entity = entity
        self._listing = listing
        self._place = place_of(entity)
        self._columns = [as_stored(self._place.column(name)) for name in columns]
        orders, self.falls = _without_id(orders_of(listing, entity))
        self._keys = [key_of(order, self._place, number) for number, order in enumerate(orders)]
        self.is_by_id = not self._keys
        self.is_walked = bool(self._keys) and self._keys[0].is_walked
        # Where several are equal in a first key, all of them have to be there for the next one.
        self.is_lazy = self.is_walked and len(self._keys) == 1
        self._terms_met = conjuncts(listing.filter)
        self.neutral: Position = (*(value for key in self._keys for value in key.neutral), 0)

    @cached_property
    def ranks(self) -> list[int]:
        """The ranks of the first key whose rows can meet the filter."""
        return _ranks_left(self._listing.filter, self._keys[0])

    @cached_property
    def origins(self) -> list[Origin]:
        """Where the search can start, other than at the beginning of the first key's index."""
        walked = self._keys[0].order.field if self.is_walked else None
        found: list[Origin] = []
        for term in self._terms_met:
            is_walked = isinstance(term, (Comparison, In, Between)) and term.field == walked
            origin = None if len(found) == ORIGINS else self._origin(term)
            if origin is not None:
                found.append(Origin(term, origin.limit(_most("few")), is_walked))
        return found

    def _origin(self, term: Filter) -> Ids | None:
        found = origin_of(term, self._entity)
        if found is None and self._dialect.sorts_uris:
            return uris_like(term, self._entity)
        return found

    def counts(self) -> Any:
        """Count what each origin gives, up to the number in the parameter `few`."""
        return sa.select(*(_count(origin.ids) for origin in self.origins))

    def count(self, *, origin: int | None = None) -> sa.Select[Any]:
        """Build the statement that counts the answer, and stops at its parameter `count_limit`."""
        found = (
            sa.select(self._place.id)
            .select_from(self._place.source)
            .where(*self._place.where, *self._conditions(None, origin))
            .limit(sa.bindparam("count_limit", type_=sa.BigInteger(), required=False))
        )
        if origin is not None:
            found = found.where(self._dialect.among(self._place.id))
        return sa.select(sa.func.count()).select_from(found.subquery())

    def part(
        self, after: Position | None = None, *, origin: int | None = None, rank: int | None = None
    ) -> Part:
        """Build the statement that gives some rows of the answer.

        Args:
            after: Only rows after this one.
            origin: Only among the ids in the parameter `ids`, which this origin gave.
            rank: Only rows whose first key has this rank.
        """
        terms = _terms_of(self._keys, rank)
        walked = _walked(self._keys, rank)
        # The same value, but the one that is in the index.
        node_id = walked.node if walked else self._place.id
        columns = [term.expression for _, term in terms]
        statement = (
            sa.select(node_id, *columns, *self._columns)
            .select_from(self._source(rank))
            .where(*self._place.where)
            .where(*self._conditions(rank, origin))
        )
        if walked:
            statement = statement.prefix_with("STRAIGHT_JOIN", dialect="mysql")
        if origin is not None:
            statement = statement.where(self._dialect.among(self._place.id))
        return self._sorted(statement, node_id, terms, rank, after)

    def sorted_few(self, rank: int, after: Position | None = None) -> Part | None:
        """Build the statement that gives some of the nodes in the parameter `ids`, in the plan's order.

        As many as its parameter `page_limit` says, behind `page_begin` others. It asks what the filter says
        about the key alone, and gives none of the plan's columns.

        Args:
            rank: Only nodes whose key has this rank.
            after: Only nodes after this one.

        Returns:
            None for the rank of nodes that have no row which the key is about.
        """
        walked = _walked(self._keys, rank)
        if walked is None:
            return None
        terms = _terms_of(self._keys, rank)
        condition, _ = self._keys[0].ranks[rank]
        tests = [test for term in self._terms_met if (test := _on_key(term, self._keys[0])) is not None]
        statement = (
            sa.select(walked.node, *(term.expression for _, term in terms))
            .where(walked.only, condition, self._dialect.among(walked.node), *tests)
            .offset(_most("page_begin"))
        )
        return self._sorted(statement, walked.node, terms, rank, after)

    def among(self, origin: int, *, are_sorted: bool) -> Part:
        """Build the statement that gives those of the nodes in the parameter `ids` that meet the filter.

        Args:
            origin: Where the nodes come from.
            are_sorted: `sorted_few` gave them, which has asked some of it.
        """
        statement = (
            sa.select(self._place.id, *self._columns)
            .select_from(self._place.source)
            .where(*self._place.where, self._dialect.among(self._place.id))
            .where(*self._conditions(None, origin, are_sorted=are_sorted))
        )
        return Part(statement, (), None)

    def _sorted(
        self,
        statement: sa.Select[Any],
        node_id: Column,
        terms: Sequence[tuple[int, Term]],
        rank: int | None,
        after: Position | None,
    ) -> Part:
        """Have a statement give a page's rows in their order, those after a position."""
        if after is not None:
            known = [(term, after[offset + term.slot]) for offset, term in terms]
            last = int(after[-1])
            statement = statement.where(is_after(known, node_id, last, is_descending=self.falls))
        ways = [(term.expression, term.is_descending) for _, term in terms]
        order = [column.desc() if falls else column for column, falls in (*ways, (node_id, self.falls))]
        slots = [(offset + term.slot, isinstance(term.expression.type, AnyText)) for offset, term in terms]
        return Part(statement.order_by(*order).limit(_most("page_limit")), slots, rank)

    def _source(self, rank: int | None) -> sa.FromClause:
        source, keys = self._place.source, self._keys
        if first := _walked(keys, rank):
            source, keys = self._place.after(first.table, first.on(self._place.id)), keys[1:]
        for key in keys:
            if key.join:
                source = source.outerjoin(key.join.table, key.join.on(self._place.id))
        return source

    def _conditions(
        self, rank: int | None, origin: int | None, *, are_sorted: bool = False
    ) -> Iterator[Condition]:
        """Yield what a node has to meet; of sorted ones, nothing about the key that they are sorted by."""
        met = None if origin is None else self.origins[origin].term
        if not self._listing.with_deleted:
            yield self._place.deleted_ms.is_(None)
        if rank is not None:
            yield self._keys[0].ranks[rank][0]
        for term in self._terms_met:
            if term is met and is_exact(term):
                continue
            # The row that is sorted by need not be looked up a second time.
            on_key = _on_key(term, self._keys[0]) if rank is not None or are_sorted else None
            if on_key is None:
                yield condition_of(term, self._place)
            elif not are_sorted:
                yield on_key


def orders_of(listing: Listing, entity: Entity) -> tuple[Order, ...]:
    """Return what a listing is sorted by.

    Raises:
        InvalidError: it cannot be sorted so.
    """
    return _checked_orders(listing.order_by, entity) or ((_NEWEST_FIRST,) if entity is Entity.RUN else ())


def _terms_of(keys: Sequence[Key], rank: int | None) -> list[tuple[int, Term]]:
    """Return what is sorted by, each with where its key's values begin."""
    terms: list[tuple[int, Term]] = []
    offset = 0
    for place, key in enumerate(keys):
        chosen = key.terms if place or rank is None else key.ranks[rank][1]
        terms += ((offset, term) for term in chosen)
        offset += len(key.neutral)
    return terms


def _walked(keys: Sequence[Key], rank: int | None) -> Join | None:
    """Return the table that a statement walks along, if it does: its rows have all ranks but the last."""
    return keys[0].join if rank is not None and rank < len(keys[0].ranks) - 1 else None


def _most(name: str) -> sa.BindParameter[int]:
    return sa.bindparam(name, type_=sa.Integer(), required=False)


def _count(origin: Ids) -> Any:
    return sa.select(sa.func.count()).select_from(origin.subquery()).scalar_subquery()


def _checked_orders(orders: Sequence[Order], entity: Entity) -> tuple[Order, ...]:
    for order in orders:
        field = order.field
        check_field(field, entity)
        is_many = field.scope is Scope.ATTRIBUTE and ATTRIBUTES[entity].get(field.name) is not None
        if field.relation is not None or (is_many and ATTRIBUTES[entity][field.name].is_many):
            raise InvalidError(f"one node can have several {field}, so it cannot be sorted by")
    return tuple(orders)


def _without_id(orders: Sequence[Order]) -> tuple[Sequence[Order], bool]:
    """Return the keys before the id, and whether ids fall: as their key says, else as the first one."""
    for place, order in enumerate(orders):
        if order.field == Field(Scope.ATTRIBUTE, "id"):
            return orders[:place], order.is_descending
    return orders, bool(orders) and orders[0].is_descending


def _on_key(term: Filter, key: Key) -> Condition | None:
    """Return a condition on the row that a key sorts by, if that is what the term is about."""
    if key.join is None or not isinstance(term, (Comparison, In, Between)) or term.field != key.order.field:
        return None
    return _row_condition(term, key.join.table)


def _row_condition(test: Test, table: sa.FromClause) -> Condition:
    if "key" in table.c:
        return number_test(table.c.value, test)
    return PropertyRow(table.c, is_param=test.field.scope is Scope.PARAM).test(test)


def _ranks_left(tree: Filter | None, key: Key) -> list[int]:
    """Return the ranks of a key whose rows can meet a filter."""
    ranks = range(len(key.ranks))
    last = len(ranks) - 1
    left = set(ranks)
    for term in conjuncts(tree):
        match term:
            case IsNull(field) if field == key.order.field:
                left &= {last}
            case Not(IsNull(field)) if field == key.order.field:
                left -= {last}
            case Comparison(field) | In(field) | Between(field) if field == key.order.field:
                left &= {rank for rank in ranks if key.ranks[rank][1]}
            case _:
                continue
    return sorted(left)
