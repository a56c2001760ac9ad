"""Does the row of each metric series say what its chunks hold?"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa

from headwater.errors import CorruptError
from headwater.store.sql import chunks
from headwater.store.sql.latest import LATEST_COLUMNS, Latest, latest_of
from headwater.store.sql.schema import metric_chunk, series

_PAGE: Final = 200


def wrong_series(conn: sa.Connection, *, is_deep: bool) -> list[int]:
    """Return the series whose row is wrong: by count and newest step, or `is_deep` by every point."""
    found = {row.id for row in conn.execute(_with_wrong_sums())}
    if is_deep:
        found |= {
            i for i, stored, points in _each(conn) if points is None or stored.columns() != points.columns()
        }
    return sorted(found)


def repair(conn: sa.Connection, *, is_deep: bool) -> None:
    """Work out again what the rows of wrong series say; chunks that cannot be read stay as they are."""
    for series_id in wrong_series(conn, is_deep=is_deep):
        conn.execute(sa.select(series.c.id).where(series.c.id == series_id).with_for_update())
        for _, _, derived in _each(conn, series_id):
            if derived is not None:
                changed = sa.update(series).where(series.c.id == series_id)
                conn.execute(changed.values(derived.columns()))


def _with_wrong_sums() -> sa.Select[Any]:
    chunk = metric_chunk.c
    sums = (
        sa.select(
            chunk.series_id,
            sa.func.sum(chunk.count).label("points"),
            sa.func.max(chunk.max_step).label("newest"),
        )
        .group_by(chunk.series_id)
        .subquery()
    )
    wrong = sa.or_(
        sa.func.coalesce(sums.c.points, 0) != series.c.count,
        sa.and_(sums.c.newest.is_not(None), sums.c.newest != series.c.step),
    )
    return sa.select(series.c.id).outerjoin(sums, sums.c.series_id == series.c.id).where(wrong)


def _each(conn: sa.Connection, only: int | None = None) -> Iterator[tuple[int, Latest, Latest | None]]:
    """Yield each series with what its row says and what its chunks say; None when they cannot be read."""
    chunk = metric_chunk.c
    last = -1
    while True:
        wanted = series.c.id > last if only is None else sa.and_(series.c.id == only, series.c.id > last)
        columns = (series.c.id, *(series.c[name] for name in LATEST_COLUMNS))
        rows = conn.execute(sa.select(*columns).where(wanted).order_by(series.c.id).limit(_PAGE)).all()
        if not rows:
            return
        low, last = rows[0].id, rows[-1].id
        mine = sa.select(chunk.series_id, chunk.payload, chunk.count.label("points"))
        payloads = conn.execute(mine.where(chunk.series_id.between(low, last)).order_by(chunk.series_id))
        by_series = {i: [*group] for i, group in groupby(payloads, key=lambda row: row.series_id)}
        for row in rows:
            yield row.id, Latest.of_row(row[1:]), _derived(by_series.get(row.id, []))


def _derived(rows: list[Any]) -> Latest | None:
    try:
        parts = [chunks.unpack(row.payload, row.points) for row in rows]
    except CorruptError:
        return None
    # The row counts points that were sent twice until a merge drops them.
    return replace(latest_of(chunks.concatenated(parts)), count=sum(len(part) for part in parts))
