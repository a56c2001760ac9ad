"""MLflow's database, read by rows of named columns."""

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from headwater.errors import InvalidError
from headwater.model.protocols import ForeignTables
from headwater.store import open_foreign

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


class MlflowTables:
    """The tables of MLflow's database at one moment."""

    def __init__(self, tables: ForeignTables) -> None:
        """Take the tables of a database.

        Raises:
            InvalidError: they are not MLflow's.
        """
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

    def count(self, table: str) -> int:
        """Count the rows of a table."""
        return self._tables.count(table)

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


def open_tables(source: str) -> MlflowTables:
    """Open MLflow's database for reading.

    Args:
        source: `sqlite:///PATH`, `postgresql://…` or `mysql://…`, as MLflow is given it.

    Raises:
        InvalidError: it is another kind of source, or holds no tables of MLflow.
        NotFoundError, UnavailableError: it is not there, or cannot be reached.
    """
    if "://" not in source or source.startswith(("http:", "https:", "file:")):
        raise InvalidError(
            f"{source!r} is no database of MLflow's: name the one that its server was started with, "
            "such as sqlite:///mlflow.db or postgresql://… (its --backend-store-uri)"
        )
    scheme, mark, rest = source.partition("://")
    # MLflow's URLs may name a driver, as SQLAlchemy's do.
    return MlflowTables(open_foreign(scheme.partition("+")[0] + mark + rest))


def _grouped(rows: Sequence[Sequence[Any]]) -> dict[Any, dict[str, str]]:
    found: dict[Any, dict[str, str]] = {}
    for owner, key, value in rows:
        found.setdefault(owner, {})[key] = value or ""
    return found
