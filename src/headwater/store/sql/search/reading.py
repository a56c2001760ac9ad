"""One page: the plan's statements run, each compiled once for all searches of its shape."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Any, Final, NamedTuple, cast

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

REPLANNED: Final = 500
"""From so many ids on, planning anew how they are sorted costs less than a plan that is made for few."""


VAIN_S: Final = 5.0
"""For so long a search that no origin leads to few nodes is not counted anew: mostly for its next pages."""


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
        last: The values of the last search that an origin led to few nodes, and that origin.
        vain: The values of the last search that none led to few, how many are few, and when that was seen.
    """

    def __init__(self, db: Database, plan: Plan) -> None:
        self._db, self.plan = db, plan
        self._parts: dict[tuple[int | None, int | None], tuple[Part, _Statement]] = {}
        self.counts = self._compiled(plan.counts()) if plan.origins else None
        self.step = 0
        self.last: tuple[Values, int] | None = None
        self.vain: tuple[Values, int, float] | None = None
        self._origins: dict[int, _Statement] = {}
        self._totals: dict[int | None, _Statement] = {}
        self._sorted: dict[tuple[int, bool], tuple[Part, _Statement] | None] = {}
        self._among: dict[tuple[int, bool], tuple[Part, _Statement]] = {}

    def lead(self, values: Values) -> int | None:
        """Return the origin that a search starts from before anything is counted, if there is one.

        There is no other, or the search is asked again: mostly for its next page.
        """
        only = 0 if len(self.plan.origins) == 1 else None
        number = self.last[1] if self.last is not None and self.last[0] == values else only
        return None if number is None or self.plan.origins[number].is_walked else number

    def is_vain(self, values: Values, few: int) -> bool:
        """Tell whether a search is asked again that no origin led to few nodes a moment ago."""
        if self.vain is None:
            return False
        counted, most, seen_s = self.vain
        return counted == values and few <= most and monotonic() < seen_s + VAIN_S

    def origin(self, number: int) -> _Statement:
        """Return the statement of one origin."""
        if number not in self._origins:
            ids = self._db.dialect.listing(self.plan.origins[number].ids)
            self._origins[number] = self._compiled(ids)
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

    def among(self, origin: int, *, are_sorted: bool) -> tuple[Part, _Statement]:
        """Return what gives those of some nodes that meet the filter."""
        key = (origin, are_sorted)
        if key not in self._among:
            part = self.plan.among(origin, are_sorted=are_sorted)
            self._among[key] = part, self._compiled(part.statement)
        return self._among[key]

    def sorted_few(self, rank: int, few: int) -> tuple[Part, _Statement] | None:
        """Return what sorts so many nodes, if there is something to sort a rank by."""
        # By their rows one by one, or along the index: that depends on how many they are.
        key = (rank, few >= REPLANNED)
        if key not in self._sorted:
            part = self.plan.sorted_few(rank)
            self._sorted[key] = part and (part, self._compiled(part.statement, replans=key[1]))
        return self._sorted[key]

    def _compiled(self, statement: sa.Select[Any], *, replans: bool = False) -> _Statement:
        prepared = Prepared(self._db, lambda: statement, replans=replans)
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
            columns: What is wanted of the node's place, beside its id.

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

        They have the id and the columns that are wanted.
        """
        token, limit = self._listing.page_token, self._listing.limit
        after = None if token is None else position_of(token, self._digest(), self._shape.plan.neutral)
        found: list[Sequence[Any]] = []
        last: Position | None = None
        for part, read in self._parts(after):
            rows = read(limit + 1 - len(found))
            if rows and len(found) < limit:
                last = self._position(part, rows[: limit - len(found)][-1])
            found += [(row[0], *row[1 + len(part.slots) :]) for row in rows] if part.slots else rows
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
        is_lazy = origin is not None and plan.is_lazy and len(few) > self._listing.limit
        if not is_lazy and (origin is not None or not plan.is_walked):
            yield self._part(after, origin=origin, few=few)
            return
        begin = 0 if after is None else int(after[0])
        for rank in plan.ranks:
            if rank < begin:
                continue
            behind = after if rank == begin else None
            if origin is None:
                yield self._part(behind, rank=rank)
            else:
                yield from self._sorted(origin, few, rank, behind)

    def _slices(
        self, origin: int, few: Sequence[int], after: int | None
    ) -> Iterator[tuple[Part, Callable[[int], Rows]]]:
        """Yield parts of the answer from ids that are in its order already."""
        part, statement = self._shape.among(origin, are_sorted=False)
        falls = self._shape.plan.falls
        left = few[::-1] if falls else few
        if after is not None:
            left = [i for i in left if (i < after if falls else i > after)]
        yield from self._sliced(
            part, statement, lambda begin, size: [(i,) for i in left[begin : begin + size]]
        )

    def _sorted(
        self, origin: int, few: Sequence[int], rank: int, after: Position | None
    ) -> Iterator[tuple[Part, Callable[[int], Rows]]]:
        """Yield parts of the answer from ids that are sorted first."""
        sorting = self._sorting(rank, after, few)
        if sorting is None:
            yield self._part(after, origin=origin, few=few, rank=rank)
            return
        part, read = sorting
        _, statement = self._shape.among(origin, are_sorted=True)
        yield from self._sliced(part, statement, read)

    def _sliced(
        self, part: Part, statement: _Statement, read: Callable[[int, int], Rows]
    ) -> Iterator[tuple[Part, Callable[[int], Rows]]]:
        """Yield parts of the answer from what `read` gives in its order; each asks of twice as many."""
        begin, size = 0, self._listing.limit + 1
        while rows := read(begin, size):
            yield part, partial(self._meeting, statement, rows)
            if len(rows) < size:
                return
            begin, size = begin + size, 2 * size

    def _sorting(
        self, rank: int, after: Position | None, few: Sequence[int]
    ) -> tuple[Part, Callable[[int, int], Rows]] | None:
        """Return what reads nodes of a rank in their order, behind some of them; None where none have any."""
        ids = self._db.dialect.pack_ids(few)
        if after is not None:
            later = self._plan(self._listing).sorted_few(rank, after)
            return later and (
                _decoded(later),
                lambda begin, limit: self._later(
                    later.statement, {"ids": ids, "page_begin": begin, "page_limit": limit}
                ),
            )
        found = self._shape.sorted_few(rank, len(few))
        return found and (
            found[0],
            lambda begin, limit: found[1].rows(
                self._conn, self._values, ids=ids, page_begin=begin, page_limit=limit
            ),
        )

    def _meeting(self, statement: _Statement, rows: Rows, limit: int) -> Rows:
        """Return those of sorted rows whose nodes meet the rest of the filter, with the plan's columns."""
        ids = self._db.dialect.pack_ids([row[0] for row in rows])
        found = {row[0]: row[1:] for row in statement.rows(self._conn, self._values, ids=ids)}
        return [(*row, *found[row[0]]) for row in rows if row[0] in found][:limit]

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
        return _decoded(part), lambda limit: self._later(part.statement, {"page_limit": limit, **given})

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
        shape = self._shape
        if shape.counts is None or shape.is_vain(self._values, self._limit_of_few):
            return None, []
        steps = [*(step for step in COUNTED if step < self._limit_of_few), self._limit_of_few]
        # Searches of one shape mostly lead to as many nodes as the one before.
        step = min(shape.step, len(steps) - 1)
        lead = shape.lead(self._values)
        if lead is not None and step < len(COUNTED):
            ids = self._ids(lead, steps[step])
            if len(ids) < steps[step]:
                return lead, sorted({*ids})
        for limit in steps[step:]:
            found = shape.counts.rows(self._conn, self._values, few=limit)[0]
            fewest = min(found)
            if fewest < limit:
                number = list(found).index(fewest)
                shape.step, shape.last = sum(step <= fewest for step in steps), (self._values, number)
                if shape.plan.origins[number].is_walked:
                    # The walk itself meets the fewest nodes.
                    return None, []
                return number, sorted({*self._ids(number, limit)})
        shape.step, shape.last = len(steps) - 1, None
        shape.vain = self._values, self._limit_of_few, monotonic()
        return None, []

    def _ids(self, number: int, limit: int) -> list[int]:
        """Return the nodes that an origin leads to, some of them twice, and no more than a limit."""
        rows = self._shape.origin(number).rows(self._conn, self._values, few=limit)
        return self._db.dialect.unpack_ids(rows)


def _decoded(part: Part) -> Part:
    """Return a part whose values come decoded."""
    return part._replace(slots=[(slot, False) for slot, _ in part.slots])
