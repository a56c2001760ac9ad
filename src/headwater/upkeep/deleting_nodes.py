"""Deleting and restoring nodes by id: what stands behind a node decides how."""

from collections.abc import Callable, Iterable, Sequence

from headwater.errors import RefusedError
from headwater.model import builtin
from headwater.model.graph import NodeKind
from headwater.model.ids import ArtifactId, ContextId, ExecutionId
from headwater.model.ledger import check_reason
from headwater.model.protocols import Store
from headwater.model.refs import NodeIdRef
from headwater.model.runs import Run
from headwater.model.upkeep import Subject
from headwater.upkeep.deleting import data_subject, restored_with_runs, subjects_of_runs

_WORDS = {NodeKind.ARTIFACT: "artifacts", NodeKind.EXECUTION: "executions", NodeKind.CONTEXT: "contexts"}


def delete_nodes(store: Store, kind: NodeKind, ids: Sequence[int], *, actor: str, reason: str) -> None:
    """Mark nodes of one kind as deleted, all or none; a run goes with the files that it alone logged.

    Args:
        store: Where they are.
        kind: Of all of them.
        ids: Which; those that are deleted already stay as they are.
        actor: Who decides.
        reason: Why; kept in the ledger.

    Raises:
        NotFoundError: an id is not stored.
        RefusedError: the reason is empty; a node is a registered model or a version of one, which have a
            deletion of their own; or a run made versions that are registered.
    """
    check_reason(reason)
    store.upkeep.delete(_subjects(store, kind, ids, subjects_of_runs), actor=actor, reason=reason)


def restore_nodes(store: Store, kind: NodeKind, ids: Sequence[int], *, actor: str, reason: str) -> None:
    """Take the mark of deletion of nodes away, all or none.

    Raises:
        NotFoundError, RefusedError: as in `delete_nodes`; what was removed for good cannot be restored.
    """
    check_reason(reason)
    store.upkeep.restore(_subjects(store, kind, ids, restored_with_runs), actor=actor, reason=reason)


def _subjects(
    store: Store, kind: NodeKind, ids: Sequence[int], of_runs: Callable[[Store, Sequence[Run]], list[Subject]]
) -> list[Subject]:
    known: dict[int, Subject | None] = {}
    match kind:
        case NodeKind.ARTIFACT:
            artifact_ids = [ArtifactId(i) for i in ids]
            _refuse(version.ref for version in store.models.by_artifact_ids(artifact_ids))
            known = {
                version.id: data_subject(version) for version in store.data.by_artifact_ids(artifact_ids)
            }
        case NodeKind.EXECUTION:
            runs = store.runs.by_execution_ids([ExecutionId(i) for i in ids])
            # A run that is deleted already has no subject: it stays as it is.
            known = {run.id: None for run in runs} | {each.id: each for each in of_runs(store, runs)}
        case NodeKind.CONTEXT:
            contexts = store.contexts.get([ContextId(i) for i in ids])
            _refuse(f"models/{c.name}" for c in contexts if c.type_name == builtin.REGISTERED_MODEL.name)
    plain = ((i, Subject(kind=kind, id=i, ref=str(NodeIdRef(_WORDS[kind], i)))) for i in ids)
    chosen = (known.get(i, subject) for i, subject in plain)
    return [subject for subject in chosen if subject is not None]


def _refuse(refs: Iterable[str]) -> None:
    if ref := next(iter(refs), None):
        raise RefusedError(
            f"{ref} is registered: `headwater models delete` deletes it, and `restore` restores"
        )
