"""Edges in memory: read out of the database once, and kept up with by the newest events."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Final

import numpy as np

from headwater.provenance.adjacency import NO_EDGES, Adjacency, Edges
from headwater.store.sql.database import Database
from headwater.store.sql.dialects import Row

MARGIN_S: Final = 60.0
"""How far back each look at the newest events begins.

An event carries the time at which its transaction began to write, and is seen when that commits. Between
the two lie the transaction's own length, its waits for locks (a few seconds at most), and the difference
between the clocks of two machines: a minute covers them with room to spare, and costs reading one minute's
events again.
"""
RECOUNT_S: Final = 300.0
"""How often all events are counted, to notice those that were stored with a time long past."""
_EVENTS: Final = "SELECT execution_id, artifact_id, type FROM event"


class EdgesInMemory:
    """The edges of one database, at most so old.

    Args:
        db: The database.
        max_age_s: Oldest that an answer may be; 0 looks for new events before each one.
        recount_s: How often to look for events that were stored with a time long past.
        monotonic_s: Gives the time for ages.
    """

    def __init__(
        self,
        db: Database,
        *,
        max_age_s: float,
        recount_s: float = RECOUNT_S,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db, self._max_age_s, self._recount_s = db, max_age_s, recount_s
        self._monotonic_s = monotonic_s
        self._lock, self._process = threading.Lock(), os.getpid()
        self._load()

    def adjacency(self) -> Adjacency:
        """Return the edges, brought up to date if they are too old.

        Raises:
            UnavailableError: the database cannot be reached.
        """
        if self._process != os.getpid():
            # The parent may have held the lock at the moment of the fork.
            self._lock, self._process = threading.Lock(), os.getpid()
        with self._lock:
            if self._monotonic_s() - self._checked_s >= self._max_age_s:
                self._catch_up()
            return self._edges

    def _load(self) -> None:
        started_s, since_ms = self._monotonic_s(), self._db.clock_ms()
        with self._db.read() as conn:
            self._edges = Adjacency(_columns(self._db.dialect.stream(conn, _EVENTS)))
        self._checked_s = self._counted_s = started_s
        self._since_ms = since_ms

    def _catch_up(self) -> None:
        started_s, since_ms = self._monotonic_s(), self._db.clock_ms()
        first_ms = self._since_ms - int(MARGIN_S * 1000)
        wants_count = started_s - self._counted_s >= self._recount_s
        with self._db.read() as conn:
            newest = _columns(self._db.dialect.stream(conn, f"{_EVENTS} WHERE time_ms >= {first_ms}"))
            count = conn.exec_driver_sql("SELECT count(*) FROM event").scalar_one() if wants_count else None
        self._edges = self._edges.extended(newest)
        if count is not None and count != self._edges.count:
            self._load()
            return
        self._counted_s = started_s if wants_count else self._counted_s
        self._checked_s, self._since_ms = started_s, since_ms


def _columns(pieces: Iterable[Sequence[Row]]) -> Edges:
    """Turn the driver's own rows into columns, piece by piece."""
    parts: list[Edges] = []
    for rows in pieces:
        numbers = np.fromiter(chain.from_iterable(rows), np.int64, 3 * len(rows)).reshape(-1, 3)
        parts.append(Edges(numbers[:, 0].copy(), numbers[:, 1].copy(), numbers[:, 2].astype(np.int8)))
    return Edges.joined(parts or [NO_EDGES])
