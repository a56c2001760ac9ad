"""The call with which clients before MLflow 3 say that they logged a model: a tag keeps what they said."""

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from headwater.compat.mlflow.answers import Nothing
from headwater.compat.mlflow.endpoints import AnyEndpoint, post
from headwater.compat.mlflow.errors import MlflowError
from headwater.compat.mlflow.requests import Request, Required
from headwater.compat.mlflow.runs import Runs
from headwater.errors import ConflictError, StaleWriteError
from headwater.model.protocols import Store
from headwater.model.runs import RunChange

HISTORY_TAG: Final = "mlflow.log-model.history"
_MANDATORY: Final = frozenset({"artifact_path", "flavors", "utc_time_created", "run_id"})
_ATTEMPTS: Final = 50
"""How often an entry is added anew because somebody else's came first."""


class LogModel(Request, frozen=True):
    """Says that a run logged a model, with the text of its description."""

    run_id: Required
    model_json: Required


class ModelHistoryCalls:
    """Answers the call."""

    def __init__(self, store: Store, runs: Runs) -> None:
        """Take where runs are kept, and who finds them."""
        self._store = store
        self._runs = runs

    def endpoints(self) -> tuple[AnyEndpoint, ...]:
        """Return the calls that are answered here."""
        return (post("mlflow/runs/log-model", LogModel, self.log_model),)

    def log_model(self, request: LogModel, _actor: str | None) -> Nothing:
        """Add a model to the list in the run's tag."""
        entry = _entry(_model(request.model_json))
        for _ in range(_ATTEMPTS):
            run = self._runs.active(request.run_id)
            text = json.dumps([*_list(run.tags.get(HISTORY_TAG)), entry])
            change = RunChange(id=run.id, tags={HISTORY_TAG: text}, expect_revision=run.revision)
            try:
                self._store.runs.update(change)
            except StaleWriteError:
                continue
            return Nothing()
        raise ConflictError(f"run {request.run_id} changes all the time: log the model again")


def _model(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise MlflowError(f"Malformed model info. \n {text} \n is not a valid JSON.")
    model = cast(dict[str, Any], found)
    if missing := _MANDATORY - model.keys():
        raise MlflowError(f"Model json is missing mandatory fields: {missing}")
    if not isinstance(model["flavors"], dict):
        raise MlflowError("Model json has flavors that are no object.")
    return model


def _entry(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a model, in MLflow's order: not the flavours' settings."""
    flavors: Mapping[str, Any] = model["flavors"]
    return {
        **{name: model[name] for name in ("run_id", "artifact_path") if model[name] is not None},
        "utc_time_created": str(model["utc_time_created"]),
        "model_uuid": model.get("model_uuid"),
        "flavors": {name: _without_config(flavor) for name, flavor in flavors.items()},
    }


def _without_config(flavor: Any) -> Any:
    match flavor:
        case dict():
            given = cast(dict[str, Any], flavor)
            return {name: value for name, value in given.items() if name != "config"}
        case _:
            return flavor


def _list(tag: object) -> list[Any]:
    """Return what stands in the tag; a tag that somebody else wrote begins anew."""
    try:
        found: object = json.loads(tag) if isinstance(tag, str) else []
    except (ValueError, RecursionError):
        return []
    return cast(list[Any], found) if isinstance(found, list) else []
