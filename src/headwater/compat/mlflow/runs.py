"""Runs: found by their ids, and the calls that make, show and change them."""

from collections.abc import Iterable
from typing import Final

from headwater.compat.mlflow.answers import Answer, Nothing
from headwater.compat.mlflow.endpoints import AnyEndpoint, get, post
from headwater.compat.mlflow.errors import RESOURCE_DOES_NOT_EXIST, MlflowError
from headwater.compat.mlflow.experiments import Experiments
from headwater.compat.mlflow.limits import check_run_name, checked_tag
from headwater.compat.mlflow.registry_rules import REASON, UNKNOWN_CALLER
from headwater.compat.mlflow.requests import Int64, Request, Required
from headwater.compat.mlflow.run_answers import PARENT_TAG, RUN_NAME_TAG, OneRun, RunInfo, RunViews, status_of
from headwater.compat.mlflow.words import random_name
from headwater.model.access import Permission
from headwater.model.graph import KEEP
from headwater.model.ids import ExecutionId, RunId, new_run_id
from headwater.model.protocols import Store
from headwater.model.runs import NewRun, Run, RunChange, RunStatus
from headwater.upkeep import delete_runs, restore_runs

_REMEMBERED: Final = 100_000


class Runs:
    """Finds runs by run id."""

    def __init__(self, store: Store) -> None:
        """Take where they are kept."""
        self._store = store
        self._known: dict[str, ExecutionId] = {}
        self._names: dict[ExecutionId, str] = {}

    def get(self, run_id: str) -> Run:
        """Return a run, deleted ones too.

        Raises:
            MlflowError: there is none.
        """
        found = self._store.runs.get([RunId(run_id)])
        if not found:
            raise not_found(run_id)
        return found[0]

    def active(self, run_id: str) -> Run:
        """Return a run that can be written to.

        Raises:
            MlflowError: there is none, or it is deleted.
        """
        found = self.get(run_id)
        if found.deleted_ms is not None:
            raise inactive(run_id)
        return found

    def execution_id(self, run_id: str) -> ExecutionId:
        """Return the execution that a run is, from memory if it was asked for before: that never changes.

        Raises:
            MlflowError: there is no such run.
        """
        found = self._known.get(run_id)
        if found is None:
            found = self.get(run_id).id
            self._remember(run_id, found)
        return found

    def ids_of(self, executions: Iterable[ExecutionId]) -> dict[ExecutionId, str]:
        """Return the run ids of those executions that are runs, from memory if they were asked for before."""
        wanted = set(executions)
        found = {i: self._names[i] for i in wanted & self._names.keys()}
        if missing := sorted(wanted - found.keys()):
            for run in self._store.runs.by_execution_ids(missing):
                self._remember(run.run_id, run.id)
                found[run.id] = run.run_id
        return found

    def _remember(self, run_id: str, execution: ExecutionId) -> None:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
            self._names.clear()
        self._known[run_id], self._names[execution] = execution, run_id


class TagText(Request, frozen=True):
    """A tag of a request."""

    key: Required
    value: str = ""


class CreateRun(Request, frozen=True):
    """Starts a run; it gets a name when it has none."""

    experiment_id: str = ""
    user_id: str = ""
    run_name: str = ""
    start_time: Int64 = 0
    tags: tuple[TagText, ...] = ()


class NamedRun(Request, frozen=True):
    """Names a run."""

    run_id: Required


class UpdateRun(Request, frozen=True):
    """Changes status, end or name of a run."""

    run_id: Required
    status: str | int = ""
    end_time: Int64 | None = None
    run_name: str = ""


class SetTag(Request, frozen=True):
    """Sets a tag."""

    run_id: Required
    key: Required
    value: str = ""


class DeleteTag(Request, frozen=True):
    """Takes a tag away."""

    run_id: Required
    key: Required


class Updated(Answer):
    """What a run is now."""

    run_info: RunInfo


