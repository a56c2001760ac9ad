"""What a program logs about its runs, and what people decide about them."""

from collections.abc import Sequence
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from headwater.errors import ConflictError, InvalidError, NotFoundError
from headwater.model.access import Identity, Permission, subject
from headwater.model.ids import ExecutionId, RunId, new_run_id, new_writer_id
from headwater.model.protocols import Store
from headwater.model.runs import NewRun, Run, RunChange, RunStatus
from headwater.model.series import Points, SeriesBatch
from headwater.model.times import now_ms
from headwater.server.http.access import authorize, checked_inside, identity_of, needs
from headwater.server.http.backend import Backend
from headwater.server.http.resources.answers import IfMatch, Key, json_answer, key_of, require_seen, tagged
from headwater.server.http.resources.bodies import given
from headwater.server.http.resources.runs import experiment_of
from headwater.server.http.resources.wire import Value
from headwater.server.http.resources.wire.runs import (
    LoggedOut,
    NewRunIn,
    PointIn,
    ReasonIn,
    RunChangeIn,
    RunOut,
    run_out,
)
from headwater.tracking import find_run
from headwater.upkeep import delete_runs, restore_runs

MOST_RUNS = 1_000
"""Runs that one request starts."""


def run_write_router(backend: Backend) -> APIRouter:
    """Return the routes that log runs."""
    router = APIRouter(prefix="/runs", tags=["runs"])
    store = backend.store
    writes = [needs(Permission.WRITE, lambda request: _experiment(store, request))]

    @router.post("", summary="Start runs; a stored run id gives the stored run.", response_model=list[RunOut])
    @checked_inside(Permission.WRITE)
    def start_runs(new: list[NewRunIn], request: Request, key: Key = None) -> Response:
        if len(new) > MOST_RUNS:
            raise InvalidError(f"one request starts at most {MOST_RUNS:,} runs, not {len(new):,}")
        for each in new:
            authorize(request, Permission.WRITE, subject("experiments", each.experiment))
        identity = identity_of(request)
        runs = [_new_run(store, each, identity, key, place) for place, each in enumerate(new)]
        return json_answer([run_out(_started(store, run)) for run in runs], 201)

    @router.patch("/{run_id}", summary="Change a run.", dependencies=writes, response_model=RunOut)
    def change_run(run_id: str, change: RunChangeIn, request: Request, if_match: IfMatch = None) -> Response:
        run = find_run(store, run_id)
        require_seen(if_match, run_out(run))
        named = given(change)
        if named.get("status", "") is None:
            raise InvalidError("a run always has a status: leave it out to keep it")
        if "status" in named:
            named["status"] = RunStatus[named["status"].upper()]
        seen = run.revision if if_match is not None else None
        found = store.runs.update(RunChange(id=run.id, expect_revision=seen, **named))
        return tagged(request, run_out(found))

    _add_logging(router, store)

    _add_decisions(router, store)
    return router


def _add_logging(router: APIRouter, store: Store) -> None:
    """Add the routes that log to a run."""
    writes = [needs(Permission.WRITE, lambda request: _experiment(store, request))]

    @router.post(
        "/{run_id}/metrics", summary="Add points to metrics.", dependencies=writes, response_model=LoggedOut
    )
    def log_metrics(run_id: str, points: list[PointIn], request: Request, key: Key = None) -> Response:
        run = find_run(store, run_id)
        store.series.append(_batches(run.id, points, _writer(identity_of(request), key)))
        return json_answer(LoggedOut(count=len(points)))

    @router.post(
        "/{run_id}/params",
        summary="Set params; one that is there keeps its value.",
        dependencies=writes,
        response_model=LoggedOut,
    )
    def log_params(run_id: str, params: dict[str, Value]) -> Response:
        store.runs.log_params(find_run(store, run_id).id, params)
        return json_answer(LoggedOut(count=len(params)))

    @router.post(
        "/{run_id}/tags", summary="Set tags; null deletes one.", dependencies=writes, response_model=RunOut
    )
    def set_tags(run_id: str, tags: dict[str, Value | None]) -> Response:
        return json_answer(run_out(store.runs.update(RunChange(id=find_run(store, run_id).id, tags=tags))))

    @router.post(
        "/{run_id}/heartbeat", summary="Say that a run is alive.", dependencies=writes, status_code=204
    )
    def note_heartbeat(run_id: str) -> Response:
        store.runs.heartbeat([find_run(store, run_id).id])
        return Response(None, 204)


def _add_decisions(router: APIRouter, store: Store) -> None:
    decides = [needs(Permission.DECIDE, lambda request: _experiment(store, request))]

    @router.delete("/{run_id}", summary="Delete a run.", dependencies=decides, status_code=204)
    def delete_run(
        run_id: str,
        reason: Annotated[str, Query(max_length=10_000, description="Why; kept in the ledger.")],
        request: Request,
        *,
        force: Annotated[bool, Query(description="Also when registered models came from it.")] = False,
    ) -> Response:
        actor = identity_of(request).actor()
        delete_runs(store, [find_run(store, run_id)], actor=actor, reason=reason, force=force)
        return Response(None, 204)

    @router.post(
        "/{run_id}/restore", summary="Restore a deleted run.", dependencies=decides, response_model=RunOut
    )
    def restore_run(run_id: str, why: ReasonIn, request: Request) -> Response:
        run = find_run(store, run_id)
        restore_runs(store, [run], actor=identity_of(request).actor(), reason=why.reason)
        return json_answer(run_out(store.runs.get([run.run_id])[0]))


def _experiment(store: Store, request: Request) -> str | None:
    # Raises where nobody is known, before the store is asked.
    identity_of(request)
    try:
        return experiment_of(find_run(store, request.path_params["run_id"]))
    except (NotFoundError, InvalidError):
        # Who may write everywhere is told so by the route; nobody else learns which runs there are.
        return None


def _new_run(store: Store, new: NewRunIn, identity: Identity, key: str | None, place: int) -> NewRun:
    made = key_of(identity, key, "run", str(place))
    run_id = new.run_id or (made[:32] if made else new_run_id())
    return NewRun(
        run_id=RunId(run_id),
        experiment=new.experiment,
        name=new.name,
        status=RunStatus[new.status.upper()],
        start_ms=new.start_ms,
        user=new.user or (identity.name if identity.is_verified else None),
        host=new.host,
        parent_id=find_run(store, new.parent).id if new.parent else None,
        params=new.params,
        tags=new.tags,
    )


def _started(store: Store, new: NewRun) -> Run:
    found = store.runs.start(new)
    if found.experiment != new.experiment:
        raise ConflictError(f"run {found.run_id} belongs to experiment {found.experiment!r}")
    if other := [name for name, value in new.params.items() if found.params.get(name) != value]:
        raise ConflictError(f"run {found.run_id} is there already, and has another {', '.join(other)}")
    return found


def _writer(identity: Identity, key: str | None) -> int:
    """Return who sends points: for one idempotency key the same writer, whose one batch is taken once."""
    made = key_of(identity, key, "points")
    return new_writer_id() if made is None else int(made[:15], 16) or 1


def _batches(run: ExecutionId, points: Sequence[PointIn], writer: int) -> list[SeriesBatch]:
    now = now_ms()
    ordered = sorted(points, key=lambda point: point.key)
    return [
        SeriesBatch(
            execution_id=run,
            key=name,
            writer=writer,
            batch=1,
            points=Points.of((p.step, now if p.time_ms is None else p.time_ms, p.value) for p in of_key),
        )
        for name, of_key in groupby(ordered, key=lambda point: point.key)
    ]
