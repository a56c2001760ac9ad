"""A running server of MLflow's, read as rows of its database."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from headwater.compat.mlflow.importing.calls import Calls, address_of
from headwater.compat.mlflow.importing.gathered import Gathered, GatheredRow
from headwater.compat.mlflow.importing.proxied import ServerFiles
from headwater.compat.mlflow.importing.server_models import ServerModels, number, pairs_of
from headwater.compat.mlflow.importing.tables import MlflowTables
from headwater.errors import InvalidError, NotFoundError

PAGE: Final = 1000
"""Experiments, runs or versions that are asked for at once."""
POINTS: Final = 25_000
"""Points of a metric that are asked for at once: the most that MLflow gives."""
GROUP: Final = 100
"""Experiments whose runs are searched at once."""


def open_server(url: str, environment: Mapping[str, str]) -> MlflowTables:
    """Ask a server what it has, save params, tags and metrics, which are asked for when they are needed.

    Args:
        url: Of the server, as `mlflow.set_tracking_uri` takes it.
        environment: Says who asks; see `address_of`.

    Raises:
        InvalidError: the URL is no address, or the server is no MLflow server.
        UnauthenticatedError, RefusedError: the server does not let the caller in.
        UnavailableError: the server cannot be reached.
    """
    calls = Calls(address_of(url, environment))
    server = _Server(calls)
    try:
        server.read()
    except NotFoundError as error:
        raise InvalidError(f"{calls.no_mlflow}: {error}") from error
    except (KeyError, TypeError) as error:
        raise InvalidError(f"{calls.no_mlflow}, or a strange one: its answers lack {error}") from error
    return MlflowTables(server.rows, files=ServerFiles(calls))


class _Server:
    """Reads experiments, runs and models."""

    def __init__(self, calls: Calls) -> None:
        self.rows = Gathered(self._of_run, close=calls.close)
        self._calls = calls
        self._models = ServerModels(calls, self.rows)
        self._held: dict[str, dict[str, Any]] = {}
        self._datasets: dict[tuple[str, ...], str] = {}

    def read(self) -> None:
        """Read everything that is small."""
        experiments = list(
            self._calls.pages("POST", "experiments/search", "experiments", view_type="ALL", max_results=PAGE)
        )
        if not experiments:
            # MLflow always has one, which cannot be deleted.
            raise InvalidError(f"{self._calls.no_mlflow}: it has no experiments")
        for experiment in experiments:
            self._add_experiment(experiment)
        ids = [str(experiment["experiment_id"]) for experiment in experiments]
        for start in range(0, len(ids), GROUP):
            self._read_runs(ids[start : start + GROUP])
            self._models.read_logged(ids[start : start + GROUP])
        self._models.read_registry(PAGE)
        self._models.read_deleted()

    def _add_experiment(self, found: Mapping[str, Any]) -> None:
        experiment = int(found["experiment_id"])
        self.rows.add(
            "experiments",
            experiment_id=experiment,
            name=found["name"],
            artifact_location=found.get("artifact_location"),
            lifecycle_stage=found.get("lifecycle_stage", "active"),
            creation_time=number(found, "creation_time"),
            last_update_time=number(found, "last_update_time"),
        )
        self.rows.add_pairs("experiment_tags", pairs_of(found), experiment_id=experiment)

    def _read_runs(self, experiments: Sequence[str]) -> None:
        fields = {"experiment_ids": experiments, "run_view_type": "ALL", "max_results": PAGE}
        for found in self._calls.pages("POST", "runs/search", "runs", **fields):
            info = found["info"]
            run = info["run_id"]
            self.rows.add(
                "runs",
                run_uuid=run,
                name=info.get("run_name") or None,
                user_id=info.get("user_id") or None,
                status=info.get("status", "RUNNING"),
                start_time=number(info, "start_time"),
                end_time=number(info, "end_time"),
                lifecycle_stage=info.get("lifecycle_stage", "active"),
                artifact_uri=info.get("artifact_uri"),
                experiment_id=int(info["experiment_id"]),
            )
            inputs = found.get("inputs", {})
            for place, each in enumerate(inputs.get("dataset_inputs", [])):
                self._add_input(each, run, f"{run}/{place}")
            for each in found.get("outputs", {}).get("model_outputs", []):
                self._models.add_tie("RUN_OUTPUT", run, each["model_id"], number(each, "step"))

    def _add_input(self, found: Mapping[str, Any], run: str, use: str) -> None:
        ends = {"destination_type": "RUN", "destination_id": run, "input_uuid": use}
        dataset = self._dataset(found["dataset"])
        self.rows.add("inputs", source_type="DATASET", source_id=dataset, **ends)
        for name, value in pairs_of(found).items():
            self.rows.add("input_tags", input_uuid=use, name=name, value=value)

    def _dataset(self, found: Mapping[str, Any]) -> str:
        """Return the id of a data set; the server tells its facts and no id."""
        facts = ("name", "digest", "source_type", "source", "schema", "profile")
        values = tuple(str(found.get(fact, "")) for fact in facts)
        if values not in self._datasets:
            dataset = self._datasets[values] = str(len(self._datasets))
            name, digest, source_type, source, schema, profile = values
            self.rows.add(
                "datasets",
                dataset_uuid=dataset,
                name=name,
                digest=digest,
                dataset_source_type=source_type,
                dataset_source=source,
                dataset_schema=schema,
                dataset_profile=profile,
            )
        return self._datasets[values]

    def _of_run(self, table: str, run: str) -> Iterator[GatheredRow]:
        if run not in self._held:
            self._held[run] = self._hold(run)
        data = self._held[run]
        if table != "metrics":
            for each in data.get(table, []):
                yield {"run_uuid": run, "key": each["key"], "value": each.get("value", "")}
            return
        # Metrics are asked for last.
        del self._held[run]
        for metric in data.get("metrics", []):
            yield from self._points(run, metric["key"])

    def _hold(self, run: str) -> dict[str, Any]:
        found = self._calls.get("runs/get", run_id=run)["run"]
        # A search tells of the models that runs made, but not of those that they read.
        for each in found.get("inputs", {}).get("model_inputs", []):
            self._models.add_tie("RUN_INPUT", run, each["model_id"], None)
        self._models.read_deleted()
        return found.get("data", {})

    def _points(self, run: str, key: str) -> Iterator[GatheredRow]:
        fields = {"run_id": run, "metric_key": key, "max_results": POINTS}
        for point in self._calls.pages("GET", "metrics/get-history", "metrics", **fields):
            step, time_ms = int(point.get("step", 0)), int(point["timestamp"])
            # JSON has no NaN and no infinity: they come as texts.
            yield {"key": key, "step": step, "timestamp": time_ms, "value": float(point.get("value", 0))}
