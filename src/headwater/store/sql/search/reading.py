"""One page: the plan's statements run, each compiled once for all searches of its shape."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import sqlalchemy as sa

from headwater.errors import InvalidError
from headwater.model.filters import Entity
from headwater.model.listing import MAX_PAGE, Listing
from headwater.store.sql.database import Database
from headwater.store.sql.prepared import Prepared, Rows
from headwater.store.sql.search.conditions import check
from headwater.store.sql.search.plan import COUNTED, FEW, Part, Plan, orders_of
from headwater.store.sql.search.shapes import Values, shape_of, slots_of
from headwater.store.sql.search.tokens import Position, position_of, query_digest, token_of
from headwater.store.sql.text import decode


class _Statement(NamedTuple):
    """A compiled statement, and which of its parameters are values of the filter."""

    prepared: Prepared
    slots: dict[str, tuple[int, type[float] | None]]

    def rows(self, conn: sa.Connection, values: Values, **others: Any) -> Rows:
        given = {
            name: values[number] if kind is None else kind(cast(float, values[number]))
            for name, (number, kind) in self.slots.items()
        }
        return self.prepared.rows(conn, **given, **others)


class Shape:
    """The plan of all searches that differ in nothing but values, and its statements as they are needed.

    Attributes:
        counts: The statement of `Plan.counts`, if there is one.
        step: How many of the counts would have been in vain for the last search.
    """

    def __init__(self, db: Database, plan: Plan) -> None:
        self._db, self.plan = db, plan
        self._parts: dict[tuple[int | None, int | None], tuple[Part, _Statement]] = {}
        self.counts = self._compiled(plan.counts()) if plan.origins else None
        self.step = 0
        self._origins: dict[int, _Statement] = {}
        self._totals: dict[int | None, _Statement] = {}

    def origin(self, number: int) -> _Statement:
        """Return the statement of one origin."""
        if number not in self._origins:
            self._origins[number] = self._compiled(self.plan.origins[number].ids)
        return self._origins[number]

    def total(self, origin: int | None) -> _Statement:
        """Return the statement that counts the answer."""
        if origin not in self._totals:
            self._totals[origin] = self._compiled(self.plan.count(origin=origin))
        return self._totals[origin]

    def part(self, *, origin: int | None, rank: int | None) -> tuple[Part, _Statement]:
        """Return one part of the answer."""
        if (origin, rank) not in self._parts:
            part = self.plan.part(origin=origin, rank=rank)
            self._parts[origin, rank] = part, self._compiled(part.statement)
        return self._parts[origin, rank]

    def _compiled(self, statement: sa.Select[Any]) -> _Statement:
        prepared = Prepared(self._db, lambda: statement)
        return _Statement(prepared, slots_of(prepared.fixed))


class Search:
    """One page to be read."""

    def __init__(
        self,
        conn: sa.Connection,
        db: Database,
        entity: Entity,
        listing: Listing,
        *,
        few: int = FEW,
        columns: tuple[str, ...] = (),
    ) -> None:
        """Check the question.

        Args:
            conn: In a transaction.
            db: That of `conn`.
            entity: What is listed.
            listing: Filter, order and page.
            few: So many nodes are enough to be read one by one.
            columns: What is wanted of the node's table.

        Raises:
            InvalidError: the limit, filter, order or page token cannot be right.
        """
        if not 1 <= listing.limit <= MAX_PAGE:
            raise InvalidError(f"a page has 1 to {MAX_PAGE:,} nodes, not {listing.limit}")
        if listing.filter is not None:
            check(listing.filter, entity)
        self._conn, self._db, self._entity, self._listing = conn, db, entity, listing
        self._limit_of_few, self._columns = few, columns
        marked, self._values = shape_of(listing.filter)
        self._marked = replace(listing, filter=marked, limit=1, page_token=None)
        key = (Search, entity, marked, tuple(listing.order_by), listing.with_deleted, columns)
        self._shape = db.remembered(key, lambda: Shape(db, self._plan(self._marked)))

    def page(self) -> tuple[Rows, str | None]:
        """Return the rows of the page, and the token of the next one if there is one.

        They have the columns that are wanted; without any, they begin with the id.
        """
        token, limit = self._listing.page_token, self._listing.limit
        after = None if token is None else position_of(token, self._digest(), self._shape.plan.neutral)
        found: list[Sequence[Any]] = []
        last: Position | None = None
        for part, read in self._parts(after):
            rows = read(limit + 1 - len(found))
            if rows and len(found) < limit:
                last = self._position(part, rows[: limit - len(found)][-1])
            found += [row[1 + len(part.slots) :] for row in rows] if self._columns else rows
            if len(found) > limit and last is not None:
                return found[:limit], token_of(self._digest(), last)
        return found, None

    def count(self, limit: int) -> int:
        """Return how many nodes all pages have together, counted up to a limit."""
        origin, few = self._few()
        if origin is not None and not few:
            return 0
        given: dict[str, Any] = {} if origin is None else {"ids": self._db.dialect.pack_ids(few)}
        return self._shape.total(origin).rows(self._conn, self._values, count_limit=limit, **given)[0][0]

    def _plan(self, listing: Listing) -> Plan:
        return Plan(self._db.dialect, self._entity, listing, self._columns)

    def _digest(self) -> str:
        return query_digest(self._entity, self._listing, orders_of(self._listing, self._entity))

    def _parts(self, after: Position | None) -> Iterator[tuple[Part, Callable[[int], Rows]]]:
        """Yield what gives the answer, one after another: each reads up to so many rows."""
        plan = self._shape.plan
        origin, few = self._few()
        if origin is not None and not few:
            return
        if origin is not None and plan.is_by_id:
            yield from self._slices(origin, few, None if after is None else int(after[-1]))
            return
        by_rank = plan.is_walked if origin is None else plan.is_lazy and len(few) > self._listing.limit
        if not by_rank:
            yield self._part(after, origin=origin, few=few)
            return
        begin = 0 if after is None else int(after[0])
        for rank in plan.ranks:
            if rank >= begin:
                yield self._part(after if rank == begin else None, origin=origin, few=few, rank=rank)

    def _slices(
        self, origin: int, few: Sequence[int], after: int | None
    ) -> Iterator[tuple[Part, Callable[[int], Rows]]]:
        """Yield parts of the answer from ids that are in its order already; each asks of twice as many."""
        falls = self._shape.plan.falls
        left = few[::-1] if falls else few
        if after is not None:
            left = [i for i in left if (i < after if falls else i > after)]
        begin, size = 0, 2 * self._listing.limit
        while begin < len(left):
            yield self._part(None, origin=origin, few=left[begin : begin + size])
            begin, size = begin + size, 2 * size

    def _part(
        self,
        after: Position | None,
        *,
        origin: int | None = None,
        few: Sequence[int] = (),
        rank: int | None = None,
    ) -> tuple[Part, Callable[[int], Rows]]:
        given: dict[str, Any] = {} if origin is None else {"ids": self._db.dialect.pack_ids(few)}
        if after is None:
            part, statement = self._shape.part(origin=origin, rank=rank)
            return part, lambda limit: statement.rows(self._conn, self._values, page_limit=limit, **given)
        # Later pages are rare, and their conditions depend on where the page before ended.
        part = self._plan(self._listing).part(after, origin=origin, rank=rank)
        decoded = part._replace(slots=[(slot, False) for slot, _ in part.slots])
        return decoded, lambda limit: self._later(part.statement, {"page_limit": limit, **given})

    def _later(self, statement: sa.Select[Any], given: dict[str, Any]) -> Rows:
        return [tuple(row) for row in self._conn.execute(statement, given)]

    def _position(self, part: Part, row: Sequence[Any]) -> Position:
        position = list(self._shape.plan.neutral)
        if part.rank is not None:
            position[0] = part.rank
        for (slot, is_text), value in zip(part.slots, row[1:], strict=False):
            position[slot] = decode(value) if is_text else value
        position[-1] = row[0]
        return tuple(position)

    def _few(self) -> tuple[int | None, list[int]]:
        """Return the nodes that may match, and which origin gave them, if one leads to few."""
        counts = self._shape.counts
        if counts is None:
            return None, []
        most = self._limit_of_few
        steps = [*(step for step in COUNTED if step < most), most]
        # Searches of one shape mostly lead to as many nodes as the one before.
        for limit in steps[min(self._shape.step, len(steps) - 1) :]:
            found = counts.rows(self._conn, self._values, few=limit)[0]
            if min(found) < limit:
                self._shape.step = sum(step <= min(found) for step in steps)
                return self._from(list(found).index(min(found)), limit)
        self._shape.step = len(steps) - 1
        return None, []

    def _from(self, number: int, limit: int) -> tuple[int | None, list[int]]:
        """Return the nodes that an origin leads to, and its number."""
        if self._shape.plan.origins[number].is_walked:
            # The walk itself meets the fewest nodes.
            return None, []
        rows = self._shape.origin(number).rows(self._conn, self._values, few=limit)
        return number, sorted({row[0] for row in rows})
