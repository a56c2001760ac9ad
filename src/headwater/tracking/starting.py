"""Starting and resuming runs."""

import logging
import socket
from collections.abc import Mapping
from typing import Final

from headwater.errors import ConflictError, InvalidError, NotFoundError, UnavailableError
from headwater.model.actor import user_name
from headwater.model.ids import ExecutionId, RunId, new_run_id
from headwater.model.protocols import Store
from headwater.model.runs import NewRun, Run, RunChange, RunStatus
from headwater.tracking.delivery import execution_id
from headwater.tracking.records import RunEntry
from headwater.tracking.run import ActiveRun, current_run
from headwater.tracking.session import Session
from headwater.tracking.validation import check_key, param_values, tag_values

_LOG: Final = logging.getLogger("headwater.tracking")


def start_run(
    session: Session,
    experiment: str,
    *,
    name: str | None = None,
    params: Mapping[str, object] | None = None,
    tags: Mapping[str, object] | None = None,
    run_id: str | None = None,
    parent: ActiveRun | Run | str | None = None,
    capture: bool = True,
) -> ActiveRun:
    """Start a run, or go on with one.

    When the store cannot be reached, a new run begins all the same: its start
    waits in the journal like all that it logs.

    Args:
        session: Where it is logged.
        experiment: Name of the experiment; it is made when it is not there.
        name: A name for people; it need not be unique.
        params: As in `ActiveRun.log_params`.
        tags: As in `ActiveRun.set_tags`.
        run_id: Go on with this run: an id, a reference, or an unambiguous beginning of the id.
        parent: The run that this one is part of; by default the run whose `with` block we are in.
        capture: Find out where the code comes from and what it runs on.

    Raises:
        InvalidError: a name or key cannot be used; nothing was started then.
        NotFoundError: there is no run with this `run_id`.
        ConflictError: the run to go on with belongs to another experiment, or has other params.
        UnavailableError: the store of the run to go on with cannot be reached.
    """
    check_key("experiment", experiment)
    if name is not None:
        check_key("run", name)
    values, labels = param_values(params or {}), tag_values(tags or {})
    session.recover_once()
    if run_id is not None:
        run = _resume(session, experiment, run_id)
        run.log_params(values)
        run.set_tags(labels)
    else:
        run = _begin(
            session,
            NewRun(
                run_id=new_run_id(),
                experiment=experiment,
                name=name,
                start_ms=session.clock_ms(),
                user=user_name(),
                host=socket.gethostname(),
                params=values,
                tags={key: value for key, value in labels.items() if value is not None},
            ),
            parent if parent is not None else current_run(),
        )
    if capture:
        run.start_capture()
    return run


def _begin(session: Session, new: NewRun, parent: ActiveRun | Run | str | None) -> ActiveRun:
    entry = RunEntry(run_id=new.run_id, new=new, parent=_parent_run_id(session, parent))
    try:
        execution_id(session.store, entry)
    except UnavailableError as error:
        _LOG.warning("run %s starts without the store, which cannot be reached: %s", new.run_id, error)
    return ActiveRun(
        session, entry, experiment=new.experiment, name=new.name, params=new.params, tags=new.tags
    )


def _parent_run_id(session: Session, parent: ActiveRun | Run | str | None) -> RunId | None:
    if isinstance(parent, str):
        return find_run(session.store, parent).run_id
    return parent.run_id if parent is not None else None


def _resume(session: Session, experiment: str, text: str) -> ActiveRun:
    found = find_run(session.store, text)
    if found.experiment != experiment:
        raise ConflictError(
            f"run {found.run_id} belongs to experiment {found.experiment!r}, not {experiment!r}"
        )
    session.store.runs.update(RunChange(id=found.id, status=RunStatus.RUNNING, end_ms=None, error=None))
    return ActiveRun(
        session,
        RunEntry(run_id=found.run_id, execution_id=ExecutionId(found.id)),
        experiment=experiment,
        name=found.name,
        params=found.params,
        tags=found.tags,
        last_steps={key: metric.step for key, metric in found.metrics.items()},
    )


def find_run(store: Store, text: str) -> Run:
    """Return a stored run by its id, its reference, or the beginning of its id.

    Raises:
        NotFoundError: there is none.
        InvalidError: several begin like this.
    """
    prefix = text.removeprefix("runs/")
    ids = store.runs.with_prefix(prefix, limit=2)
    if not ids:
        removed = store.upkeep.removed_runs(prefix, limit=1)
        raise NotFoundError("run", text, gone=removed[0].obituary if removed else "")
    if len(ids) > 1:
        raise InvalidError(f"several runs begin with {prefix!r}, such as {ids[0]} and {ids[1]}")
    return store.runs.get(ids)[0]
