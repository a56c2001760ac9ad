"""MLflow's folder (`mlruns`), read as rows of its database."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from headwater.compat.mlflow.importing.files import DiskFiles, files_below, in_place
from headwater.compat.mlflow.importing.folder_models import read_logged_models, read_registry
from headwater.compat.mlflow.importing.gathered import Gathered, GatheredRow
from headwater.compat.mlflow.importing.metadata import (
    META,
    Metadata,
    folders_in,
    noted,
    read_metadata,
    read_values,
)
from headwater.compat.mlflow.importing.points import read_points
from headwater.compat.mlflow.importing.tables import MlflowTables
from headwater.errors import InvalidError, NotFoundError

TRASH: Final = ".trash"
MODELS: Final = "models"
_STATUSES: Final = dict(enumerate(("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"), start=1))
_NO_RUNS: Final = frozenset({"tags", "datasets", "traces", MODELS})
"""Folders of an experiment that are no runs."""
_OF_A_RUN: Final = ("metrics", "params", "tags")


def open_folder(root: Path) -> MlflowTables:
    """Read what an `mlruns` folder holds, save params, tags and metrics, which are read when asked for.

    Args:
        root: The folder, with experiments, `models` and `.trash` in it.

    Raises:
        NotFoundError: there is no such folder.
        InvalidError: it is none of MLflow's.
        MissingDependencyError: there is nothing to read YAML with.
    """
    if not root.is_dir():
        raise NotFoundError("folder", str(root))
    if not any(any(root.glob(f"{place}/*/{META}")) for place in (".", TRASH, MODELS)):
        raise InvalidError(
            f"{root} is no mlruns folder of MLflow's: no folder in it has a {META}. Name the folder that "
            "has the experiments in it"
        )
    folder = _Folder()
    for place in (root, root / TRASH):
        for each in folders_in(place):
            if each not in {root / MODELS, root / TRASH}:
                folder.take_experiment(each)
    read_registry(root / MODELS, folder.rows, folder.damaged)
    return MlflowTables(folder.rows, files=DiskFiles(), damaged=folder.damaged)


class _Folder:
    """Reads experiments and the runs in them."""

    def __init__(self) -> None:
        self.rows = Gathered(self._of_run)
        self.damaged: list[str] = []
        self._experiments: dict[int, Path] = {}
        self._runs: dict[str, Path] = {}

    def take_experiment(self, folder: Path) -> None:
        """Read an experiment, with its data sets, logged models and runs."""
        runs = [each for each in folders_in(folder) if each.name not in _NO_RUNS and _is_run(each)]
        try:
            number = self._add_experiment(folder)
        except InvalidError as error:
            self.damaged.append(str(error))
            self.damaged += [f"{run}: its experiment cannot be read" for run in runs]
            return
        self.rows.add_pairs(
            "experiment_tags", read_values(folder / "tags", self.damaged), experiment_id=number
        )
        for each in folders_in(folder / "datasets"):
            with noted(self.damaged):
                self._add_dataset(each, number)
        read_logged_models(folder / MODELS, number, self.rows, self.damaged)
        for each in runs:
            with noted(self.damaged):
                self._add_run(each, number)

    def _add_experiment(self, folder: Path) -> int:
        meta = read_metadata(folder)
        number = meta.number("experiment_id")
        if number in self._experiments:
            raise InvalidError(f"{meta.path}: experiment {number} lies in {self._experiments[number]} too")
        self._experiments[number] = folder
        self.rows.add(
            "experiments",
            experiment_id=number,
            name=meta.text("name"),
            artifact_location=meta.text_or_none("artifact_location"),
            lifecycle_stage=meta.text_or_none("lifecycle_stage") or "active",
            creation_time=meta.number_or_none("creation_time"),
            last_update_time=meta.number_or_none("last_update_time"),
        )
        return number

    def _add_dataset(self, folder: Path, experiment: int) -> None:
        meta = read_metadata(folder)
        self.rows.add(
            "datasets",
            # Ids are made of name and digest: each experiment has facts of its own under one.
            dataset_uuid=f"{experiment}/{folder.name}",
            name=meta.text("name"),
            digest=meta.text("digest"),
            dataset_source_type=meta.text_or_none("source_type"),
            dataset_source=meta.text_or_none("source"),
            dataset_schema=meta.text_or_none("schema"),
            dataset_profile=meta.text_or_none("profile"),
        )

    def _add_run(self, folder: Path, experiment: int) -> None:
        meta = read_metadata(folder)
        run = meta.text("run_id", "run_uuid")
        if meta.number("experiment_id") != experiment:
            raise InvalidError(f"{meta.path}: the run is of another experiment than its folder")
        if run in self._runs:
            raise InvalidError(f"{meta.path}: run {run} lies in {self._runs[run]} too")
        self.rows.add(
            "runs",
            run_uuid=run,
            name=meta.text_or_none("run_name", "name"),
            user_id=meta.text_or_none("user_id"),
            status=_status(meta),
            start_time=meta.number_or_none("start_time"),
            end_time=meta.number_or_none("end_time"),
            lifecycle_stage=meta.text_or_none("lifecycle_stage") or "active",
            artifact_uri=in_place(folder / "artifacts", meta.text_or_none("artifact_uri")),
            experiment_id=experiment,
        )
        self._runs[run] = folder
        for each in folders_in(folder / "inputs"):
            with noted(self.damaged):
                self._add_input(each, run, experiment, folder.parent / "datasets")
        for each in folders_in(folder / "outputs"):
            with noted(self.damaged):
                made = read_metadata(each)
                self._add_tie("RUN_OUTPUT", run, made.text("destination_id"), made.number_or_none("step"))

    def _add_input(self, folder: Path, run: str, experiment: int, datasets: Path) -> None:
        meta = read_metadata(folder)
        source = meta.text("source_id")
        if meta.text("source_type") == "MODEL":
            self._add_tie("RUN_INPUT", run, source, None)
            return
        if not (datasets / source).is_dir():
            raise InvalidError(f"{meta.path}: its data set {source} is not in {datasets}")
        use = f"{run}/{folder.name}"
        self.rows.add(
            "inputs",
            source_type="DATASET",
            source_id=f"{experiment}/{source}",
            destination_type="RUN",
            destination_id=run,
            input_uuid=use,
        )
        for name, value in meta.texts("tags").items():
            self.rows.add("input_tags", input_uuid=use, name=name, value=value)

    def _add_tie(self, kind: str, run: str, model: str, step: int | None) -> None:
        ends = {"source_type": kind, "source_id": run, "destination_id": model}
        self.rows.add("inputs", **ends, destination_type=kind.replace("RUN", "MODEL"), step=step)

    def _of_run(self, table: str, run: str) -> Iterator[GatheredRow]:
        folder = self._runs[run] / table
        if table == "metrics":
            for key, path in files_below(folder):
                for time_ms, value, step, _ in read_points(path, self.damaged):
                    yield {"key": key, "step": step, "timestamp": time_ms, "value": value}
            return
        for key, value in read_values(folder, self.damaged).items():
            yield {"run_uuid": run, "key": key, "value": value}


def _is_run(folder: Path) -> bool:
    """Tell a run from files that runs of another store left in the same place."""
    return (folder / META).exists() or any((folder / part).is_dir() for part in _OF_A_RUN)


def _status(meta: Metadata) -> str:
    number = meta.number_or_none("status") or 1
    if number not in _STATUSES:
        raise InvalidError(f"{meta.path}: no run has the status {number}")
    return _STATUSES[number]
