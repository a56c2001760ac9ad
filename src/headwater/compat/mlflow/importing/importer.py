"""An import: experiments, then runs with all that they logged, then models; each part adds what is new."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from headwater.compat.counting import TableCount, Watch, silent
from headwater.compat.mlflow.experiments import Experiments
from headwater.compat.mlflow.importing.models import ModelImport
from headwater.compat.mlflow.importing.runs import RunImport
from headwater.compat.mlflow.importing.tables import ExperimentRow, MlflowTables
from headwater.model.graph import ContextChange, NewContext, NodeKind
from headwater.model.ids import ContextId
from headwater.model.protocols import BlobStore, Store

T = TypeVar("T")

ACTOR: Final = "mlflow-import"
"""Whom the ledger names for what an import decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MlflowReport:
    """What came of an import.

    Attributes:
        tables: Counts by MLflow's names of what they count.
        elsewhere: URIs of files that could not be copied from here; they are kept as they are.
        refused: What could not be read or stored, and why.
    """

    tables: Mapping[str, TableCount]
    elsewhere: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """True when everything of the source is in the store."""
        return not self.refused and not any(table.missing for table in self.tables.values())


def import_mlflow(
    source: MlflowTables, store: Store, blobs: BlobStore, *, watch: Watch = silent
) -> MlflowReport:
    """Bring what MLflow stored into a store: run ids, model ids, version numbers and times are kept.

    Run again, it adds what is new: runs and points that came since, versions under higher numbers, aliases
    and stages of models that only the import has written. Files on a disk of this machine are copied, links
    left out; of others the URI is kept.

    Args:
        source: A database, or what stands for one.
        store: Where to.
        blobs: Where the bytes of files go.
        watch: Told how far the import is.

    Returns:
        Counts by table, the source's and the store's.
    """
    experiments = Experiments(store)
    counts: dict[str, TableCount] = {}
    numbers = _import_experiments(source, store, experiments, counts)
    runs = RunImport(source, store, blobs, numbers, counts)
    for row in _watched(watch, "import runs", source.runs()):
        runs.take(row)
    models = ModelImport(source, store, blobs, experiments, numbers, counts)
    for logged in _watched(watch, "import logged models", source.logged_models()):
        models.take_logged(logged)
    runs.take_ties()
    for name in _watched(watch, "import registered models", source.registered_models()):
        models.take_registered(name)
    if source.damaged:
        counts["damaged files"] = TableCount(source=len(source.damaged))
    return MlflowReport(
        tables=counts,
        elsewhere=(*runs.elsewhere, *models.elsewhere),
        refused=(*source.damaged, *runs.refused, *models.refused),
    )


def _import_experiments(
    source: MlflowTables, store: Store, experiments: Experiments, counts: dict[str, TableCount]
) -> dict[int, ContextId]:
    tags = source.pairs("experiment_tags", "experiment_id")
    found: dict[int, ContextId] = {}
    count = counts["experiments"] = TableCount()
    for row in source.experiments():
        count.source += 1
        found[row.experiment_id] = _experiment(
            row, store, experiments, tags.get(row.experiment_id, {}), count
        )
        count.store += 1
    return found


def _experiment(
    row: ExperimentRow,
    store: Store,
    experiments: Experiments,
    tags: Mapping[str, str],
    count: TableCount,
) -> ContextId:
    if row.experiment_id == 0:
        experiments.default_id()
    here = store.contexts.find(experiments.type_id, row.name)
    if here is not None:
        new_tags = {key: value for key, value in tags.items() if key not in here.custom_properties}
        store.contexts.update([ContextChange(id=here.id, custom_properties=new_tags)])
        return here.id
    location = row.artifact_location or ""
    # Files on this disk are copied, and served from here; the place of others stays.
    is_elsewhere = "://" in location and not location.startswith("file:")
    new = NewContext(
        type_id=experiments.type_id,
        name=row.name,
        properties={"artifact_location": location} if is_elsewhere else {},
        custom_properties=tags,
    )
    (made,) = store.contexts.add([new])
    created = row.creation_time
    if created is not None:
        store.transfer.date(NodeKind.CONTEXT, {made: (created, row.last_update_time or created)})
    if row.lifecycle_stage == "deleted":
        store.contexts.delete([made])
    count.added += 1
    return made


def _watched(watch: Watch, step: str, items: list[T]) -> Iterator[T]:
    for done, item in enumerate(items, 1):
        yield item
        watch(step, done, len(items))
