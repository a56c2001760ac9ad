"""Registered models and their versions: what there is, and where it stands."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from headwater.model.access import Permission
from headwater.model.filters import And, Comparison, Entity, Field, Operator, Scope
from headwater.model.protocols import Store
from headwater.registry import Model
from headwater.server.http.access import needs
from headwater.server.http.backend import Backend
from headwater.server.http.resources.answers import store_of, tagged
from headwater.server.http.resources.listing import (
    Asked,
    At,
    Fields,
    PageOut,
    page_answer,
    sparse,
    wanted_fields,
    whole_answer,
)
from headwater.server.http.resources.wire.models import (
    DeploymentOut,
    ModelOut,
    ProcessOut,
    RequestOut,
    StatusOut,
    VersionOut,
    deployment_out,
    model_out,
    process_out,
    request_out,
    status_out,
    version_out,
)

SUBJECT = "models/{name}"
_MODEL = Field(Scope.ATTRIBUTE, "model")


def model_router(backend: Backend) -> APIRouter:
    """Return the routes that read models and versions."""
    router = APIRouter(tags=["models"])
    everywhere, mine = [needs(Permission.READ)], [needs(Permission.READ, SUBJECT)]

    @router.get("/models", summary="List models.", dependencies=everywhere, response_model=PageOut[ModelOut])
    def list_models(asked: Annotated[Asked, Depends()]) -> Response:
        store, tree = asked.store(backend), asked.filter(Entity.CONTEXT)
        page = store.models.page(asked.listing(Entity.CONTEXT, tree))
        return page_answer(page, asked.total(store.models.count, tree), model_out, asked.fields, ModelOut)

    @router.get(
        "/versions",
        summary="List versions of all models.",
        dependencies=everywhere,
        response_model=PageOut[VersionOut],
    )
    def list_all_versions(asked: Annotated[Asked, Depends()]) -> Response:
        return _versions(asked.store(backend), asked, None)

    @router.get(
        "/models/{name:path}/versions",
        summary="List versions of a model.",
        dependencies=mine,
        response_model=PageOut[VersionOut],
    )
    def list_versions(name: str, asked: Annotated[Asked, Depends()]) -> Response:
        store = asked.store(backend)
        store.models.get(name)
        return _versions(store, asked, name)

    @router.get(
        "/models/{name:path}/versions/{version}",
        summary="Return a version by its number, a stage or an alias, and where it stands.",
        dependencies=mine,
        response_model=StatusOut,
    )
    def get_version(
        name: str, version: str, request: Request, fields: Fields = "", at: At = None
    ) -> Response:
        model = model_of(store_of(backend, at), backend, name)
        status = model.status(number_of(model, version))
        found = status_out(status, status.verdicts)
        return tagged(request, sparse(found, wanted_fields(fields, StatusOut)))

    _add_standing(router, backend)

    return router


def _add_standing(router: APIRouter, backend: Backend) -> None:
    """Add the routes of what is asked for, seen, and demanded of a model's versions."""
    mine = [needs(Permission.READ, SUBJECT)]

    @router.get(
        "/models/{name:path}/approvals",
        summary="List approval requests of a model, the oldest first.",
        dependencies=mine,
        response_model=PageOut[RequestOut],
    )
    def list_approvals(
        name: str,
        *,
        open_only: Annotated[bool, Query(alias="open", description="Only those that are open.")] = True,
        fields: Fields = "",
        at: At = None,
    ) -> Response:
        model = model_of(store_of(backend, at), backend, name)
        return whole_answer(model.requests(only_open=open_only), request_out, fields, RequestOut)

    @router.get(
        "/models/{name:path}/deployments",
        summary="List what was seen last of a model at each target.",
        dependencies=mine,
        response_model=PageOut[DeploymentOut],
    )
    def list_deployments(name: str, fields: Fields = "", at: At = None) -> Response:
        found = model_of(store_of(backend, at), backend, name).deployments()
        return whole_answer(found, deployment_out, fields, DeploymentOut)

    @router.get(
        "/models/{name:path}/process",
        summary="Return the release process of a model.",
        dependencies=mine,
        response_model=ProcessOut,
    )
    def get_process(name: str, request: Request, at: At = None) -> Response:
        return tagged(request, process_out(model_of(store_of(backend, at), backend, name).process()))


def model_summary_router(backend: Backend) -> APIRouter:
    """Return the route of a model alone: its name takes all that no other route of models does."""
    router = APIRouter(tags=["models"])

    @router.get(
        "/models/{name:path}",
        summary="Return a model.",
        dependencies=[needs(Permission.READ, SUBJECT)],
        response_model=ModelOut,
    )
    def get_model(name: str, request: Request, fields: Fields = "", at: At = None) -> Response:
        found = model_out(store_of(backend, at).models.get(name))
        return tagged(request, sparse(found, wanted_fields(fields, ModelOut)))

    return router


def model_of(store: Store, backend: Backend, name: str, actor: str = "") -> Model:
    """Return the registry's handle of a model, for somebody who decides."""
    # A server loads no model: what was stored may run code when it is loaded.
    return Model(name, store, backend.blobs, actor)


def number_of(model: Model, version: str) -> int:
    """Return the number of a version that is named by its number, a stage or an alias."""
    if version.isdecimal() and version.isascii() and len(version) < 19:
        return int(version)
    return model[version].version


def _versions(store: Store, asked: Asked, name: str | None) -> Response:
    tree = asked.filter(Entity.VERSION)
    if name is not None:
        mine = Comparison(_MODEL, Operator.EQ, name)
        tree = And((mine, tree)) if tree else mine
    page = store.models.page_versions(asked.listing(Entity.VERSION, tree))
    total = asked.total(store.models.count_versions, tree)
    return page_answer(page, total, version_out, asked.fields, VersionOut)
