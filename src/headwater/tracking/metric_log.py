"""The metrics of one run: the calls that training loops make."""

from collections.abc import Mapping
from datetime import datetime

from headwater.errors import RefusedError
from headwater.model.ids import RunId
from headwater.model.series import Points
from headwater.model.values import INT64_MAX, INT64_MIN
from headwater.tracking.buffer import Series
from headwater.tracking.columns import float_column, int_column, pieces
from headwater.tracking.records import RunEntry
from headwater.tracking.session import Session
from headwater.tracking.validation import check_key, metric_value, step_value, time_value


class MetricLog:
    """What a run logs as numbers; it goes to the journal, and a background thread sends it.

    Args:
        session: Where it is logged.
        entry: The run.
        last_steps: Greatest steps of the series that the store has already.
    """

    def __init__(self, session: Session, entry: RunEntry, last_steps: Mapping[str, int]) -> None:
        self._buffer, self._clock_ms = session.tracker.buffer, session.clock_ms
        self._entry = entry
        self._number = self._buffer.open_run(entry)
        self._last_steps = dict(last_steps)
        self._series: dict[str, Series] = {}
        self._is_over = False

    @property
    def run_id(self) -> RunId:
        """32 hexadecimal digits, made on this side: the run has them before the store knows it."""
        return self._entry.run_id

    def log_metric(
        self, name: str, value: object, step: int | None = None, timestamp: datetime | int | None = None
    ) -> None:
        """Log one point of a metric. When this returns, the point survives a crash of the process.

        Args:
            name: 1 to 250 characters without control characters.
            value: A number: bool, int, float, Decimal, numpy scalar; NaN and infinities too.
            step: Any int of 64 bits; by default one more than the greatest so far, from 0.
            timestamp: Milliseconds since the epoch, or a datetime with a time zone; by default now.

        Raises:
            MetricTypeError: the value is no number. Also a TypeError.
            InvalidError: the name, step or timestamp cannot be used.
            UnavailableError: the store has been out of reach for so long that the journal is full.
            RefusedError: the run has ended.
        """
        if type(value) is not float:
            value = metric_value(name, value)
        series = self._series.get(name) or self._open_series(name)
        if step is None:
            step = series.next_step
        if type(step) is not int or not INT64_MIN <= step <= INT64_MAX:
            step = step_value(name, step)
        time_ms = self._clock_ms() if timestamp is None else time_value(name, timestamp)
        self._buffer.add_point(series, step, time_ms, value)
        if step >= series.next_step:
            series.next_step = step + 1

    def log_metrics(
        self,
        metrics: Mapping[str, object],
        step: int | None = None,
        timestamp: datetime | int | None = None,
    ) -> None:
        """Log one point of several metrics, all at one step and time.

        Args:
            metrics: Numbers by name.
            step: By default one more than the greatest step of any of these metrics so far.
            timestamp: As in `log_metric`.

        Raises:
            HeadwaterError: as in `log_metric`; a fault in a name or value leaves all of them unlogged.
        """
        values = {name: metric_value(name, value) for name, value in metrics.items()}
        series = [self._series.get(name) or self._open_series(name) for name in values]
        if not values:
            return
        at = max(s.next_step for s in series) if step is None else step_value(next(iter(values)), step)
        when = self._clock_ms() if timestamp is None else time_value(next(iter(values)), timestamp)
        for name, value in values.items():
            self.log_metric(name, value, at, when)

    def log_series(self, name: str, steps: object, values: object, timestamps: object = None) -> None:
        """Log many points of one metric at once, far quicker than one by one.

        Args:
            name: As in `log_metric`.
            steps: Whole numbers: a range, list, array, or anything that numpy reads.
            values: As many numbers.
            timestamps: As many times in milliseconds since the epoch; by default now for all.

        Raises:
            MetricTypeError: a value is no number.
            InvalidError: the columns differ in length, or a step or time is no whole number.
            UnavailableError, RefusedError: as in `log_metric`.

        Example:
            >>> run.log_series("loss", range(3), [0.9, 0.5, 0.4])  # doctest: +SKIP
        """
        check_key("metric", name)
        step_column, value_column = int_column(name, "steps", steps), float_column(name, values)
        if timestamps is None:
            time_column = type(step_column)("q", [self._clock_ms()]) * len(value_column)
        else:
            time_column = int_column(name, "timestamps", timestamps)
        points = Points(step_column, time_column, value_column)
        if not len(points):
            return
        series = self._series.get(name) or self._open_series(name)
        for piece in pieces(points):
            self._buffer.add_points(series, piece)
        series.next_step = max(series.next_step, max(step_column) + 1)

    def _open_series(self, name: object) -> Series:
        self._check_open()
        key = check_key("metric", name)
        last = self._last_steps.get(key, -1)
        # Through setdefault, so that two threads that open one series get the same.
        return self._series.setdefault(key, self._buffer.open_series(self._number, key, max(last + 1, 0)))

    def _check_open(self) -> None:
        if self._is_over:
            raise RefusedError(f"run {self.run_id} has ended: start another one, or resume it with run_id=")
