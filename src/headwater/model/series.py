"""Metric series: points as columns."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from headwater.errors import InvalidError
from headwater.model.ids import ExecutionId

LastPoint: TypeAlias = tuple[str, int, int, float]
"""The newest point of a series: key, step, time_ms, value. A plain row, as a page of runs has thousands."""


def _int64s() -> "array[int]":
    return array("q")


def _float64s() -> "array[float]":
    return array("d")


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Points of one series as three columns of equal length.

    The columns are `array.array`s, which numpy wraps without copying
    (`numpy.asarray(points.values)`).

    Attributes:
        steps: int64, any sign.
        times_ms: int64, milliseconds since the epoch, UTC.
        values: float64; NaN and infinities are values like any other.
    """

    steps: "array[int]" = field(default_factory=_int64s)
    times_ms: "array[int]" = field(default_factory=_int64s)
    values: "array[float]" = field(default_factory=_float64s)

    def __post_init__(self) -> None:
        if not len(self.steps) == len(self.times_ms) == len(self.values):
            raise InvalidError(
                f"columns differ in length: {len(self.steps)} steps, {len(self.times_ms)} times, "
                f"{len(self.values)} values"
            )

    @classmethod
    def of(cls, rows: Iterable[tuple[int, int, float]]) -> "Points":
        """Build points from (step, time_ms, value) rows."""
        points = cls()
        for step, time_ms, value in rows:
            points.append(step, time_ms, value)
        return points

    def append(self, step: int, time_ms: int, value: float) -> None:
        """Add one point at the end."""
        self.steps.append(step)
        self.times_ms.append(time_ms)
        self.values.append(value)

    def joined(self, others: "Points") -> "Points":
        """Return these points and others behind them."""
        return Points(self.steps + others.steps, self.times_ms + others.times_ms, self.values + others.values)

    def rows(self) -> list[tuple[int, int, float]]:
        """Return (step, time_ms, value) rows, in the order of the columns."""
        return list(zip(self.steps, self.times_ms, self.values, strict=True))

    def __len__(self) -> int:
        return len(self.steps)

    def __eq__(self, other: object) -> bool:
        """Compare bit by bit, so that NaN equals NaN."""
        if not isinstance(other, Points):
            return NotImplemented
        return (
            self.steps == other.steps
            and self.times_ms == other.times_ms
            and self.values.tobytes() == other.values.tobytes()
        )

    __hash__ = None  # type: ignore[assignment]  # columns can grow


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesBatch:
    """Points that one writer adds to one series in one flush.

    `(execution_id, key, writer, batch)` names the batch: the store takes each
    name once, so a retried flush changes nothing. A writer counts its
    batches up and sends them in that order.
    """

    execution_id: ExecutionId
    key: str
    writer: int
    batch: int
    points: Points


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestMetric:
    """The newest point of a series, by (step, time, value), and the range of all its points.

    NaN takes no part in `min` and `max`; both are None when every value is NaN.
    """

    execution_id: ExecutionId
    key: str
    step: int
    time_ms: int
    value: float
    min: float | None
    max: float | None
    count: int
    """Points written, exact duplicates included until they are merged away."""

    @property
    def last_point(self) -> LastPoint:
        """The point alone."""
        return self.key, self.step, self.time_ms, self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """What became of a run of neighbouring points, ordered by step and time.

    `last`, `min`, `max` and `mean` leave NaN out and are None when nothing else is there.
    """

    first_step: int
    last_step: int
    first_time_ms: int
    last_time_ms: int
    last: float | None
    min: float | None
    max: float | None
    mean: float | None
    count: int
    nan_count: int
    infinite_count: int


def duplicate_free(batches: Sequence[SeriesBatch]) -> bool:
    """Tell whether no two batches carry one name."""
    names = {(b.execution_id, b.key, b.writer, b.batch) for b in batches}
    return len(names) == len(batches)
