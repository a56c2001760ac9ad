"""Metric series as they were at a moment: the points that had been taken by then."""

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from headwater.model.ids import ExecutionId
from headwater.model.series import LastPoint, LatestMetric, Points
from headwater.store.sql import chunks
from headwater.store.sql.latest import latest_of, metric_of
from headwater.store.sql.schema import metric_chunk, series
from headwater.store.sql.series import SeriesTable


class PastSeries(SeriesTable):
    """`SeriesStore` of a past moment: what a row of `series` sums up is summed up again from the points."""

    def keys(self, execution_id: ExecutionId, /) -> list[str]:
        return [metric.key for metric in self.latest([execution_id])]

    def last_points(self, execution_ids: Sequence[ExecutionId], /) -> dict[ExecutionId, list[LastPoint]]:
        found: dict[ExecutionId, list[LastPoint]] = {i: [] for i in execution_ids}
        for metric in self.latest(execution_ids):
            found[metric.execution_id].append(metric.last_point)
        return found

    def latest_in(
        self, conn: sa.Connection, execution_ids: Sequence[int], keys: Sequence[str] | None = None
    ) -> list[LatestMetric]:
        statement = sa.select(series.c.id, series.c.execution_id, series.c.key).where(
            self._db.dialect.ids_in(series.c.execution_id, execution_ids)
        )
        if keys is not None:
            statement = statement.where(series.c.key.in_(keys))
        rows = conn.execute(statement.order_by(series.c.execution_id, series.c.key)).all()
        points = self._points(conn, [row.id for row in rows])
        return [
            metric_of(row.execution_id, row.key, latest_of(points[row.id]))
            for row in rows
            if len(points.get(row.id, ()))
        ]

    def read(
        self,
        execution_id: ExecutionId,
        key: str,
        /,
        *,
        min_step: int | None = None,
        max_step: int | None = None,
    ) -> Points:
        whole = super().read(execution_id, key, min_step=min_step, max_step=max_step)
        return self._until(whole)

    def _points(self, conn: sa.Connection, ids: Sequence[int]) -> dict[int, Points]:
        chunk = metric_chunk.c
        rows = conn.execute(
            sa.select(chunk.series_id, chunk.payload, chunk.count.label("points")).where(
                self._db.dialect.ids_in(chunk.series_id, ids)
            )
        )
        parts: dict[int, list[Points]] = {}
        for row in rows:
            parts.setdefault(row.series_id, []).append(chunks.unpack(row.payload, row.points))
        return {series_id: self._until(chunks.concatenated(found)) for series_id, found in parts.items()}

    def _until(self, points: Points) -> Points:
        steps, times, values = chunks.columns(points)
        taken = times <= np.int64(self._db.at_ms or 0)
        return chunks.points_of(steps[taken], times[taken], values[taken])