class RunCalls:
    """Answers the calls about single runs."""

    def __init__(self, store: Store, experiments: Experiments, runs: Runs, views: RunViews) -> None:
        """Take where runs are kept, who finds them, and who shows them."""
        self._store = store
        self._experiments = experiments
        self._runs = runs
        self._views = views

    def endpoints(self) -> tuple[AnyEndpoint, ...]:
        """Return the calls that are answered here."""
        return (
            post("mlflow/runs/create", CreateRun, self.create),
            get("mlflow/runs/get", NamedRun, self.get),
            post("mlflow/runs/update", UpdateRun, self.update),
            post("mlflow/runs/delete", NamedRun, self.delete, Permission.DECIDE),
            post("mlflow/runs/restore", NamedRun, self.restore, Permission.DECIDE),
            post("mlflow/runs/set-tag", SetTag, self.set_tag),
            post("mlflow/runs/delete-tag", DeleteTag, self.delete_tag),
        )

    def create(self, request: CreateRun, actor: str | None) -> OneRun:
        """Start a run in an active experiment."""
        experiment = self._experiments.active(request.experiment_id)
        tags = dict(checked_tag(tag.key, tag.value) for tag in request.tags)
        named = tags.pop(RUN_NAME_TAG, "")
        if request.run_name and named and request.run_name != named:
            raise MlflowError(
                "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values "
                f"(run_name='{request.run_name}', mlflow.runName='{named}')."
            )
        parent = tags.get(PARENT_TAG)
        parents = self._store.runs.get([RunId(parent)]) if parent else []
        new = NewRun(
            run_id=new_run_id(),
            experiment=experiment.name or "",
            name=check_run_name(request.run_name or named or random_name()),
            start_ms=request.start_time,
            user=request.user_id or actor,
            parent_id=parents[0].id if parents else None,
            has_heartbeat=False,
            tags=tags,
        )
        run = self._store.runs.start(new)
        return OneRun(run=self._views.without_edges(run))

    def get(self, request: NamedRun, _actor: str | None) -> OneRun:
        """Return a run, deleted or not."""
        return OneRun(run=self._views.of([self._runs.get(request.run_id)])[0])

    def update(self, request: UpdateRun, _actor: str | None) -> Updated:
        """Change a run."""
        run = self._runs.active(request.run_id)
        change = RunChange(
            id=run.id,
            name=check_run_name(request.run_name) if request.run_name else KEEP,
            status=KEEP if request.status == "" else status_of(request.status),
            end_ms=KEEP if request.end_time is None else request.end_time,
            error=None if request.status != "" and run.status is RunStatus.LOST else KEEP,
        )
        return Updated(run_info=self._views.info(self._store.runs.update(change)))

    def delete(self, request: NamedRun, actor: str | None) -> Nothing:
        """Mark a run and its files as deleted."""
        run = self._runs.get(request.run_id)
        delete_runs(self._store, [run], actor=actor or UNKNOWN_CALLER, reason=REASON, force=True)
        return Nothing()

    def restore(self, request: NamedRun, actor: str | None) -> Nothing:
        """Bring a run back, and the files that were deleted with it."""
        run = self._runs.get(request.run_id)
        restore_runs(self._store, [run], actor=actor or UNKNOWN_CALLER, reason=REASON)
        return Nothing()

    def set_tag(self, request: SetTag, _actor: str | None) -> Nothing:
        """Set a tag; that of the name renames the run."""
        key, value = checked_tag(request.key, request.value)
        run = self._runs.active(request.run_id)
        if key == RUN_NAME_TAG:
            self._store.runs.update(RunChange(id=run.id, name=check_run_name(value)))
        else:
            self._store.runs.update(RunChange(id=run.id, tags={key: value}))
        return Nothing()

    def delete_tag(self, request: DeleteTag, _actor: str | None) -> Nothing:
        """Take a tag away."""
        run = self._runs.active(request.run_id)
        if request.key == RUN_NAME_TAG:
            raise MlflowError(
                f"{RUN_NAME_TAG} is the name of the run, and a run keeps a name: set another one"
            )
        if request.key not in run.tags:
            raise MlflowError(
                f"No tag with name: {request.key} in run with id {request.run_id}", RESOURCE_DOES_NOT_EXIST
            )
        self._store.runs.update(RunChange(id=run.id, tags={request.key: None}))
        return Nothing()


def not_found(run_id: str) -> MlflowError:
    """Return the error for a run that is not stored."""
    return MlflowError(f"Run with id={run_id} not found", RESOURCE_DOES_NOT_EXIST)


def inactive(run_id: str) -> MlflowError:
    """Return the error for a run that is deleted."""
    return MlflowError(f"The run {run_id} must be in the 'active' state. Current state is deleted.")
