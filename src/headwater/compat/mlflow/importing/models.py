"""Logged models, and registered models with versions, stages and aliases."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from headwater.compat.counting import TableCount
from headwater.compat.mlflow.experiments import Experiments
from headwater.compat.mlflow.importing.files import FileTree, copy_files
from headwater.compat.mlflow.importing.tables import LoggedModelRow, MlflowTables, ModelRow, VersionRow
from headwater.compat.mlflow.locations import experiment_location
from headwater.compat.mlflow.logged_model_calls import model_location
from headwater.compat.mlflow.logged_models import STATES, LoggedModels, note_model_metrics
from headwater.compat.mlflow.model_files import ModelFiles
from headwater.compat.mlflow.registry_rules import LATEST, stage_of
from headwater.errors import HeadwaterError, NotFoundError
from headwater.model.graph import Artifact, NewArtifact, NodeKind
from headwater.model.ids import ContextId, RunId
from headwater.model.models import NewVersion, Transition
from headwater.model.protocols import BlobStore, Store

ACTOR: Final = "mlflow-import"
REASON: Final = "as it was in MLflow"
METRIC_COLUMNS: Final = (
    "model_id",
    "metric_name",
    "metric_timestamp_ms",
    "metric_step",
    "metric_value",
    "run_id",
    "dataset_name",
    "dataset_digest",
)
DELETED: Final = "Deleted_Internal"
"""The stage of versions that MLflow keeps the number of and nothing else."""


class MetricRow(NamedTuple):
    """A row of `logged_model_metrics`, under the names that a logged metric has."""

    model_id: str
    key: str
    timestamp: int
    step: int
    value: float
    run_id: str
    dataset_name: str
    dataset_digest: str


class ModelImport:
    """Takes models over, one after the other."""

    def __init__(
        self,
        source: MlflowTables,
        store: Store,
        blobs: BlobStore,
        experiments: Experiments,
        numbers: Mapping[int, ContextId],
        counts: dict[str, TableCount],
    ) -> None:
        """Take where from and where to, which experiment is which, and where to count."""
        self._source, self._store, self._blobs = source, store, blobs
        self._experiments, self._numbers, self._counts = experiments, numbers, counts
        self._models = LoggedModels(store)
        logged = ("model_id",)
        self._logged_tags = source.pairs("logged_model_tags", *logged, key="tag_key", value="tag_value")
        self._logged_params = source.pairs(
            "logged_model_params", *logged, key="param_key", value="param_value"
        )
        self._model_tags = source.pairs("registered_model_tags", "name")
        self._aliases = source.pairs("registered_model_aliases", "name", key="alias", value="version")
        self._metrics: dict[str, list[MetricRow]] = {}
        for row in source.rows("logged_model_metrics", *METRIC_COLUMNS):
            point = MetricRow._make((*row[:6], row[6] or "", row[7] or ""))
            self._metrics.setdefault(point.model_id, []).append(point)
        self._versions: dict[str, list[VersionRow]] = {}
        for row in source.versions():
            self._versions.setdefault(row.name, []).append(row)
        self._version_tags: dict[tuple[str, int], dict[str, str]] = {}
        for name, version, key, value in source.rows("model_version_tags", "name", "version", "key", "value"):
            self._version_tags.setdefault((name, version), {})[key] = value or ""
        for table in ("logged_models", "registered_models", "model_versions", "aliases", "model files"):
            counts.setdefault(table, TableCount())
        self.elsewhere: list[str] = []
        self.refused: list[str] = []

    def take_logged(self, row: LoggedModelRow) -> None:
        """Take one logged model over, if it is not here."""
        count = self._counts["logged_models"]
        count.source += 1
        try:
            if not self._store.artifacts.by_external_ids([row.model_id]):
                self._add_logged(row)
                count.added += 1
        except HeadwaterError as error:
            self.refused.append(f"logged model {row.model_id}: {error}")
            return
        count.store += len(self._store.artifacts.by_external_ids([row.model_id]))

    def take_registered(self, row: ModelRow) -> None:
        """Take one registered model over, with the versions that are new."""
        count = self._counts["registered_models"]
        count.source += 1
        try:
            count.added += self._register(row)
            count.store += 1
            added = [each for each in self._versions.get(row.name, []) if self._add_version(each)]
            for version in added:
                self._move(version)
            self._point_aliases(row.name)
        except HeadwaterError as error:
            self.refused.append(f"model {row.name!r}: {error}")
        self._recount(row.name)

    def _add_logged(self, row: LoggedModelRow) -> None:
        experiment = self._numbers[row.experiment_id]
        tree = self._source.files.tree(row.artifact_location)
        (context,) = self._store.contexts.get([experiment])
        base = experiment_location(context, self._experiments.name_of(experiment))
        facts = {"name": row.name, "kind": row.model_type, "source_run": row.source_run_id}
        new = NewArtifact(
            type_id=self._models.type_id,
            external_id=row.model_id,
            uri=row.artifact_location if tree is None else model_location(base, row.model_id),
            state=[*STATES.values()][row.status - 1],
            properties={key: value for key, value in facts.items() if value},
            custom_properties=self._logged_tags.get(row.model_id, {}),
            params=self._logged_params.get(row.model_id, {}),
        )
        made = self._models.add(new, experiment)
        self._note_metrics(row.model_id)
        self._models.link_run(made)
        if tree is not None:
            self._copy(row.model_id, tree)
        else:
            self.elsewhere.append(row.artifact_location)
        times = (row.creation_timestamp_ms, row.last_updated_timestamp_ms)
        self._store.transfer.date(NodeKind.ARTIFACT, {made.id: times})
        if row.lifecycle_stage == "deleted":
            self._store.artifacts.delete([made.id])

    def _note_metrics(self, model_id: str) -> None:
        for point in self._metrics.get(model_id, []):
            note_model_metrics(self._store, point.run_id, [point])

    def _copy(self, model_id: str, tree: FileTree) -> None:
        files = ModelFiles(self._store, self._blobs, lambda: self._models.get(model_id))
        self._counts["model files"].source += copy_files(tree, files, self._blobs)
        self._counts["model files"].store += len(files.files())

    def _register(self, row: ModelRow) -> int:
        try:
            self._store.models.get(row.name)
        except NotFoundError:
            model = self._store.models.register(
                row.name,
                description=row.description or None,
                tags=self._model_tags.get(row.name, {}),
                actor=ACTOR,
                is_new=True,
            )
            if row.creation_time is not None:
                times = (row.creation_time, row.last_updated_time or row.creation_time)
                self._store.transfer.date(NodeKind.CONTEXT, {model.id: times})
            return 1
        return 0

    def _add_version(self, row: VersionRow) -> bool:
        """Register a version under its number, if that is new; numbers that MLflow lost are skipped."""
        newest = self._newest(row.name)
        if row.version <= newest:
            return False
        for number in range(newest + 1, row.version):
            self._store.models.add_version(NewVersion(model=row.name), actor=ACTOR)
            self._store.models.delete(row.name, number, actor=ACTOR, reason=REASON)
        if row.current_stage == DELETED:
            self._store.models.add_version(NewVersion(model=row.name), actor=ACTOR)
            self._store.models.delete(row.name, row.version, actor=ACTOR, reason=REASON)
            return False
        made = self._store.models.add_version(self._new_version(row), actor=ACTOR)
        if made.created_ms and row.creation_time is not None:
            times = (row.creation_time, row.last_updated_time or row.creation_time)
            self._store.transfer.date(NodeKind.ARTIFACT, {made.id: times})
        return True

    def _new_version(self, row: VersionRow) -> NewVersion:
        facts = {"source": row.source or "", "run_link": row.run_link or ""}
        runs = self._store.runs.get([RunId(row.run_id)]) if row.run_id else []
        if row.run_id and not runs:
            facts["source_run"] = row.run_id
        model = self._logged(row)
        is_free = model is not None and not self._store.models.by_artifact_ids([model.id])
        location = row.storage_location or row.source
        return NewVersion(
            model=row.name,
            description=row.description or None,
            properties={key: value for key, value in facts.items() if value},
            tags=self._version_tags.get((row.name, row.version), {}),
            execution_id=runs[0].id if runs else None,
            artifact_id=model.id if model is not None and is_free else None,
            uri=model.uri if model is not None else location,
            digest=model.digest if model is not None else None,
            size_bytes=model.size_bytes if model is not None else None,
        )

    def _logged(self, row: VersionRow) -> Artifact | None:
        """Return the logged model that a version is, by its source or where its files are."""
        for uri in (row.source or "", row.storage_location or ""):
            for part in uri.replace(":", "/").split("/"):
                if part.startswith("m-") and len(part) > len("m-"):
                    found = self._store.artifacts.by_external_ids([part])
                    if found and found[0].deleted_ms is None:
                        return found[0]
        return None

    def _move(self, row: VersionRow) -> None:
        stage = stage_of(row.current_stage)
        if self._store.models.version(row.name, row.version).stage != stage:
            wanted = Transition(model=row.name, version=row.version, to=stage, reason=REASON, actor=ACTOR)
            self._store.models.transition(wanted)

    def _point_aliases(self, name: str) -> None:
        stored = self._store.models.get(name).aliases
        for alias, version in self._aliases.get(name, {}).items():
            if alias not in stored:
                self._store.models.set_alias(name, alias, int(version), actor=ACTOR, reason=REASON)

    def _newest(self, name: str) -> int:
        """Return the highest number that was ever given."""
        number = self._store.models.get(name).version_count
        try:
            number = max(number, self._store.models.resolve(name, LATEST).version)
        except NotFoundError:
            number = 0
        # Deleted ones may have higher numbers still.
        while self._has(name, number + 1):
            number += 1
        return number

    def _has(self, name: str, number: int) -> bool:
        try:
            self._store.models.version(name, number)
        except NotFoundError:
            return False
        return True

    def _recount(self, name: str) -> None:
        rows = [row for row in self._versions.get(name, []) if row.current_stage != DELETED]
        versions, aliases = self._counts["model_versions"], self._counts["aliases"]
        versions.source += len(rows)
        aliases.source += len(self._aliases.get(name, {}))
        try:
            model = self._store.models.get(name)
        except NotFoundError:
            return
        versions.store += sum(self._has(name, row.version) for row in rows)
        aliases.store += len(self._aliases.get(name, {}).keys() & model.aliases.keys())
