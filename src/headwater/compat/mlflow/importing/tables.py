"""MLflow's database, read by rows of named columns."""

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple, Protocol, Self

from headwater.compat.mlflow.importing.files import DiskFiles, Files
from headwater.errors import InvalidError

BATCH: Final = 200
"""Runs whose rows are read at once."""


class RunRow(NamedTuple):
    """A row of `runs`. Times are milliseconds since the epoch."""

    run_uuid: str
    name: str | None
    user_id: str | None
    status: str
    start_time: int | None
    end_time: int | None
    lifecycle_stage: str
    artifact_uri: str | None
    experiment_id: int


class ExperimentRow(NamedTuple):
    """A row of `experiments`."""

    experiment_id: int
    name: str
    artifact_location: str | None
    lifecycle_stage: str
    creation_time: int | None
    last_update_time: int | None


class LoggedModelRow(NamedTuple):
    """A row of `logged_models`."""

    model_id: str
    experiment_id: int
    name: str
    artifact_location: str
    creation_timestamp_ms: int
    last_updated_timestamp_ms: int
    status: int
    lifecycle_stage: str
    model_type: str | None
    source_run_id: str | None


class ModelRow(NamedTuple):
    """A row of `registered_models`."""

    name: str
    creation_time: int | None
    last_updated_time: int | None
    description: str | None


class VersionRow(NamedTuple):
    """A row of `model_versions`."""

    name: str
    version: int
    creation_time: int | None
    last_updated_time: int | None
    description: str | None
    current_stage: str
    source: str | None
    run_id: str | None
    run_link: str | None
    storage_location: str | None


class Rows(Protocol):
    """What is read of a database: `headwater.model.protocols.ForeignTables` is one."""

    def has(self, table: str, /) -> bool:
        """Tell whether there is such a table."""
        ...

    def all(self, table: str, columns: Sequence[str], /) -> Sequence[Sequence[Any]]:
        """Return all rows of a small table; a table or column that is not there is empty, or None."""
        ...

    def among(
        self, table: str, columns: Sequence[str], /, *, key: str, values: Sequence[str]
    ) -> Sequence[Sequence[Any]]:
        """Return the rows whose `key` is one of some texts, in no order."""
        ...

    def close(self) -> None:
        """Give back what was taken."""
        ...


class MlflowTables:
    """The tables of MLflow's database, or what another source has of them."""

    def __init__(self, tables: Rows, *, files: Files | None = None, damaged: Sequence[str] = ()) -> None:
        """Take the tables of a source.

        Args:
            tables: The rows.
            files: Where files are had; on a disk of this machine without it.
            damaged: What could not be read; more may be told while rows are read.

        Raises:
            InvalidError: the tables are not MLflow's.
        """
        self.files = files or DiskFiles()
        self.damaged = damaged
        self._tables = tables
        if not (tables.has("experiments") and tables.has("runs")):
            tables.close()
            raise InvalidError("the database has no tables of MLflow: it needs `experiments` and `runs`")

    def experiments(self) -> list[ExperimentRow]:
        """Return all experiments, by id."""
        return sorted(self._all("experiments", ExperimentRow))

    def runs(self) -> list[RunRow]:
        """Return all runs, those that started first first, so that parents come before their children."""
        return sorted(self._all("runs", RunRow), key=lambda row: (row.start_time or 0, row.run_uuid))

    def logged_models(self) -> list[LoggedModelRow]:
        """Return all logged models, oldest first."""
        return sorted(self._all("logged_models", LoggedModelRow), key=lambda r: r.creation_timestamp_ms)

    def registered_models(self) -> list[ModelRow]:
        """Return all registered models, by name."""
        return sorted(self._all("registered_models", ModelRow))

    def versions(self) -> list[VersionRow]:
        """Return all versions, by model and number, those that MLflow has deleted among them."""
        return sorted(self._all("model_versions", VersionRow), key=lambda row: (row.name, row.version))

    def pairs(
        self, table: str, owner: str, *, key: str = "key", value: str = "value"
    ) -> dict[Any, dict[str, str]]:
        """Return the keys and values of a small table by whose they are."""
        return _grouped(self._tables.all(table, (owner, key, value)))

    def of_runs(self, table: str, runs: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return params or tags of some runs."""
        return _grouped(self._tables.among(table, ("run_uuid", "key", "value"), key="run_uuid", values=runs))

    def metrics(self, run: str) -> dict[str, list[tuple[int, int, float]]]:
        """Return the (step, time, value) points of a run's metrics by name."""
        columns = ("key", "step", "timestamp", "value", "is_nan")
        found: dict[str, list[tuple[int, int, float]]] = {}
        for key, step, time_ms, value, is_nan in self._tables.among(
            "metrics", columns, key="run_uuid", values=[run]
        ):
            found.setdefault(key, []).append((step, time_ms, float("nan") if is_nan else value))
        return found

    def rows(self, table: str, *columns: str) -> Sequence[Sequence[Any]]:
        """Return some columns of a small table."""
        return self._tables.all(table, columns)

    def close(self) -> None:
        """Give the connection back."""
        self._tables.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _all(self, table: str, row: Any) -> Iterable[Any]:
        return [row(*values) for values in self._tables.all(table, row._fields)]


def _grouped(rows: Sequence[Sequence[Any]]) -> dict[Any, dict[str, str]]:
    found: dict[Any, dict[str, str]] = {}
    for owner, key, value in rows:
        found.setdefault(owner, {})[key] = value or ""
    return found
