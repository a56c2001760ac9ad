"""What is logged to a run: metrics, params and tags, each request in one transaction."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from headwater.compat.mlflow.answers import Nothing
from headwater.compat.mlflow.endpoints import AnyEndpoint, post
from headwater.compat.mlflow.errors import MlflowError
from headwater.compat.mlflow.limits import (
    MAX_ENTITIES,
    MAX_METRICS,
    MAX_PARAMS,
    MAX_TAGS,
    check_count,
    check_key,
    check_run_id,
    check_run_name,
    checked_param,
    checked_tag,
)
from headwater.compat.mlflow.logged_models import note_model_metrics
from headwater.compat.mlflow.requests import Int64, Request, Required, invalid_value
from headwater.compat.mlflow.run_answers import RUN_NAME_TAG
from headwater.compat.mlflow.runs import Runs, TagText, inactive, not_found
from headwater.compat.mlflow.values import text_of
from headwater.errors import ConflictError, NotFoundError, RefusedError
from headwater.model.protocols import Store
from headwater.model.runs import RunChange
from headwater.model.series import Points


class MetricPoint(Request, frozen=True):
    """A point of a metric, and the logged model and data that it is about."""

    key: Required
    value: float
    timestamp: Int64
    step: Int64 = 0
    model_id: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""


class LogMetric(MetricPoint, frozen=True, kw_only=True):
    """Adds a point to a metric of a run."""

    run_id: Required


class LogParam(Request, frozen=True):
    """Sets a param."""

    run_id: Required
    key: Required
    value: str = ""


class LogBatch(Request, frozen=True):
    """Logs many things at once."""

    run_id: Required
    metrics: tuple[MetricPoint, ...] = ()
    params: tuple[TagText, ...] = ()
    tags: tuple[TagText, ...] = ()


_Refusal: TypeAlias = Callable[[str, Sequence[Mapping[str, str]]], MlflowError]
"""Tells of a run which of its params, with `key`, `old_value` and `new_value`, have other values."""


def _param_changed(run_id: str, changed: Sequence[Mapping[str, str]]) -> MlflowError:
    (one,) = changed
    return MlflowError(
        f"Changing param values is not allowed. Param with key='{one['key']}' was already logged "
        f"with value='{one['old_value']}' for run ID='{run_id}'. "
        f"Attempted logging new value '{one['new_value']}'."
    )


def _params_changed(run_id: str, changed: Sequence[Mapping[str, str]]) -> MlflowError:
    return MlflowError(
        f"Changing param values is not allowed. Params were already logged='{changed}' for run ID='{run_id}'."
    )


class BatchCalls:
    """Answers the calls that log to a run."""

    def __init__(self, store: Store, runs: Runs) -> None:
        """Take where runs are kept, and who finds them."""
        self._store = store
        self._runs = runs

    def endpoints(self) -> tuple[AnyEndpoint, ...]:
        """Return the calls that are answered here."""
        return (
            post("mlflow/runs/log-metric", LogMetric, self.log_metric),
            post("mlflow/runs/log-parameter", LogParam, self.log_param),
            post("mlflow/runs/log-batch", LogBatch, self.log_batch),
        )

    def log_metric(self, request: LogMetric, _actor: str | None) -> Nothing:
        """Add a point."""
        _check_point(request)
        self._log(request.run_id, points=_points([request]))
        note_model_metrics(self._store, request.run_id, [request])
        return Nothing()

    def log_param(self, request: LogParam, _actor: str | None) -> Nothing:
        """Set a param; the same value again changes nothing."""
        key, value = checked_param(request.key, request.value)
        self._log(request.run_id, params={key: value}, refusal=_param_changed)
        return Nothing()

    def log_batch(self, request: LogBatch, _actor: str | None) -> Nothing:
        """Log all or none."""
        check_run_id(request.run_id)
        _check_points(request.metrics)
        params = [checked_param(p.key, p.value, f"params[{i}].") for i, p in enumerate(request.params)]
        tags = dict(checked_tag(tag.key, tag.value, f"tags[{i}].") for i, tag in enumerate(request.tags))
        _check_counts(request)
        _check_unique([key for key, _ in params])
        name = tags.pop(RUN_NAME_TAG, None)
        if name is not None:
            check_run_name(name)
        self._log(request.run_id, points=_points(request.metrics), params=dict(params), tags=tags)
        note_model_metrics(self._store, request.run_id, request.metrics)
        if name is not None:
            self._store.runs.update(RunChange(id=self._runs.execution_id(request.run_id), name=name))
        return Nothing()

    def _log(
        self,
        run_id: str,
        *,
        params: Mapping[str, str] | None = None,
        points: Mapping[str, Points] | None = None,
        tags: Mapping[str, str] | None = None,
        refusal: _Refusal = _params_changed,
    ) -> None:
        run = self._runs.execution_id(run_id)
        new = dict(params or {})
        try:
            try:
                self._store.runs.log(run, params=new, points=points or {}, tags=tags or {})
            except ConflictError:
                new = self._unlogged(run_id, new, refusal)
                self._store.runs.log(run, params=new, points=points or {}, tags=tags or {})
        except RefusedError as error:
            raise inactive(run_id) from error
        except NotFoundError as error:
            raise not_found(run_id) from error

    def _unlogged(self, run_id: str, params: Mapping[str, str], refusal: _Refusal) -> dict[str, str]:
        """Return the params that a run has not, when those that it has are the same in MLflow's texts.

        Raises:
            MlflowError: one has another value, in the words of the call.
        """
        stored = {key: text_of(value) for key, value in self._runs.get(run_id).params.items()}
        changed = [
            {"key": key, "old_value": stored[key], "new_value": value}
            for key, value in params.items()
            if stored.get(key, value) != value
        ]
        if changed:
            raise refusal(run_id, changed)
        return {key: value for key, value in params.items() if key not in stored}


def _points(metrics: Sequence[MetricPoint]) -> dict[str, Points]:
    by_key: dict[str, list[MetricPoint]] = {}
    for metric in metrics:
        by_key.setdefault(metric.key, []).append(metric)
    return {
        key: Points(
            array("q", [point.step for point in each]),
            array("q", [point.timestamp for point in each]),
            array("d", [point.value for point in each]),
        )
        for key, each in by_key.items()
    }


def _check_points(points: Sequence[MetricPoint]) -> None:
    good: set[str] = set()
    for place, point in enumerate(points):
        # There are many points of few keys, and the check of a key costs more than all else here.
        if point.key not in good or point.timestamp < 0 or point.dataset_name or point.dataset_digest:
            _check_point(point, f"metrics[{place}].")
            good.add(point.key)


def _check_point(point: MetricPoint, path: str = "") -> None:
    check_key(point.key, f"{path}name", "Metric name")
    if point.timestamp < 0:
        raise invalid_value(
            f"{path}timestamp",
            point.timestamp,
            f"metric '{point.key}' (value={point.value}). "
            "Timestamp must be a nonnegative long (64-bit integer) ",
        )
    if bool(point.dataset_name) != bool(point.dataset_digest):
        raise MlflowError("Both dataset_name and dataset_digest must be provided if one is provided")


def _check_counts(request: LogBatch) -> None:
    counts = (len(request.metrics), len(request.params), len(request.tags))
    limits = (("metrics", MAX_METRICS), ("params", MAX_PARAMS), ("tags", MAX_TAGS))
    for (what, limit), count in zip(limits, counts, strict=True):
        check_count(what, count, limit)
    check_count("metrics, params, and tags", sum(counts), MAX_ENTITIES)


def _check_unique(keys: Sequence[str]) -> None:
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise MlflowError(
            f"Duplicate parameter keys have been submitted: {twice}. "
            "Please ensure the request contains only one param value per param key."
        )
