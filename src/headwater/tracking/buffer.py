"""The buffer: what was logged and is not in the store yet, as columns per series."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from headwater.errors import CorruptError, RefusedError, UnavailableError
from headwater.model.series import Points
from headwater.tracking.journal import Journal, Place
from headwater.tracking.records import (
    PointsRecord,
    Record,
    RunEntry,
    RunOp,
    RunRecord,
    SeriesRecord,
    encode,
    frame,
    point_frame,
)
from headwater.tracking.settings import TrackingSettings


class Series:
    """One open series: its number in the journal, and the points of the batch that is being filled."""

    __slots__ = ("key", "next_step", "number", "points", "run")

    def __init__(self, number: int, run: int, key: str, next_step: int) -> None:
        self.number, self.run, self.key, self.next_step = number, run, key, next_step
        self.points = Points()


@dataclass(frozen=True, slots=True)
class Contents:
    """What a batch carries: points by (run number, key), and changes of runs in order."""

    points: dict[tuple[int, str], Points] = field(default_factory=dict[tuple[int, str], Points])
    ops: list[RunOp] = field(default_factory=list[RunOp])

    @property
    def runs(self) -> list[int]:
        """Numbers of all runs in it, in order of their first mention."""
        mentioned = [op.run for op in self.ops] + [run for run, _ in self.points]
        return list(dict.fromkeys(mentioned))

    @property
    def count(self) -> int:
        """Number of points."""
        return sum(map(len, self.points.values()))


@dataclass(slots=True)
class Batch:
    """A closed batch; `contents` is None when only the journal still holds it."""

    number: int
    place: Place
    count: int
    contents: Contents | None


class Buffer:
    """Takes what is logged, in the journal and in memory at once, and hands it out in batches.

    A batch is closed in the journal before anybody sends it, so a replay after
    a crash sends the same batches under the same names.

    Args:
        open_journal: Makes the journal when the first record comes.
        wake: Called when there is work for the flusher.
        settings: When a batch is full, and how much may wait in memory.
    """

    def __init__(
        self, open_journal: Callable[[], Journal], wake: Callable[[], None], settings: TrackingSettings
    ) -> None:
        self._open_journal, self._wake, self._settings = open_journal, wake, settings
        self._runs: dict[int, RunEntry] = {}
        self._open_runs: set[int] = set()
        self._next_number = 1
        self._all_series: dict[int, Series] = {}
        self._clear()

    def _clear(self) -> None:
        # Re-entrant: a signal handler or a finalizer may log while its own thread is logging.
        self._lock = threading.RLock()
        self._journal: Journal | None = None
        self._next_batch = 1
        self._count = 0
        self._ops: list[RunOp] = []
        self._waiting: deque[Batch] = deque()
        self._in_memory = 0
        self._acknowledged = 0
        for series in self._all_series.values():
            series.points = Points()

    def reset_after_fork(self) -> None:
        """Start anew in a forked child: what waits, and the journal, are the parent's."""
        if self._journal is not None:
            self._journal.forget()
        self._clear()

    def open_run(self, entry: RunEntry) -> int:
        """Give a run its number."""
        with self._lock:
            number = self._number()
            self._runs[number] = entry
            self._open_runs.add(number)
            if self._journal is not None:
                self._journal.append(frame(encode(RunRecord(number, entry))))
            return number

    def close_run(self, number: int) -> None:
        """Forget a run once all that it logged is in the store."""
        with self._lock:
            self._open_runs.discard(number)
            self._drop_closed()

    def open_runs(self) -> list[RunEntry]:
        """Return the runs that have not ended."""
        with self._lock:
            return [self._runs[number] for number in self._open_runs]

    def runs(self) -> dict[int, RunEntry]:
        """Return all runs that batches may refer to, by number."""
        return self._runs

    def open_series(self, run: int, key: str, next_step: int) -> Series:
        """Give a series its number. One call per series: the caller keeps what it gets."""
        with self._lock:
            series = Series(self._number(), run, key, next_step)
            if self._journal is not None:
                self._journal.append(frame(encode(SeriesRecord(series.number, run, key))))
            self._all_series[series.number] = series
            return series

    def add_point(self, series: Series, step: int, time_ms: int, value: float) -> None:
        """Take one point; when this returns, the point outlives the process.

        Raises:
            UnavailableError: the journal is full or cannot be written; the point was not taken.
            RefusedError: the run has ended.
        """
        framed = point_frame(series.number, step, time_ms, value)
        with self._lock:
            self._check(series)
            (self._journal or self._open()).append(framed)
            points = series.points
            points.steps.append(step)
            points.times_ms.append(time_ms)
            points.values.append(value)
            self._count += 1
            if self._count >= self._settings.batch_points:
                self._close_batch()

    def add_points(self, series: Series, new: Points) -> None:
        """Take many points of one series, as one record.

        Raises:
            UnavailableError, RefusedError: as in `add_point`; none was taken.
        """
        framed = frame(encode(PointsRecord(series.number, new)))
        with self._lock:
            self._check(series)
            (self._journal or self._open()).append(framed)
            points = series.points
            points.steps.extend(new.steps)
            points.times_ms.extend(new.times_ms)
            points.values.extend(new.values)
            self._count += len(new)
            if self._count >= self._settings.batch_points:
                self._close_batch()

    def add_op(self, op: RunOp) -> int:
        """Take a change of a run.

        Returns:
            Number of the batch that it will be part of.

        Raises:
            UnavailableError, RefusedError: as in `add_point`.
        """
        with self._lock:
            if op.run not in self._runs:
                raise RefusedError("the run has ended")
            (self._journal or self._open()).append(frame(encode(op)))
            self._ops.append(op)
            return self._next_batch

    def seal(self) -> int:
        """Close the batch that is being filled, if anything is in it.

        Returns:
            Number of the newest closed batch.
        """
        with self._lock:
            self._close_batch()
            return self._next_batch - 1

    def first(self) -> Batch | None:
        """Return the oldest batch that the store does not have."""
        with self._lock:
            return self._waiting[0] if self._waiting else None

    def contents(self, batch: Batch) -> Contents:
        """Return what a batch carries, from memory or from the journal.

        Raises:
            CorruptError: the journal was damaged.
        """
        if batch.contents is not None:
            return batch.contents
        with self._lock:
            assert self._journal is not None
            journal, names = self._journal, {s.number: (s.run, s.key) for s in self._all_series.values()}
        return collect(journal.read(batch.place), names)

    def acknowledge(self, batch: Batch) -> None:
        """Note that the store has the oldest batch."""
        with self._lock:
            if not self._waiting or self._waiting[0] is not batch:
                return
            self._waiting.popleft()
            if batch.contents is not None:
                self._in_memory -= batch.count
            self._acknowledged = batch.number
            if self._journal is not None:
                self._journal.checkpoint(batch.number)
            self._drop_closed()

    @property
    def acknowledged(self) -> int:
        """Number of the newest batch that the store has."""
        return self._acknowledged

    @property
    def journal(self) -> Journal | None:
        """The journal, once something was logged."""
        return self._journal

    @property
    def waiting_points(self) -> int:
        """Points that the store does not have yet."""
        with self._lock:
            return self._count + sum(batch.count for batch in self._waiting)

    @property
    def is_empty(self) -> bool:
        """True when the store has everything."""
        with self._lock:
            return not (self._waiting or self._count or self._ops)

    def secure(self) -> None:
        """Bring what waits onto the disk, while the journal is all there is."""
        with self._lock:
            if self._journal is None:
                return
            descriptor = self._journal.duplicate()
        # Outside the lock: logging goes on while the disk works.
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Give the journal up; its files stay when something in them is not in the store."""
        with self._lock:
            if self._journal is not None:
                self._journal.close(keep=not self.is_empty)
            self._clear()

    def _check(self, series: Series) -> None:
        if series.number not in self._all_series:
            raise RefusedError(f"the run of metric {series.key!r} has ended")

    def _number(self) -> int:
        self._next_number += 1
        return self._next_number - 1

    def _open(self) -> Journal:
        journal = self._open_journal()
        journal.rotate(self._next_batch, self._declarations())
        self._journal = journal
        self._wake()
        return journal

    def _declarations(self) -> Iterator[Record]:
        for number, entry in self._runs.items():
            yield RunRecord(number, entry)
        for series in self._all_series.values():
            yield SeriesRecord(series.number, series.run, series.key)

    def _close_batch(self) -> None:
        if not self._count and not self._ops:
            return
        assert self._journal is not None
        place = self._journal.seal(self._next_batch)
        contents = self._take()
        keep = self._in_memory + self._count <= self._settings.memory_points
        self._waiting.append(Batch(self._next_batch, place, self._count, contents if keep else None))
        self._in_memory += self._count if keep else 0
        self._next_batch += 1
        self._count = 0
        if self._journal.wants_rotation:
            # The batch is closed; when no new file can be made, the old one does.
            with suppress(UnavailableError):
                self._journal.rotate(self._next_batch, self._declarations())
        self._wake()

    def _take(self) -> Contents:
        contents = Contents(ops=self._ops)
        for series in self._all_series.values():
            if series.points.steps:
                contents.points[series.run, series.key] = series.points
                series.points = Points()
        self._ops = []
        return contents

    def _drop_closed(self) -> None:
        """Forget ended runs, at a moment when no waiting batch can refer to them."""
        if self._waiting or self._count or self._ops:
            return
        for number in self._runs.keys() - self._open_runs:
            del self._runs[number]
        closed = [n for n, series in self._all_series.items() if series.run not in self._runs]
        for number in closed:
            del self._all_series[number]


def collect(records: Iterable[Record], names: dict[int, tuple[int, str]]) -> Contents:
    """Put records of one batch together.

    Args:
        records: In the order in which they were written.
        names: (run number, key) of each series number.

    Raises:
        CorruptError: points of a series that has no name.
    """
    contents = Contents()
    for record in records:
        if isinstance(record, PointsRecord):
            if record.series not in names:
                raise CorruptError(
                    f"a journal has points of series {record.series}, which it does not declare"
                )
            points = contents.points.setdefault(names[record.series], Points())
            points.steps.extend(record.points.steps)
            points.times_ms.extend(record.points.times_ms)
            points.values.extend(record.points.values)
        elif isinstance(record, RunOp):
            contents.ops.append(record)
    return contents
