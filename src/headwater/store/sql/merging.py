"""Merging: the many small chunks of a series become few large ones."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import sqlalchemy as sa

from headwater.model.series import Points
from headwater.store.sql import chunks, sampling
from headwater.store.sql.database import Database
from headwater.store.sql.prepared import Prepared, Rows
from headwater.store.sql.schema import merged_batch, metric_chunk, series

MERGED_WRITER: Final = 0
CHUNK_POINTS: Final = 4096
"""A merged chunk holds this many points."""
AT_ONCE: Final = 8
"""How many series one transaction merges: what it holds in memory and locks has a bound."""
CHUNK_COLUMNS: Final = ("series_id", "writer", "batch", "count", "min_step", "max_step", "payload")
_NOTE_COLUMNS: Final = ("series_id", "writer", "batch")


class Merging:
    """Merges series of one store."""

    def __init__(self, db: Database) -> None:
        self._db = db
        chunk = metric_chunk.c
        among = db.dialect.among
        self._lock = Prepared(
            db,
            lambda: sa.select(series.c.id).where(among(series.c.id)).order_by(series.c.id).with_for_update(),
        )
        self._small = Prepared(
            db,
            lambda: (
                sa.select(chunk.series_id, chunk.writer, chunk.batch, chunk.payload, chunk.count)
                .where(among(chunk.series_id), chunk.count < CHUNK_POINTS)
                .order_by(chunk.series_id)
            ),
        )
        # One by one: MariaDB looks at all rows for a DELETE with a subquery.
        self._remove_small = Prepared(
            db,
            lambda: sa.delete(metric_chunk).where(
                chunk.series_id == sa.bindparam("series"), chunk.count < CHUNK_POINTS
            ),
        )
        self._note = Prepared(
            db,
            lambda: db.dialect.upsert(merged_batch, ("series_id", "writer")).values(
                {name: sa.bindparam(name) for name in _NOTE_COLUMNS}
            ),
        )
        self._last = Prepared(
            db,
            lambda: (
                sa.select(chunk.series_id, sa.func.max(chunk.batch))
                .where(among(chunk.series_id), chunk.writer == MERGED_WRITER)
                .group_by(chunk.series_id)
            ),
        )
        self._totals = Prepared(
            db,
            lambda: (
                sa.select(chunk.series_id, sa.func.sum(chunk.count), sa.func.count())
                .where(among(chunk.series_id))
                .group_by(chunk.series_id)
            ),
        )

    def merge(self, ids: Sequence[int]) -> int:
        """Merge series, some in each transaction, and return how many chunks they have now."""
        ordered = sorted(ids)
        parts = (ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE))
        return sum(self._db.write(lambda conn, part=part: self._merge(conn, part)) for part in parts)

    def _merge(self, conn: sa.Connection, ids: Sequence[int]) -> int:
        self._lock.among(conn, ids)
        small = {i: [*rows] for i, rows in groupby(self._small.among(conn, ids), key=itemgetter(0))}
        many = {i: rows for i, rows in small.items() if len(rows) > 1}
        if many:
            merged = {
                i: chunks.unpack_all((payload, points) for *_, payload, points in rows)
                for i, rows in many.items()
            }
            self._remove_small.run_many(conn, ("series",), [(i,) for i in many])
            names = [name for rows in many.values() for name in _newest_names(rows)]
            self._note.run_many(conn, _NOTE_COLUMNS, names)
            self._insert(conn, merged)
        totals = {i: (int(points), left) for i, points, left in self._totals.among(conn, ids)}
        counts = [(totals.get(i, (0, 0))[0], i) for i in ids]
        self._db.dialect.update_numbers(conn, series, "id", ("count",), counts)
        return sum(left for _, left in totals.values())

    def _insert(self, conn: sa.Connection, merged: dict[int, Points]) -> None:
        last = {row[0]: row[1] for row in self._last.among(conn, [*merged])}
        rows: list[tuple[Any, ...]] = []
        for series_id, points in merged.items():
            number = last.get(series_id, -1)
            for start in range(0, len(points), CHUNK_POINTS):
                part, number = sampling.sliced(points, start, start + CHUNK_POINTS), number + 1
                bounds = (len(part), part.steps[0], part.steps[-1])
                rows.append((series_id, MERGED_WRITER, number, *bounds, chunks.pack(part)))
        self._db.dialect.insert_rows(conn, metric_chunk, CHUNK_COLUMNS, rows)


def _newest_names(rows: Rows) -> list[tuple[int, int, int]]:
    """Return the newest batch of each writer among one series' chunks: what is sent again is known by it."""
    newest: dict[int, int] = defaultdict(lambda: -1)
    for _, writer, batch, *_ in rows:
        if writer != MERGED_WRITER:
            newest[writer] = max(newest[writer], batch)
    return [(rows[0][0], writer, batch) for writer, batch in newest.items()]
