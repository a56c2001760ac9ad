"""Deleting and restoring runs and data versions: decisions, each with its reason in the ledger."""

from collections.abc import Sequence
from dataclasses import replace

from headwater.errors import RefusedError
from headwater.model import builtin
from headwater.model.data import DataVersion
from headwater.model.filters import Comparison, Field, Operator, Scope
from headwater.model.graph import Artifact, Context, EventType, NodeKind
from headwater.model.ids import ArtifactId, ExecutionId
from headwater.model.ledger import check_reason
from headwater.model.listing import Listing
from headwater.model.protocols import Store
from headwater.model.refs import NodeIdRef, RunRef
from headwater.model.runs import Run
from headwater.model.upkeep import Subject

_NAMED = 3
"""How many versions a refusal names."""
_PAGE = 1_000


def delete_runs(store: Store, runs: Sequence[Run], *, actor: str, reason: str, force: bool = False) -> None:
    """Mark runs as deleted, all or none.

    Lists and search leave them out; lineage still shows them, also after `gc`. The files that a run
    logged go with it, unless another execution uses them; registered versions do not.

    Args:
        store: Where they are.
        runs: Which.
        actor: Who decides.
        reason: Why; kept in the ledger.
        force: Also runs whose model versions are registered and not deleted.

    Raises:
        RefusedError: the reason is empty, or a run has made registered versions and `force` is not set.
    """
    check_reason(reason)
    chosen = subjects_of_runs(store, runs, force=force)
    store.upkeep.delete(chosen, actor=actor, reason=reason)


def subjects_of_runs(store: Store, runs: Sequence[Run], *, force: bool = False) -> list[Subject]:
    """Return what goes when runs are deleted.

    Raises:
        RefusedError: a run has made registered versions and `force` is not set.
    """
    made = [] if force else _registered(store, runs)
    if made:
        more = f" and {len(made) - _NAMED} more" if len(made) > _NAMED else ""
        raise RefusedError(
            f"{', '.join(made[:_NAMED])}{more} came from these runs; with force they are deleted all the "
            "same, and the lineage of the versions still names them"
        )
    parts = _own_artifacts(store, runs)
    live = [run for run in runs if run.deleted_ms is None]
    return [_subject(run, [a for a in parts[run.id] if a.deleted_ms is None]) for run in live]


def restored_with_runs(store: Store, runs: Sequence[Run]) -> list[Subject]:
    """Return what comes back when runs are restored."""
    # What was deleted in the same moment went with the run.
    parts = _own_artifacts(store, runs)
    return [_subject(run, [a for a in parts[run.id] if a.deleted_ms == run.deleted_ms]) for run in runs]


def restore_runs(store: Store, runs: Sequence[Run], *, actor: str, reason: str) -> None:
    """Take the mark of deletion of runs away, and of the files that went with them, all or none.

    Raises:
        RefusedError: the reason is empty.
    """
    check_reason(reason)
    store.upkeep.restore(restored_with_runs(store, runs), actor=actor, reason=reason)


def delete_experiment(store: Store, experiment: Context, *, actor: str, reason: str) -> None:
    """Mark an experiment and its runs with their files as deleted, all or none.

    Raises:
        RefusedError: the reason is empty.
    """
    check_reason(reason)
    runs = [run for run in _runs_of(store, experiment) if run.deleted_ms is None]
    parts = _own_artifacts(store, runs)
    chosen = [_subject(run, [a for a in parts[run.id] if a.deleted_ms is None]) for run in runs]
    store.upkeep.delete([_experiment_subject(experiment), *chosen], actor=actor, reason=reason)


def restore_experiment(store: Store, experiment: Context, *, actor: str, reason: str) -> None:
    """Take the deletion of an experiment back, and that of the runs and files that went with it.

    Raises:
        RefusedError: the reason is empty.
    """
    check_reason(reason)
    runs = [run for run in _runs_of(store, experiment) if run.deleted_ms == experiment.deleted_ms]
    parts = _own_artifacts(store, runs)
    chosen = [_subject(run, [a for a in parts[run.id] if a.deleted_ms == run.deleted_ms]) for run in runs]
    store.upkeep.restore([_experiment_subject(experiment), *chosen], actor=actor, reason=reason)


def delete_data(store: Store, versions: Sequence[DataVersion], *, actor: str, reason: str) -> None:
    """Mark data versions as deleted, all or none; recording the same content again restores one.

    Raises:
        RefusedError: the reason is empty.
    """
    check_reason(reason)
    store.upkeep.delete([data_subject(version) for version in versions], actor=actor, reason=reason)


def restore_data(store: Store, versions: Sequence[DataVersion], *, actor: str, reason: str) -> None:
    """Take the mark of deletion of data versions away, all or none.

    Raises:
        RefusedError: the reason is empty.
    """
    check_reason(reason)
    store.upkeep.restore([data_subject(version) for version in versions], actor=actor, reason=reason)


def _registered(store: Store, runs: Sequence[Run]) -> list[str]:
    events = store.links.events_of_executions([run.id for run in runs])
    made = sorted({event.artifact_id for event in events if event.type.is_output})
    versions = store.models.by_artifact_ids([ArtifactId(i) for i in made])
    return [version.ref for version in versions if version.deleted_ms is None]


def _own_artifacts(store: Store, runs: Sequence[Run]) -> dict[ExecutionId, list[Artifact]]:
    """Return the files that each run logged and no other execution has to do with."""
    made: dict[ArtifactId, ExecutionId] = {}
    for event in store.links.events_of_executions([run.id for run in runs]):
        if event.type is EventType.OUTPUT:
            made[event.artifact_id] = event.execution_id
    shared = {
        e.artifact_id
        for e in store.links.events_of_artifacts([*made])
        if e.execution_id != made[e.artifact_id]
    }
    own: dict[ExecutionId, list[Artifact]] = {run.id: [] for run in runs}
    for artifact in store.artifacts.get([i for i in made if i not in shared]):
        if artifact.type_name == builtin.ARTIFACT.name and artifact.removed_ms is None:
            own[made[artifact.id]].append(artifact)
    return own


def _runs_of(store: Store, experiment: Context) -> list[Run]:
    mine = Comparison(Field(Scope.ATTRIBUTE, "experiment_id"), Operator.EQ, experiment.id)
    listing = Listing(filter=mine, with_deleted=True, limit=_PAGE)
    found: list[Run] = []
    while True:
        page = store.runs.page(listing, with_metrics=False)
        found += page.items
        if page.next_token is None:
            return found
        listing = replace(listing, page_token=page.next_token)


def _experiment_subject(experiment: Context) -> Subject:
    ref = str(NodeIdRef("contexts", experiment.id))
    return Subject(kind=NodeKind.CONTEXT, id=experiment.id, ref=ref)


def _subject(run: Run, parts: Sequence[Artifact]) -> Subject:
    ref = str(RunRef(run.run_id))
    return Subject(kind=NodeKind.EXECUTION, id=run.id, ref=ref, parts=tuple(a.id for a in parts))


def data_subject(version: DataVersion) -> Subject:
    """Return a data version as what is deleted or restored."""
    return Subject(kind=NodeKind.ARTIFACT, id=version.id, ref=version.ref)
