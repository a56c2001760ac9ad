"""Edges that come from another store, with the times that they have there."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from headwater.model.graph import Association, Attribution, Event, ParentContext
from headwater.store.sql.database import Database
from headwater.store.sql.links import EVENT_COLUMNS, path_text
from headwater.store.sql.locks import PARENTS, lock
from headwater.store.sql.prepared import Prepared
from headwater.store.sql.schema import (
    artifact,
    association,
    attribution,
    context,
    event,
    execution,
    parent_context,
)
from headwater.store.sql.text import encode_optional

Membership: TypeAlias = Attribution | Association | ParentContext
Pair: TypeAlias = tuple[int, int]

_ENDS: Final = {
    attribution: (context, artifact),
    association: (context, execution),
    parent_context: (context, context),
}
"""Where the two ends of a membership are kept, in the order of its key."""


class EdgeTransfer:
    """Takes edges over."""

    def __init__(self, db: Database) -> None:
        self._db = db
        key = ("execution_id", "type", "artifact_id")
        self._events = self._given(event.c.execution_id, *(event.c[name] for name in key))
        self._pairs = {table: self._pairs_of(table) for table in _ENDS}
        self._made = {
            table: self._given(table.c.id, table.c.id, table.c.created_ms)
            for table in (artifact, execution, context)
        }

    def _pairs_of(self, table: sa.Table) -> Prepared:
        first, second = table.primary_key
        # By the second end: many contexts have a million artifacts, no artifact is in a million contexts.
        return self._given(second, first, second)

    def _given(self, by: sa.ColumnElement[Any], *columns: sa.ColumnElement[Any]) -> Prepared:
        """Prepare rows in which one column is among some ids."""
        return Prepared(self._db, lambda: sa.select(*columns).where(self._db.dialect.among(by)))

    def take_events(self, events: Sequence[Event]) -> int:
        """Store events that are not here yet, and return how many."""
        return self._db.write(lambda conn: self._take_events(conn, events))

    def take_memberships(self, links: Sequence[Membership]) -> int:
        """Store memberships that are not here yet, and return how many."""
        return self._db.write(lambda conn: sum(self._take_pairs(conn, *part) for part in _by_table(links)))

    def _take_events(self, conn: sa.Connection, events: Sequence[Event]) -> int:
        here = self._events_here(conn, events)
        missing = {key: each for each in events if (key := _event_key(each)) not in here}
        now = self._db.clock_ms()
        rows = [
            (*key, encode_optional(path_text(each.path)), now if each.time_ms is None else each.time_ms)
            for key, each in missing.items()
        ]
        self._db.dialect.insert_rows(conn, event, EVENT_COLUMNS, rows)
        return len(rows)

    def _events_here(self, conn: sa.Connection, events: Iterable[Event]) -> set[tuple[Any, ...]]:
        ids = sorted({each.execution_id for each in events})
        return {tuple(row) for row in self._events.among(conn, ids)} if ids else set()

    def _take_pairs(self, conn: sa.Connection, table: sa.Table, pairs: Sequence[Pair]) -> int:
        if table is parent_context:
            # Two links stored at once could close a cycle that neither sees.
            lock(conn, PARENTS)
        missing = sorted(set(pairs) - self._pairs_here(conn, table, pairs))
        first, second = (
            self._times(conn, end, {pair[i] for pair in missing}) for i, end in enumerate(_ENDS[table])
        )
        rows = [(a, b, max(first[a], second[b])) for a, b in missing if a in first and b in second]
        self._db.dialect.insert_rows(conn, table, table.columns.keys(), rows)
        return len(rows)

    def _pairs_here(self, conn: sa.Connection, table: sa.Table, pairs: Iterable[Pair]) -> set[Pair]:
        ids = sorted({pair[1] for pair in pairs})
        return {(row[0], row[1]) for row in self._pairs[table].among(conn, ids)} if ids else set()

    def _times(self, conn: sa.Connection, table: sa.Table, ids: Iterable[int]) -> dict[int, int]:
        wanted = sorted(ids)
        return {row[0]: row[1] for row in self._made[table].among(conn, wanted)} if wanted else {}


def _by_table(links: Iterable[Membership]) -> Iterable[tuple[sa.Table, list[Pair]]]:
    pairs: dict[sa.Table, list[Pair]] = {table: [] for table in _ENDS}
    for link in links:
        match link:
            case Attribution():
                pairs[attribution].append((link.context_id, link.artifact_id))
            case Association():
                pairs[association].append((link.context_id, link.execution_id))
            case ParentContext():
                pairs[parent_context].append((link.child_id, link.parent_id))
    return [(table, found) for table, found in pairs.items() if found]


def _event_key(each: Event) -> tuple[int, int, int]:
    return each.execution_id, int(each.type), each.artifact_id
