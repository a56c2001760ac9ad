"""The newest point and the range of a series, and how they stand in its row."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from headwater.model.ids import ExecutionId
from headwater.model.series import LastPoint, LatestMetric, Points
from headwater.store.sql.chunks import columns
from headwater.store.sql.entities import opened
from headwater.store.sql.text import decode
from headwater.store.sql.values import split_infinity

_VALUE, _MIN, _MAX = 1, 2, 4
"""Bits of the `infinite` column."""

LATEST_COLUMNS: Final = ("step", "time_ms", "value", "min_value", "max_value", "infinite", "count")
"""What stands in a row of `series`, beside its identity."""
LAST_POINT_COLUMNS: Final = ("step", "time_ms", "value", "infinite")
"""What of it makes a `LastPoint`."""

_LatestMetric: Final = opened(LatestMetric)

MANY: Final = 64
"""From so many points on numpy is faster than Python."""


@dataclass(frozen=True, slots=True)
class Latest:
    """What `series` keeps of the points: the greatest by (step, time, value), the range, and how many."""

    step: int
    time_ms: int
    value: float
    min: float | None
    max: float | None
    count: int

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Self:
        """Read it from the driver's row of `LATEST_COLUMNS`."""
        return cls(*_decoded(*row))

    def row(self) -> tuple[Any, ...]:
        """Return `LATEST_COLUMNS` to write into a row of `series`."""
        value, min_value, max_value = (
            (None, 0) if v is None else split_infinity(v) for v in (self.value, self.min, self.max)
        )
        flags = (_VALUE * bool(value[1])) | (_MIN * bool(min_value[1])) | (_MAX * bool(max_value[1]))
        return self.step, self.time_ms, value[0], min_value[0], max_value[0], flags, self.count

    def columns(self) -> dict[str, Any]:
        """Return the same by name."""
        return dict(zip(LATEST_COLUMNS, self.row(), strict=True))

    def joined(self, other: "Latest") -> "Latest":
        """Return what holds for the points of both."""
        if not self.count or not other.count:
            return other if not self.count else self
        newest = self if _rank(self) >= _rank(other) else other
        low, high = self.min, self.max
        if low is None or high is None:
            low, high = other.min, other.max
        elif other.min is not None and other.max is not None:
            low, high = min(low, other.min), max(high, other.max)
        return Latest(newest.step, newest.time_ms, newest.value, low, high, self.count + other.count)


def _rank(latest: Latest) -> tuple[int, int, bool, float]:
    return _rank_of_row((latest.step, latest.time_ms, latest.value))


def latest_of(points: Points) -> Latest:
    """Sum up points; with none, everything is 0 or missing."""
    if not len(points):
        return Latest(0, 0, math.nan, None, None, 0)
    if len(points) == 1:
        # What clients that log one call at a time send: not worth a column.
        value = points.values[0]
        bound = None if math.isnan(value) else value
        return Latest(points.steps[0], points.times_ms[0], value, bound, bound, 1)
    if len(points) < MANY:
        return _latest_of_few(points)
    steps, times, values = columns(points)
    ranked = np.where(np.isnan(values), -np.inf, values)
    newest = int(np.lexsort((~np.isnan(values), ranked, times, steps))[-1])
    numbers = values[~np.isnan(values)]
    return Latest(
        int(steps[newest]),
        int(times[newest]),
        float(values[newest]),
        float(numbers.min()) if len(numbers) else None,
        float(numbers.max()) if len(numbers) else None,
        len(points),
    )


def _latest_of_few(points: Points) -> Latest:
    steps, values = points.steps, points.values
    # One NaN makes the sum one, and so do infinities of both signs.
    if not math.isnan(sum(values)) and steps[-1] > max(steps[:-1]):
        return Latest(steps[-1], points.times_ms[-1], values[-1], min(values), max(values), len(points))
    # Of what is equal, the last.
    step, time_ms, value = max(reversed(points.rows()), key=_rank_of_row)
    numbers = [v for v in values if not math.isnan(v)]
    return Latest(step, time_ms, value, min(numbers, default=None), max(numbers, default=None), len(points))


def _rank_of_row(row: tuple[int, int, float]) -> tuple[int, int, bool, float]:
    step, time_ms, value = row
    # NaN is below every number, so that the order is total.
    is_number = not math.isnan(value)
    return step, time_ms, is_number, value if is_number else 0.0


def metric_of(execution_id: int, key: str, latest: Latest) -> LatestMetric:
    """Return the public value."""
    return LatestMetric(
        execution_id=ExecutionId(execution_id),
        key=key,
        step=latest.step,
        time_ms=latest.time_ms,
        value=latest.value,
        min=latest.min,
        max=latest.max,
        count=latest.count,
    )


def metric_of_row(row: Sequence[Any]) -> LatestMetric:
    """Return the public value of the driver's row: execution, key and `LATEST_COLUMNS`."""
    made: Any = object.__new__(_LatestMetric)
    made.execution_id, key, step, time_ms, value, low, high, infinite, count = row
    if infinite or value is None:
        step, time_ms, value, low, high, count = _decoded(step, time_ms, value, low, high, infinite, count)
    made.key, made.step, made.time_ms, made.value = decode(key), step, time_ms, value
    made.min, made.max, made.count = low, high, count
    made.__class__ = LatestMetric
    return made


def points_of_rows(
    rows: Iterable[Sequence[Any]], execution_ids: Iterable[ExecutionId]
) -> dict[ExecutionId, list[LastPoint]]:
    """Return the public values of the driver's rows: execution, key and `LAST_POINT_COLUMNS`."""
    found: dict[ExecutionId, list[LastPoint]] = {i: [] for i in execution_ids}
    for execution_id, key, step, time_ms, value, infinite in rows:
        if infinite or value is None:
            value = _value(value, infinite)
        found[execution_id].append((decode(key), step, time_ms, value))
    return found


def _decoded(
    step: int,
    time_ms: int,
    value: float | None,
    low: float | None,
    high: float | None,
    infinite: int,
    count: int,
) -> tuple[int, int, float, float | None, float | None, int]:
    if infinite:
        low, high = _restored(low, infinite & _MIN), _restored(high, infinite & _MAX)
    return step, time_ms, _value(value, infinite), low, high, count


def _value(number: float | None, infinite: int) -> float:
    restored = _restored(number, infinite & _VALUE)
    return math.nan if restored is None else restored


def _restored(number: float | None, is_infinite: int) -> float | None:
    return math.copysign(math.inf, number) if is_infinite and number is not None else number
