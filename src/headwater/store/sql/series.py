"""Metric series: chunks appended, read, thinned out and merged."""

import os
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from headwater.errors import InvalidError
from headwater.model.ids import ExecutionId, new_writer_id
from headwater.model.series import Bucket, LastPoint, LatestMetric, Points, SeriesBatch
from headwater.model.values import INT64_MAX, INT64_MIN
from headwater.store.sql import chunks, sampling
from headwater.store.sql.database import Database
from headwater.store.sql.latest import (
    LAST_POINT_COLUMNS,
    LATEST_COLUMNS,
    Latest,
    latest_of,
    metric_of_row,
    points_of_rows,
)
from headwater.store.sql.merging import CHUNK_COLUMNS, CHUNK_POINTS, MERGED_WRITER, Merging
from headwater.store.sql.nodes import LOOKUP_BATCH, Executions
from headwater.store.sql.prepared import Prepared, Rows, padded
from headwater.store.sql.schema import merged_batch, metric_chunk, series
from headwater.store.sql.text import check_length, decode, encode

_Name: TypeAlias = tuple[ExecutionId, str]
"""An execution and a key: they name a series."""
_Part: TypeAlias = tuple[_Name, int, int, Points]
"""Points of a series, with the writer and the number of their batch."""

MERGE_AFTER: Final = 64
"""A series is merged when more chunks smaller than `CHUNK_POINTS` than this are found."""


LOOKED_AT: Final = 1 / 8
"""Share of the writes after which is looked whether their series are crowded: their dearest statement."""


@dataclass(frozen=True, slots=True)
class _Series:
    id: int
    latest: Latest


class _BatchNames:
    """Names batches in the order in which they are stored, as one writer for each process."""

    def __init__(self) -> None:
        self._process, self._writer, self._numbers = os.getpid(), new_writer_id(), count()

    def next(self) -> tuple[int, int]:
        """Return a writer and a number."""
        if self._process != os.getpid():
            # A forked child counts for itself.
            self._process, self._writer, self._numbers = os.getpid(), new_writer_id(), count()
        return self._writer, next(self._numbers)


