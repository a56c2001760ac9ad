"""Runs with their params, tags, metric histories, data and files."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final

from headwater.compat.counting import TableCount
from headwater.compat.mlflow.files import RunFiles
from headwater.compat.mlflow.importing.files import copy_files
from headwater.compat.mlflow.importing.tables import BATCH, MlflowTables, RunRow
from headwater.compat.mlflow.run_edges import Dataset, path_of, record_dataset
from headwater.errors import HeadwaterError
from headwater.model import builtin
from headwater.model.graph import (
    KEEP,
    ArtifactLink,
    EventPath,
    EventType,
    ExecutionChange,
    NodeKind,
    Publication,
)
from headwater.model.ids import ArtifactId, ContextId, RunId
from headwater.model.protocols import BlobStore, Store
from headwater.model.runs import NewRun, Run, RunChange, RunStatus
from headwater.model.series import Points, SeriesBatch

Row = tuple[int, int, float]
PARENT: Final = "mlflow.parentRunId"
POINTS: Final = 100_000
"""Points that are stored at once."""


class RunImport:
    """Takes runs over, one after the other."""

    def __init__(
        self,
        source: MlflowTables,
        store: Store,
        blobs: BlobStore,
        numbers: Mapping[int, ContextId],
        counts: dict[str, TableCount],
    ) -> None:
        """Take where from and where to, which experiment is which, and where to count."""
        self._source, self._store, self._blobs = source, store, blobs
        self._names = {
            number: context.name or ""
            for number, context in zip(numbers, store.contexts.get([*numbers.values()]), strict=True)
        }
        self._ids = [row.run_uuid for row in source.runs()]
        self._place = {run: place for place, run in enumerate(self._ids)}
        self._params: dict[str, dict[str, str]] = {}
        self._tags: dict[str, dict[str, str]] = {}
        self._data = _Data(source, store)
        (self._file_type,) = store.types.put([builtin.ARTIFACT], can_add=True, can_omit=True)
        for table in ("runs", "params", "tags", "metrics", "artifacts"):
            counts.setdefault(table, TableCount())
        self._counts = counts
        self.elsewhere: list[str] = []
        self.refused: list[str] = []

    def take(self, row: RunRow) -> None:
        """Take one run over, or what is new of it."""
        self._read_ahead(row.run_uuid)
        params, tags = self._params.get(row.run_uuid, {}), self._tags.get(row.run_uuid, {})
        metrics = self._source.metrics(row.run_uuid)
        self._counts["runs"].source += 1
        self._counts["params"].source += len(params)
        self._counts["tags"].source += len(tags)
        self._counts["metrics"].source += sum(len(set(map(_key, points))) for points in metrics.values())
        try:
            run = self._run(row, params, tags)
            for key, points in metrics.items():
                self._append(run, key, points)
            self._data.tie(run, row.run_uuid)
            self._copy(row, run)
        except HeadwaterError as error:
            self.refused.append(f"run {row.run_uuid}: {error}")
            return
        self._recount(run.run_id, params, tags, metrics)

    def take_ties(self) -> None:
        """Take over which models runs read and made, once the models are here."""
        columns = ("source_type", "source_id", "destination_type", "destination_id", "step")
        models = {"RUN_INPUT": EventType.INPUT, "RUN_OUTPUT": EventType.OUTPUT}
        rows = [row for row in self._source.rows("inputs", *columns) if row[0] in models]
        count = self._counts["model inputs and outputs"] = TableCount(source=len(rows))
        for kind, run_id, _, model_id, step in rows:
            runs = self._store.runs.get([RunId(run_id)])
            found = self._store.artifacts.by_external_ids([model_id])
            if not runs or not found:
                continue
            name = str(found[0].properties.get("name", "model"))
            path: EventPath = (name, step or 0) if kind == "RUN_OUTPUT" else (name,)
            tie = ArtifactLink(artifact=found[0].id, type=models[kind], path=path)
            self._store.links.publish(Publication(execution=ExecutionChange(id=runs[0].id), artifacts=[tie]))
            count.store += 1

    def _read_ahead(self, run_id: str) -> None:
        place = self._place[run_id]
        if place % BATCH == 0:
            batch = self._ids[place : place + BATCH]
            self._params = self._source.of_runs("params", batch)
            self._tags = self._source.of_runs("tags", batch)

    def _run(self, row: RunRow, params: Mapping[str, str], tags: Mapping[str, str]) -> Run:
        here = self._store.runs.get([RunId(row.run_uuid)])
        run = here[0] if here else self._start(row, params, tags)
        if here:
            self._store.runs.log_params(run.id, {k: v for k, v in params.items() if k not in run.params})
        else:
            self._counts["runs"].added += 1
        missing = {key: value for key, value in tags.items() if key not in run.tags}
        status = RunStatus[row.status]
        end_ms = KEEP if row.end_time is None or run.end_ms is not None else row.end_time
        if missing or end_ms is not KEEP or run.status is not status:
            change = RunChange(id=run.id, status=status, tags=missing, end_ms=end_ms)
            run = self._store.runs.update(change)
        if row.lifecycle_stage == "deleted" and run.deleted_ms is None:
            self._store.executions.delete([run.id])
        return run

    def _start(self, row: RunRow, params: Mapping[str, str], tags: Mapping[str, str]) -> Run:
        parents = self._store.runs.get([RunId(tags[PARENT])]) if PARENT in tags else []
        new = NewRun(
            run_id=RunId(row.run_uuid),
            experiment=self._names[row.experiment_id],
            name=row.name or tags.get("mlflow.runName"),
            status=RunStatus[row.status],
            start_ms=row.start_time,
            user=row.user_id or None,
            parent_id=parents[0].id if parents else None,
            params=params,
            tags=tags,
        )
        run = self._store.runs.start(new)
        if row.start_time is not None:
            times = (row.start_time, row.end_time or row.start_time)
            self._store.transfer.date(NodeKind.EXECUTION, {run.id: times})
        return run

    def _append(self, run: Run, key: str, points: Sequence[Row]) -> None:
        stored = {_key(point) for point in self._store.series.read(run.id, key).rows()}
        new = [point for point in points if _key(point) not in stored]
        for start in range(0, len(new), POINTS):
            batch = SeriesBatch(
                execution_id=run.id,
                key=key,
                writer=_writer(run.run_id),
                # Counted by what was there before: the same import again sends the same batches.
                batch=len(stored) + start + 1,
                points=Points.of(new[start : start + POINTS]),
            )
            self._store.series.append([batch])
            self._counts["metrics"].added += len(batch.points.steps)

    def _copy(self, row: RunRow, run: Run) -> None:
        tree = self._source.files.tree(row.artifact_uri)
        if tree is None:
            if row.artifact_uri is not None and self._source.files.is_elsewhere(row.artifact_uri):
                self.elsewhere.append(row.artifact_uri)
            return
        files = RunFiles(self._store, self._blobs, run, self._file_type)
        self._counts["artifacts"].source += copy_files(tree, files, self._blobs)
        self._counts["artifacts"].store += len(files.files())

    def _recount(
        self,
        run_id: RunId,
        params: Mapping[str, str],
        tags: Mapping[str, str],
        metrics: Mapping[str, Sequence[Row]],
    ) -> None:
        (run,) = self._store.runs.get([run_id])
        self._counts["runs"].store += 1
        self._counts["params"].store += len(params.keys() & run.params.keys())
        self._counts["tags"].store += len(tags.keys() & run.tags.keys())
        for key, points in metrics.items():
            stored = {_key(point) for point in self._store.series.read(run.id, key).rows()}
            self._counts["metrics"].store += len({_key(point) for point in points} & stored)


class _Data:
    """Which data runs read."""

    def __init__(self, source: MlflowTables, store: Store) -> None:
        self._store = store
        columns = ("dataset_uuid", "name", "digest", "dataset_source_type", "dataset_source")
        more = ("dataset_schema", "dataset_profile")
        self._sets = {row[0]: row[1:] for row in source.rows("datasets", *columns, *more)}
        self._tags = source.pairs("input_tags", "input_uuid", key="name")
        self._uses: dict[str, list[tuple[str, str]]] = {}
        columns = ("source_type", "source_id", "destination_type", "destination_id", "input_uuid")
        for kind, dataset, _, run, use in source.rows("inputs", *columns):
            if kind == "DATASET":
                self._uses.setdefault(run, []).append((dataset, use))
        self._versions: dict[str, ArtifactId] = {}

    def tie(self, run: Run, run_id: str) -> None:
        """Make the data that a run read its inputs."""
        ties = [
            ArtifactLink(
                artifact=self._version(dataset),
                type=EventType.INPUT,
                path=path_of(self._sets[dataset][0], [*self._tags.get(use, {}).items()]),
            )
            for dataset, use in self._uses.get(run_id, [])
            if dataset in self._sets
        ]
        if ties:
            publication = Publication(execution=ExecutionChange(id=run.id), artifacts=ties)
            self._store.links.publish(publication)

    def _version(self, dataset: str) -> ArtifactId:
        if dataset not in self._versions:
            described = Dataset(*(text or "" for text in self._sets[dataset]))
            self._versions[dataset] = record_dataset(self._store, described)
        return self._versions[dataset]


def _writer(run_id: str) -> int:
    """Return the number under which an import writes a run's metrics, the same each time."""
    return int.from_bytes(blake2b(f"mlflow {run_id}".encode(), digest_size=8).digest()) >> 1 or 1


def _key(point: Row) -> tuple[int, int, str]:
    # NaN is not equal to itself; its text is.
    return point[0], point[1], repr(float(point[2]))
