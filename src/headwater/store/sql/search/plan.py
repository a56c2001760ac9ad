"""How one page is read: along the sort key's index, or from the few nodes that may match."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from headwater.errors import InvalidError
from headwater.model.filters import Between, Comparison, Entity, Field, Filter, In, IsNull, Not, Scope
from headwater.model.listing import MAX_PAGE, Listing, Order
from headwater.query.attributes import ATTRIBUTES
from headwater.store.sql.dialects import Dialect
from headwater.store.sql.search.comparisons import Condition, PropertyRow, Test, number_test
from headwater.store.sql.search.conditions import check, check_field, condition_of
from headwater.store.sql.search.orders import Join, Key, Term, is_after, key_of
from headwater.store.sql.search.origins import Ids, conjuncts, origin_of
from headwater.store.sql.search.places import place_of
from headwater.store.sql.search.tokens import Position, position_of, query_digest, token_of

FEW: Final = 5_000
"""Below this many nodes from an index, reading and sorting them all beats walking along the sort key."""
ORIGINS: Final = 8
"""How many conditions are considered to start from."""

_NEWEST_FIRST: Final = Order(Field(Scope.ATTRIBUTE, "start_time"), is_descending=True)


class _Part(NamedTuple):
    """A statement that gives some rows of the answer.

    Attributes:
        terms: What it selects beside the id, each with where its key's values begin.
        rank: The rank of the first key that its rows have, when all have the same.
    """

    statement: sa.Select[Any]
    terms: Sequence[tuple[int, Term]]
    rank: int | None


class Search:
    """One page to be read."""

    def __init__(
        self, conn: sa.Connection, dialect: Dialect, entity: Entity, listing: Listing, *, few: int = FEW
    ) -> None:
        """Check the question; `few` nodes are enough to be read one by one.

        Raises:
            InvalidError: the limit, filter, order or page token cannot be right.
        """
        if not 1 <= listing.limit <= MAX_PAGE:
            raise InvalidError(f"a page has 1 to {MAX_PAGE:,} nodes, not {listing.limit}")
        self._conn = conn
        self._limit_of_few = few
        self._dialect = dialect
        self._entity = entity
        self._listing = listing
        self._place = place_of(entity)
        if listing.filter is not None:
            check(listing.filter, entity)
        self._orders = _checked_orders(listing.order_by, entity) or (
            (_NEWEST_FIRST,) if entity is Entity.RUN else ()
        )
        orders, self._falls = _without_id(self._orders)
        self._keys = [key_of(order, self._place, number) for number, order in enumerate(orders)]

    def page(self) -> tuple[list[int], str | None]:
        """Return the ids of the page, and the token of the next one if there is one."""
        digest = query_digest(self._entity, self._listing, self._orders)
        token = self._listing.page_token
        after = None if token is None else position_of(token, digest, self._neutral)
        found: list[tuple[int, Position]] = []
        for part in self._parts(after):
            found += self._run(part, self._listing.limit + 1 - len(found))
            if len(found) > self._listing.limit:
                del found[self._listing.limit :]
                return [node_id for node_id, _ in found], token_of(digest, found[-1][1])
        return [node_id for node_id, _ in found], None

    @cached_property
    def _neutral(self) -> Position:
        return (*(value for key in self._keys for value in key.neutral), 0)

    def _parts(self, after: Position | None) -> Iterator[_Part]:
        """Yield the statements whose rows, one after another, are the answer."""
        first = self._keys[0] if self._keys else None
        few = self._few(first)
        if few is not None:
            if few:
                yield self._statement(after, few=few)
        elif first is None or not first.is_walked:
            yield self._statement(after)
        else:
            begin = 0 if after is None else int(after[0])
            for rank in _ranks_left(self._listing.filter, first):
                if rank >= begin:
                    yield self._statement(after if rank == begin else None, rank=rank)

    def _run(self, part: _Part, limit: int) -> list[tuple[int, Position]]:
        found: list[tuple[int, Position]] = []
        for node_id, *values in self._conn.execute(part.statement.limit(limit)).all():
            position = list(self._neutral)
            if part.rank is not None:
                position[0] = part.rank
            for (offset, term), value in zip(part.terms, values, strict=True):
                position[offset + term.slot] = value
            position[-1] = node_id
            found.append((node_id, tuple(position)))
        return found

    def _statement(
        self, after: Position | None, *, few: Sequence[int] | None = None, rank: int | None = None
    ) -> _Part:
        terms = self._terms(rank)
        walked = self._walked(rank)
        # The same value, but the one that is in the index.
        node_id = walked.node if walked else self._place.id
        columns = [term.expression for _, term in terms]
        statement = (
            sa.select(node_id, *columns)
            .select_from(self._source(rank))
            .where(*self._place.where, *self._conditions(rank))
            .order_by(*(_sorted(term.expression, is_descending=term.is_descending) for _, term in terms))
            .order_by(_sorted(node_id, is_descending=self._falls))
        )
        if walked:
            statement = statement.prefix_with("STRAIGHT_JOIN", dialect="mysql")
        if few is not None:
            statement = statement.where(self._dialect.ids_in(self._place.id, few))
        if after is not None:
            known = [(term, after[offset + term.slot]) for offset, term in terms]
            last = int(after[-1])
            statement = statement.where(is_after(known, node_id, last, is_descending=self._falls))
        return _Part(statement, terms, rank)

    def _terms(self, rank: int | None) -> list[tuple[int, Term]]:
        """Return what is sorted by, each with where its key's values begin."""
        terms: list[tuple[int, Term]] = []
        offset = 0
        for place, key in enumerate(self._keys):
            chosen = key.terms if place or rank is None else key.ranks[rank][1]
            terms += ((offset, term) for term in chosen)
            offset += len(key.neutral)
        return terms

    def _walked(self, rank: int | None) -> Join | None:
        """Return the table that a statement walks along, if it does: its rows have all ranks but the last."""
        return self._keys[0].join if rank is not None and rank < len(self._keys[0].ranks) - 1 else None

    def _source(self, rank: int | None) -> sa.FromClause:
        source, keys = self._place.source, self._keys
        if first := self._walked(rank):
            source, keys = self._place.after(first.table, first.on), keys[1:]
        for key in keys:
            if key.join:
                source = source.outerjoin(key.join.table, key.join.on)
        return source

    def _conditions(self, rank: int | None) -> Iterator[Condition]:
        if not self._listing.with_deleted:
            yield self._place.deleted_ms.is_(None)
        if rank is not None:
            yield self._keys[0].ranks[rank][0]
        for term in conjuncts(self._listing.filter):
            # The row that is sorted by need not be looked up a second time.
            walked = _on_key(term, self._keys[0]) if rank is not None else None
            yield condition_of(term, self._place) if walked is None else walked

    def _few(self, first: Key | None) -> list[int] | None:
        """Return the nodes that may match if an index leads to few of them."""
        walked = first.order.field if first and first.is_walked else None
        origins: list[Ids] = []
        for term in conjuncts(self._listing.filter):
            is_walked = isinstance(term, (Comparison, In, Between)) and term.field == walked
            origin = None if is_walked or len(origins) == ORIGINS else origin_of(term, self._entity)
            if origin is not None:
                origins.append(origin)
        if not origins:
            return None
        counts = [_count(origin, self._limit_of_few) for origin in origins]
        found = tuple(self._conn.execute(sa.select(*counts)).one())
        if min(found) >= self._limit_of_few:
            return None
        best = origins[found.index(min(found))]
        return sorted(set(self._conn.execute(best.limit(self._limit_of_few)).scalars()))


def _count(origin: Ids, limit: int) -> Any:
    bounded = origin.limit(limit).subquery()
    return sa.select(sa.func.count()).select_from(bounded).scalar_subquery()


def _sorted(expression: Any, *, is_descending: bool) -> Any:
    return expression.desc() if is_descending else expression


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