class SeriesTable:
    """`SeriesStore` in SQL."""

    def __init__(self, db: Database, executions: Executions) -> None:
        self._db = db
        self._executions = executions
        self._names = _BatchNames()
        self._merging = Merging(db)
        dialect, chunk, merged = db.dialect, metric_chunk.c, merged_batch.c
        self._present = Prepared(
            db,
            lambda: sa.select(chunk.series_id, chunk.batch).where(
                dialect.among(chunk.series_id),
                chunk.writer == sa.bindparam("writer"),
                chunk.batch.between(sa.bindparam("low"), sa.bindparam("high")),
            ),
        )
        self._gone = Prepared(
            db,
            lambda: sa.select(merged.series_id, merged.batch).where(
                dialect.among(merged.series_id),
                merged.writer == sa.bindparam("writer"),
            ),
        )
        self._small = Prepared(
            db,
            lambda: (
                sa.select(chunk.series_id)
                .where(dialect.among(chunk.series_id), chunk.count < CHUNK_POINTS)
                .group_by(chunk.series_id)
                .having(sa.func.count() > MERGE_AFTER)
            ),
        )
        self._last = Prepared(
            db,
            lambda: (
                sa.select(series.c.execution_id, series.c.key, *(series.c[n] for n in LAST_POINT_COLUMNS))
                .where(dialect.among(series.c.execution_id))
                .order_by(series.c.execution_id, series.c.key)
            ),
        )
        self._prepared: dict[tuple[int, bool], Prepared] = {}

    def append(self, batches: Sequence[SeriesBatch], /) -> None:
        for batch in batches:
            _check_batch(batch)
        filled = [batch for batch in batches if len(batch.points)]
        if filled:
            self.merge_crowded(self._db.write(lambda conn: self._append(conn, filled)))

    def keys(self, execution_id: ExecutionId, /) -> list[str]:
        statement = sa.select(series.c.key).where(series.c.execution_id == execution_id)
        with self._db.read() as conn:
            return sorted(conn.execute(statement).scalars())

    def latest(
        self, execution_ids: Sequence[ExecutionId], /, *, keys: Sequence[str] | None = None
    ) -> list[LatestMetric]:
        with self._db.read() as conn:
            return self.latest_in(conn, execution_ids, keys)

    def last_points(self, execution_ids: Sequence[ExecutionId], /) -> dict[ExecutionId, list[LastPoint]]:
        if not execution_ids:
            return {}
        with self._db.look() as conn:
            return points_of_rows(self._last.among(conn, execution_ids), execution_ids)

    def latest_in(
        self, conn: sa.Connection, execution_ids: Sequence[int], keys: Sequence[str] | None = None
    ) -> list[LatestMetric]:
        """`latest` inside a running transaction."""
        if keys is not None and not keys:
            return []
        rows = self._rows(conn, execution_ids, keys or (), locks=False)
        found = [metric_of_row(row) for row in rows]
        return found if keys is None else [metric for metric in found if metric.key in keys]

    def read(
        self,
        execution_id: ExecutionId,
        key: str,
        /,
        *,
        min_step: int | None = None,
        max_step: int | None = None,
    ) -> Points:
        statement = (
            sa.select(metric_chunk.c.payload, metric_chunk.c.count)
            .join(series, series.c.id == metric_chunk.c.series_id)
            .where(series.c.execution_id == execution_id, series.c.key == key)
        )
        low = INT64_MIN if min_step is None else min_step
        high = INT64_MAX if max_step is None else max_step
        if low > INT64_MAX or high < INT64_MIN:
            return Points()
        low, high = max(low, INT64_MIN), min(high, INT64_MAX)
        statement = statement.where(metric_chunk.c.max_step >= low, metric_chunk.c.min_step <= high)
        with self._db.read() as conn:
            parts = [(row[0], row[1]) for row in conn.execute(statement)]
        return sampling.between(chunks.unpack_all(parts), low, high)

    def sample(self, execution_id: ExecutionId, key: str, /, *, max_points: int) -> Points:
        if max_points < 2:
            raise InvalidError("a sample needs at least 2 points")
        return sampling.largest_triangles(self.read(execution_id, key), max_points)

    def buckets(
        self,
        execution_id: ExecutionId,
        key: str,
        /,
        *,
        count: int,
        min_step: int | None = None,
        max_step: int | None = None,
    ) -> list[Bucket]:
        if count < 1:
            raise InvalidError("ask for at least 1 bucket")
        return sampling.buckets(self.read(execution_id, key, min_step=min_step, max_step=max_step), count)

    def merge(self, execution_id: ExecutionId, /) -> int:
        with self._db.read() as conn:
            ids = (
                conn.execute(sa.select(series.c.id).where(series.c.execution_id == execution_id))
                .scalars()
                .all()
            )
        return self._merging.merge(ids)

    def add(self, conn: sa.Connection, points: Mapping[tuple[ExecutionId, str], Points]) -> list[int]:
        """Store points that have no batch number, inside a running transaction; return crowded series.

        Args:
            conn: In a transaction that writes.
            points: By execution and key; the keys are good ones by `check_key`, no points are empty.
        """
        if not points:
            return []
        known = self._ensure_series(conn, points)
        # Taken while the series are locked, so that the numbers of each rise in the order of its commits.
        writer, number = self._names.next()
        return self._insert(conn, known, [(name, writer, number, each) for name, each in points.items()])

    def merge_crowded(self, ids: Sequence[int]) -> None:
        """Merge series that `add` found to be crowded, once its transaction is over."""
        self._merging.merge(ids)

    def _append(self, conn: sa.Connection, batches: Sequence[SeriesBatch]) -> list[int]:
        known = self._ensure_series(conn, [(b.execution_id, b.key) for b in batches])
        stored = self._stored_batches(conn, known, batches)
        fresh: list[_Part] = []
        for batch in batches:
            series_id = known[batch.execution_id, batch.key].id
            name = (series_id, batch.writer, batch.batch)
            if name not in stored and batch.batch > stored.get((series_id, batch.writer, None), -1):
                stored[name] = batch.batch
                fresh.append(((batch.execution_id, batch.key), batch.writer, batch.batch, batch.points))
        return self._insert(conn, known, fresh)

    def _insert(
        self, conn: sa.Connection, known: Mapping[_Name, _Series], parts: Sequence[_Part]
    ) -> list[int]:
        """Store parts that are new, and return the series that have become crowded."""
        rows: list[tuple[Any, ...]] = []
        changed: dict[int, Latest] = {}
        for name, writer, batch, points in parts:
            entry, steps = known[name], points.steps
            rows.append((entry.id, writer, batch, len(steps), min(steps), max(steps), chunks.pack(points)))
            changed[entry.id] = changed.get(entry.id, entry.latest).joined(latest_of(points))
        self._db.dialect.insert_rows(conn, metric_chunk, CHUNK_COLUMNS, rows)
        self._update_latest(conn, changed)
        return self._crowded(conn, list(changed))

    def _ensure_series(self, conn: sa.Connection, names: Iterable[_Name]) -> dict[_Name, _Series]:
        wanted = dict.fromkeys(names)
        known = self._load_series(conn, wanted)
        if missing := [name for name in wanted if name not in known]:
            # Held: a run that is being removed for good must not get a series that nobody would find.
            self._executions.require(conn, [execution for execution, _ in missing], holds=True)
            conn.execute(
                self._db.dialect.insert_missing(series, ("execution_id", "key")),
                [
                    {"execution_id": execution, "key": key, **latest_of(Points()).columns()}
                    for execution, key in missing
                ],
            )
            known = self._load_series(conn, wanted)
        return known

    def _load_series(self, conn: sa.Connection, names: Collection[_Name]) -> dict[_Name, _Series]:
        executions = sorted({execution for execution, _ in names})
        rows = self._rows(conn, executions, {key for _, key in names}, locks=True)
        return {(row[0], decode(row[1])): _Series(row[-1], Latest.of_row(row[2:-1])) for row in rows}

    def _rows(
        self, conn: sa.Connection, execution_ids: Sequence[int], keys: Collection[str], *, locks: bool
    ) -> Rows:
        """Read series of some executions with some keys: execution, key, `LATEST_COLUMNS`; id, if locked."""
        known = [encode(key) for key in sorted(keys)]
        # Beyond the limit all keys are read.
        chosen = padded(known) if len(known) <= LOOKUP_BATCH else []
        values = {f"key{i}": key for i, key in enumerate(chosen)}
        return self._of_keys(len(chosen), locks=locks).among(conn, execution_ids, **values)

    def _of_keys(self, places: int, *, locks: bool) -> Prepared:
        """Return the statement for this many keys; 0 reads all."""

        def build() -> sa.Select[Any]:
            c = series.c
            wanted = sa.select(c.execution_id, c.key, *(c[name] for name in LATEST_COLUMNS))
            given = self._db.dialect.among(c.execution_id)
            named = [c.key.in_([sa.bindparam(f"key{i}") for i in range(places)])] if places else []
            chosen = wanted.where(given, *named)
            # Locked in one order, so that two writers of one series add up their counts.
            locked = chosen.add_columns(c.id).order_by(c.id).with_for_update()
            return locked if locks else chosen.order_by(c.execution_id, c.key)

        return self._prepared.setdefault((places, locks), Prepared(self._db, build))

    def _stored_batches(
        self, conn: sa.Connection, known: Mapping[_Name, _Series], batches: Sequence[SeriesBatch]
    ) -> dict[tuple[int, int, int | None], int]:
        """Name the batches that are there: as chunks, or up to the one under None, merged away."""
        ids = sorted({known[b.execution_id, b.key].id for b in batches})
        writers = sorted({b.writer for b in batches})
        numbers = [b.batch for b in batches]
        limits = {"low": min(numbers), "high": max(numbers)}
        found: dict[tuple[int, int, int | None], int] = {}
        for writer in writers:
            for series_id, number in self._present.among(conn, ids, writer=writer, **limits):
                found[series_id, writer, number] = number
            for series_id, number in self._gone.among(conn, ids, writer=writer):
                found[series_id, writer, None] = number
        return found

    def _update_latest(self, conn: sa.Connection, changed: dict[int, Latest]) -> None:
        rows = [(*latest.row(), i) for i, latest in changed.items()]
        self._db.dialect.update_numbers(conn, series, "id", LATEST_COLUMNS, rows)

    def _crowded(self, conn: sa.Connection, ids: Sequence[int]) -> list[int]:
        if random.random() >= LOOKED_AT:
            return []
        return [row[0] for row in self._small.among(conn, ids)]


def check_key(key: str) -> None:
    """Check the key of a series.

    Raises:
        InvalidError: it is empty, or too long.
    """
    check_length("metric name", key, least=1)


def _check_batch(batch: SeriesBatch) -> None:
    check_key(batch.key)
    if not MERGED_WRITER < batch.writer <= INT64_MAX or not 0 <= batch.batch <= INT64_MAX:
        raise InvalidError("a batch needs a writer above 0 and a number of at least 0, both within 64 bits")
