"""Logged models and registered models of a running server."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from headwater.compat.mlflow.importing.calls import Calls
from headwater.compat.mlflow.importing.gathered import Gathered
from headwater.compat.mlflow.logged_models import STATES
from headwater.errors import InvalidError, NotFoundError

LOGGED_PAGE: Final = 100
_STATUS: Final = "LOGGED_MODEL_"


class ServerModels:
    """Reads models into rows."""

    def __init__(self, calls: Calls, rows: Gathered) -> None:
        """Take what asks the server, and what takes the rows."""
        self._calls, self._rows = calls, rows
        self._logged: set[str] = set()
        self._named: set[str] = set()

    def add_tie(self, kind: str, run: str, model: str, step: int | None) -> None:
        """Note that a run read or made a logged model."""
        ends = {"source_type": kind, "source_id": run, "destination_id": model}
        self._rows.add("inputs", **ends, destination_type=kind.replace("RUN", "MODEL"), step=step)
        self._named.add(model)

    def read_logged(self, experiments: Sequence[str]) -> None:
        """Read the logged models of some experiments that are not deleted."""
        fields = {"experiment_ids": experiments, "max_results": LOGGED_PAGE}
        try:
            for found in self._calls.pages("POST", "logged-models/search", "models", **fields):
                self._add_logged(found, "active")
        except NotFoundError:
            # MLflow before 3 has no logged models.
            return

    def read_deleted(self) -> None:
        """Read deleted models that runs or versions name: no search lists them."""
        wanted = sorted(self._named - self._logged)
        self._named.clear()
        for model in wanted:
            try:
                found = self._calls.get(f"logged-models/{quote(model)}", allow_deleted="true")
            except NotFoundError:
                # Gone for good: what names it is missing in the counts.
                continue
            self._add_logged(found["model"], "deleted")

    def read_registry(self, page: int) -> None:
        """Read registered models and versions, so many at once."""
        calls = self._calls
        for found in calls.pages("GET", "registered-models/search", "registered_models", max_results=page):
            name = found["name"]
            self._rows.add("registered_models", name=name, **_times(found), description=_description(found))
            self._rows.add_pairs("registered_model_tags", pairs_of(found), name=name)
            for each in found.get("aliases", []):
                alias = {"alias": each["alias"], "version": str(each["version"])}
                self._rows.add("registered_model_aliases", name=name, **alias)
        for found in calls.pages("GET", "model-versions/search", "model_versions", max_results=page):
            self._add_version(found)

    def _add_version(self, found: Mapping[str, Any]) -> None:
        name, version = found["name"], int(found["version"])
        texts = ("source", "run_id", "run_link")
        self._rows.add(
            "model_versions",
            name=name,
            version=version,
            **_times(found),
            **{text: found.get(text) or None for text in texts},
            description=_description(found),
            current_stage=found.get("current_stage") or "None",
        )
        self._rows.add_pairs("model_version_tags", pairs_of(found), name=name, version=version)
        if found.get("model_id"):
            self._named.add(found["model_id"])

    def _add_logged(self, found: Mapping[str, Any], stage: str) -> None:
        info, data = found["info"], found.get("data", {})
        model = info["model_id"]
        self._logged.add(model)
        self._rows.add(
            "logged_models",
            model_id=model,
            experiment_id=int(info["experiment_id"]),
            name=info["name"],
            artifact_location=info["artifact_uri"],
            creation_timestamp_ms=int(info["creation_timestamp_ms"]),
            last_updated_timestamp_ms=int(info["last_updated_timestamp_ms"]),
            status=_status(info),
            lifecycle_stage=stage,
            model_type=info.get("model_type") or None,
            source_run_id=info.get("source_run_id") or None,
        )
        owner = {"prefix": "tag_", "model_id": model}
        self._rows.add_pairs("logged_model_tags", pairs_of(info), **owner)
        self._rows.add_pairs("logged_model_params", pairs_of(data, "params"), **owner | {"prefix": "param_"})
        for metric in data.get("metrics", []):
            self._rows.add(
                "logged_model_metrics",
                model_id=model,
                metric_name=metric["key"],
                metric_timestamp_ms=int(metric["timestamp"]),
                metric_step=int(metric.get("step", 0)),
                metric_value=float(metric.get("value", 0)),
                run_id=metric.get("run_id", ""),
                dataset_name=metric.get("dataset_name"),
                dataset_digest=metric.get("dataset_digest"),
            )


def pairs_of(found: Mapping[str, Any], field: str = "tags") -> dict[str, str]:
    """Return a list of keys and values as a mapping; a value that is empty may be left out."""
    return {pair["key"]: pair.get("value", "") for pair in found.get(field, [])}


def number(found: Mapping[str, Any], field: str) -> int | None:
    """Return a whole number, which JSON may have as a text; None where there is none."""
    return int(found[field]) if found.get(field) is not None else None


def _times(found: Mapping[str, Any]) -> dict[str, int | None]:
    return {
        "creation_time": number(found, "creation_timestamp"),
        "last_updated_time": number(found, "last_updated_timestamp"),
    }


def _description(found: Mapping[str, Any]) -> str | None:
    return found.get("description") or None


def _status(info: Mapping[str, Any]) -> int:
    name = str(info.get("status", "")).removeprefix(_STATUS)
    names = [key.removeprefix(_STATUS) for key in STATES]
    if name not in names:
        raise InvalidError(f"logged model {info['model_id']} has the status {name!r}, which no model has")
    return names.index(name) + 1
