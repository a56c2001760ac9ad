"""What people decide about models: moves, rollbacks, aliases, approvals, descriptions, deletion."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from headwater.errors import RefusedError
from headwater.model.access import Permission
from headwater.model.models import ModelVersion
from headwater.model.values import INT64_MAX
from headwater.registry import Model
from headwater.server.http.access import identity_of, needs
from headwater.server.http.backend import Backend
from headwater.server.http.faults import RefusalError
from headwater.server.http.resources.answers import IfMatch, json_answer, require_seen, tagged
from headwater.server.http.resources.bodies import given
from headwater.server.http.resources.models import SUBJECT, model_of
from headwater.server.http.resources.wire.models import (
    AliasIn,
    DecisionIn,
    DescriptionIn,
    ModelOut,
    MoveIn,
    MoveOut,
    RequestIn,
    RequestOut,
    RollbackIn,
    VersionOut,
    VoteIn,
    model_out,
    need_out,
    request_out,
    version_out,
)

Number = Annotated[int, Path(ge=1, le=INT64_MAX)]
Reason = Annotated[str, Query(max_length=10_000, description="Why; kept in the ledger.")]
Actor = Annotated[str | None, Query(max_length=500, description="Who says so, where nobody has to sign in.")]
Force = Annotated[bool, Query(description="Also what was in production once.")]


def decision_router(backend: Backend) -> APIRouter:
    """Return the routes of decisions."""
    router = APIRouter(prefix="/models", tags=["decisions"], dependencies=[needs(Permission.DECIDE, SUBJECT)])
    _add_moves(router, backend)
    _add_aliases(router, backend)
    _add_approvals(router, backend)
    _add_endings(router, backend)
    return router


def deletion_router(backend: Backend) -> APIRouter:
    """Return the routes of a model alone, which come after all others of models."""
    router = APIRouter(prefix="/models", tags=["decisions"], dependencies=[needs(Permission.DECIDE, SUBJECT)])
    handle = partial(_handle, backend)

    @router.patch(
        "/{name:path}", summary="Set description, owner and tags of a model.", response_model=ModelOut
    )
    def describe_model(name: str, new: DescriptionIn, request: Request, if_match: IfMatch = None) -> Response:
        model = handle(request, name, new.actor)
        require_seen(if_match, model_out(model.info()))
        model.describe(**_facts(new))
        return tagged(request, model_out(model.info()))

    @router.delete("/{name:path}", summary="Delete a model with all of its versions.", status_code=204)
    def delete_model(
        name: str,
        reason: Reason,
        request: Request,
        *,
        force: Force = False,
        actor: Actor = None,
        if_match: IfMatch = None,
    ) -> Response:
        model = handle(request, name, actor)
        require_seen(if_match, model_out(model.info()))
        model.delete(reason=reason, force=force)
        return Response(None, 204)

    return router


def _add_moves(router: APIRouter, backend: Backend) -> None:
    handle = partial(_handle, backend)

    @router.post(
        "/{name:path}/transitions",
        summary="Move a version to a stage, or with dry_run tell what a move lacks.",
        response_model=MoveOut,
    )
    def move_version(
        name: str, move: MoveIn, request: Request, *, dry_run: bool = False, if_match: IfMatch = None
    ) -> Response:
        model = handle(request, name, move.actor)
        if dry_run:
            missing = [need_out(need) for need in model.missing(move.version, move.to)]
            return json_answer(
                MoveOut(moved=False, missing=missing, version=version_out(model[move.version]))
            )
        promote = partial(
            model.promote,
            move.version,
            move.to,
            reason=move.reason,
            evidence=move.evidence,
            expect_holder=_expected(model, move.to, if_match),
            loads=False,
        )
        moved = _unless_stale(model, if_match, promote)
        return json_answer(MoveOut(moved=True, missing=[], version=version_out(moved)))

    @router.post(
        "/{name:path}/rollback",
        summary="Put the version back that held a stage before.",
        response_model=VersionOut,
    )
    def roll_back(name: str, wanted: RollbackIn, request: Request, if_match: IfMatch = None) -> Response:
        model = handle(request, name, wanted.actor)
        _expected(model, wanted.stage, if_match)
        back = partial(
            model.rollback, reason=wanted.reason, stage=wanted.stage, version=wanted.version, loads=False
        )
        return json_answer(version_out(_unless_stale(model, if_match, back)))


def _add_aliases(router: APIRouter, backend: Backend) -> None:
    handle = partial(_handle, backend)

    @router.put(
        "/{name:path}/aliases/{alias}", summary="Point an alias at a version.", response_model=ModelOut
    )
    def set_alias(
        name: str, alias: str, new: AliasIn, request: Request, if_match: IfMatch = None
    ) -> Response:
        model = handle(request, name, new.actor)
        require_seen(if_match, model_out(model.info()))
        model.set_alias(alias, new.version, reason=new.reason)
        return tagged(request, model_out(model.info()))

    @router.delete("/{name:path}/aliases/{alias}", summary="Remove an alias.", status_code=204)
    def delete_alias(
        name: str, alias: str, request: Request, reason: Reason = "", actor: Actor = None
    ) -> Response:
        handle(request, name, actor).delete_alias(alias, reason=reason)
        return Response(None, 204)


def _add_approvals(router: APIRouter, backend: Backend) -> None:
    handle = partial(_handle, backend)

    @router.post(
        "/{name:path}/approvals/votes",
        summary="Approve, reject, or take the own vote back.",
        response_model=RequestOut,
    )
    def vote(name: str, vote: VoteIn, request: Request) -> Response:
        model = handle(request, name, vote.actor)
        say = {True: model.approve, False: model.reject, None: model.take_back}[vote.approves]
        return json_answer(request_out(say(vote.version, to=vote.to, reason=vote.reason)))

    @router.post(
        "/{name:path}/approvals/withdrawal", summary="Close an open request.", response_model=RequestOut
    )
    def withdraw_request(name: str, which: RequestIn, request: Request) -> Response:
        model = handle(request, name, which.actor)
        return json_answer(request_out(model.withdraw(which.version, to=which.to, reason=which.reason)))

    @router.post(
        "/{name:path}/approvals",
        summary="Ask that a version may go to a stage.",
        response_model=RequestOut,
        status_code=201,
    )
    def request_approval(name: str, new: RequestIn, request: Request) -> Response:
        model = handle(request, name, new.actor)
        return json_answer(request_out(model.request(new.version, to=new.to, reason=new.reason)), 201)


def _add_endings(router: APIRouter, backend: Backend) -> None:
    handle = partial(_handle, backend)

    @router.post(
        "/{name:path}/versions/{version}/deprecation",
        summary="Say that nobody should use a version any more.",
        response_model=VersionOut,
    )
    def deprecate_version(name: str, version: Number, why: DecisionIn, request: Request) -> Response:
        model = handle(request, name, why.actor)
        model.deprecate(version, reason=why.reason)
        return json_answer(version_out(model[version]))

    @router.delete(
        "/{name:path}/versions/{version}/deprecation",
        summary="Take a deprecation back.",
        response_model=VersionOut,
    )
    def undeprecate_version(
        name: str, version: Number, reason: Reason, request: Request, actor: Actor = None
    ) -> Response:
        model = handle(request, name, actor)
        model.undeprecate(version, reason=reason)
        return json_answer(version_out(model[version]))

    _add_version_changes(router, backend)


def _add_version_changes(router: APIRouter, backend: Backend) -> None:
    """Add the routes that restore, describe and delete versions."""
    handle = partial(_handle, backend)

    @router.post(
        "/{name:path}/versions/{version}/restore",
        summary="Restore a deleted version.",
        response_model=VersionOut,
    )
    def restore_version(name: str, version: Number, why: DecisionIn, request: Request) -> Response:
        model = handle(request, name, why.actor)
        model.restore_version(version, reason=why.reason)
        return json_answer(version_out(model[version]))

    @router.patch(
        "/{name:path}/versions/{version}",
        summary="Set description and tags of a version.",
        response_model=VersionOut,
    )
    def describe_version(
        name: str, version: Number, new: DescriptionIn, request: Request, if_match: IfMatch = None
    ) -> Response:
        model = handle(request, name, new.actor)
        require_seen(if_match, version_out(model[version]))
        model.describe(version, **_facts(new))
        return tagged(request, version_out(model[version]))

    @router.delete("/{name:path}/versions/{version}", summary="Delete a version.", status_code=204)
    def delete_version(
        name: str,
        version: Number,
        reason: Reason,
        request: Request,
        *,
        force: Force = False,
        actor: Actor = None,
    ) -> Response:
        handle(request, name, actor).delete_version(version, reason=reason, force=force)
        return Response(None, 204)

    @router.post("/{name:path}/restore", summary="Restore a deleted model.", response_model=ModelOut)
    def restore_model(name: str, why: DecisionIn, request: Request) -> Response:
        model = handle(request, name, why.actor)
        model.restore(reason=why.reason)
        return tagged(request, model_out(model.info()))


def _handle(backend: Backend, request: Request, name: str, claimed: str | None) -> Model:
    """Return the model for whoever calls: nobody decides in another's name."""
    return model_of(backend.store, backend, name, identity_of(request).actor(claimed))


def _facts(new: DescriptionIn) -> dict[str, Any]:
    return {name: value for name, value in given(new).items() if name != "actor"}


def _expected(model: Model, stage: str, if_match: str | None) -> int | None:
    """Return which version the client saw in a stage that only one can hold.

    Raises:
        RefusalError: 428, it did not say what it saw; 412, that has changed.
    """
    if stage not in model.process().stages.exclusive:
        require_seen(if_match, model_out(model.info()))
        return None
    if if_match is None:
        raise RefusalError(
            428,
            "precondition_required",
            f"a move to {stage} replaces what is there: say what you have seen",
            fix=f"GET /api/v1/models/{model.name}, and send its ETag in If-Match",
        )
    info = model.info()
    require_seen(if_match, model_out(info))
    return None if if_match.strip() == "*" else info.stages.get(stage, 0)


def _unless_stale(model: Model, if_match: str | None, move: Callable[[], ModelVersion]) -> ModelVersion:
    """Make a move; one that is refused because somebody was quicker is stale, not forbidden."""
    try:
        return move()
    except RefusedError:
        require_seen(if_match, model_out(model.info()))
        raise
