"""Histories of metrics."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

from headwater.compat.mlflow.answers import Answer, double
from headwater.compat.mlflow.endpoints import AnyEndpoint, get
from headwater.compat.mlflow.errors import MlflowError
from headwater.compat.mlflow.limits import check_results
from headwater.compat.mlflow.pages import cut
from headwater.compat.mlflow.requests import Int64, Request, Required
from headwater.compat.mlflow.run_answers import Metric
from headwater.compat.mlflow.runs import Runs
from headwater.model.protocols import Store
from headwater.model.values import INT64_MAX

MAX_BULK_RUNS: Final = 100
MAX_BULK_POINTS: Final = 2_500
_MAX_BULK_RESULTS: Final = 25_000
_NO_LIMIT: Final = INT64_MAX

Row = tuple[int, int, float]
"""Step, time and value of a point."""


class GetHistory(Request, frozen=True):
    """Asks for all points of a metric, or a page of them."""

    run_id: Required
    metric_key: Required
    max_results: Int64 | None = None
    page_token: str = ""


class GetHistoryBulk(Request, frozen=True):
    """Asks for the points of a metric in several runs."""

    run_id: tuple[str, ...]
    metric_key: Required
    max_results: Int64 = _MAX_BULK_RESULTS


class GetHistoryInterval(Request, frozen=True):
    """Asks for some points of a metric in several runs, between two steps."""

    run_ids: tuple[str, ...]
    metric_key: Required
    start_step: Int64 | None = None
    end_step: Int64 | None = None
    max_results: Int64 = MAX_BULK_POINTS


class History(Answer):
    """Points, and the token that asks for those after them."""

    metrics: tuple[Metric, ...] = ()
    next_page_token: str = ""


class MetricCalls:
    """Answers the calls about histories of metrics."""

    def __init__(self, store: Store, runs: Runs) -> None:
        """Take where metrics are kept, and who finds runs."""
        self._store = store
        self._runs = runs

    def endpoints(self) -> tuple[AnyEndpoint, ...]:
        """Return the calls that are answered here."""
        return (
            get("mlflow/metrics/get-history", GetHistory, self.history),
            get("mlflow/metrics/get-history-bulk", GetHistoryBulk, self.bulk),
            get("mlflow/metrics/get-history-bulk-interval", GetHistoryInterval, self.interval),
        )

    def history(self, request: GetHistory, _actor: str | None) -> History:
        """Return points by time, step and value."""
        if request.max_results is not None:
            check_results(request.max_results, _NO_LIMIT)
        rows = sorted(self._read(request.run_id, request.metric_key), key=_by_time)
        page, token = cut(rows, request.max_results or max(1, len(rows)), request.page_token)
        return History(metrics=_shown(request.metric_key, page), next_page_token=token)

    def bulk(self, request: GetHistoryBulk, _actor: str | None) -> History:
        """Return the points of several runs, one run after the other."""
        _check_runs("GetMetricHistoryBulk", request.run_id)
        left = min(max(request.max_results, 0), _MAX_BULK_RESULTS)
        found: list[Metric] = []
        for run_id in sorted(request.run_id):
            rows = sorted(self._read(run_id, request.metric_key), key=_by_time)
            found += _shown(request.metric_key, rows[: left - len(found)], run_id)
        return History(metrics=tuple(found))

    def interval(self, request: GetHistoryInterval, _actor: str | None) -> History:
        """Return the points of several runs at some steps: spread evenly, and each run's first and last."""
        _check_runs("GetMetricHistoryBulkInterval", request.run_ids)
        if not 1 <= request.max_results <= MAX_BULK_POINTS:
            raise MlflowError(f"max_results must be between 1 and {MAX_BULK_POINTS}.")
        low, high = _interval(request)
        rows = {i: self._read(i, request.metric_key, low, high) for i in dict.fromkeys(request.run_ids)}
        steps = sorted({step for each in rows.values() for step, _, _ in each})
        chosen = set(_spread(steps, request.max_results))
        for each in rows.values():
            chosen.update(step for step, _, _ in (*each[:1], *each[-1:]))
        found: list[Metric] = []
        for run_id, each in rows.items():
            found += _shown(request.metric_key, [row for row in each if row[0] in chosen], run_id)
        return History(metrics=tuple(found))

    def _read(self, run_id: str, key: str, low: int | None = None, high: int | None = None) -> list[Row]:
        run = self._runs.execution_id(run_id)
        return self._store.series.read(run, key, min_step=low, max_step=high).rows()


def _check_runs(call: str, run_ids: Sequence[str]) -> None:
    if not run_ids:
        raise MlflowError(f"{call} request must specify at least one run_id.")
    if len(run_ids) > MAX_BULK_RUNS:
        raise MlflowError(
            f"{call} request must specify at most {MAX_BULK_RUNS} run_ids. Received {len(run_ids)} run_ids."
        )


def _interval(request: GetHistoryInterval) -> tuple[int | None, int | None]:
    low, high = request.start_step, request.end_step
    if (low is None) is not (high is None):
        raise MlflowError("If either start step or end step are specified, both must be specified.")
    if low is not None and high is not None and low > high:
        raise MlflowError(
            f"end_step must be greater than start_step. Found start_step={low} and end_step={high}."
        )
    return low, high


def _spread(steps: Sequence[int], count: int) -> Iterable[int]:
    if len(steps) <= count:
        return steps
    return (steps[place * len(steps) // count] for place in range(count))


def _by_time(row: Row) -> tuple[int, int, bool, float]:
    step, time_ms, value = row
    is_nan = math.isnan(value)
    return time_ms, step, not is_nan, 0.0 if is_nan else value


def _shown(key: str, rows: Iterable[Row], run_id: str = "") -> tuple[Metric, ...]:
    return tuple(
        Metric(key=key, value=double(value), timestamp=time_ms, step=step, run_id=run_id)
        for step, time_ms, value in rows
    )
