"""What programs register: models, versions, verdicts and deployments."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from headwater.errors import InvalidError
from headwater.model.access import Permission, subject
from headwater.model.ids import ArtifactId
from headwater.model.models import NewVersion
from headwater.model.values import INT64_MAX
from headwater.model.verdicts import NewDeployment
from headwater.server.http.access import authorize, checked_inside, identity_of, needs
from headwater.server.http.backend import Backend
from headwater.server.http.resources.answers import Key, json_answer, key_of
from headwater.server.http.resources.models import SUBJECT, model_of
from headwater.server.http.resources.wire.models import (
    DeploymentIn,
    DeploymentOut,
    ModelOut,
    NewModelIn,
    NewVersionIn,
    VerdictIn,
    VerdictOut,
    VersionOut,
    deployment_out,
    model_out,
    verdict_out,
    version_out,
)
from headwater.server.http.subjects import require_made_of
from headwater.tracking import find_run

MOST_NEW = 1_000


def model_write_router(backend: Backend) -> APIRouter:
    """Return the routes that add to the registry."""
    router = APIRouter(prefix="/models", tags=["models"])
    writes = [needs(Permission.WRITE, SUBJECT)]
    store = backend.store

    @router.post(
        "",
        summary="Register models; those that are there stay as they are.",
        response_model=list[ModelOut],
        status_code=201,
    )
    @checked_inside(Permission.WRITE)
    def register_models(new: list[NewModelIn], request: Request) -> Response:
        if len(new) > MOST_NEW:
            raise InvalidError(f"one request registers at most {MOST_NEW:,} models, not {len(new):,}")
        for each in new:
            authorize(request, Permission.WRITE, subject("models", each.name))
        found = [
            store.models.register(
                each.name,
                description=each.description,
                owner=each.owner,
                tags=each.tags,
                actor=identity_of(request).actor(each.actor),
            )
            for each in new
        ]
        return json_answer([model_out(each) for each in found], 201)

    @router.post(
        "/{name:path}/versions",
        summary="Register a version under the next number.",
        dependencies=writes,
        response_model=VersionOut,
        status_code=201,
    )
    def add_version(name: str, new: NewVersionIn, request: Request, key: Key = None) -> Response:
        version = NewVersion(
            model=name,
            uri=new.uri,
            digest=new.digest,
            size_bytes=new.size_bytes,
            description=new.description,
            properties=new.properties,
            metrics=new.metrics,
            params=new.params,
            tags=new.tags,
            execution_id=find_run(store, new.run).id if new.run else None,
            artifact_id=None if new.artifact_id is None else ArtifactId(new.artifact_id),
        )
        who = identity_of(request)
        require_made_of(who, version, store)
        found = store.models.add_version(version, actor=who.actor(new.actor), key=key_of(who, key))
        return json_answer(version_out(found), 201)

    _add_findings(router, backend)

    return router


def _add_findings(router: APIRouter, backend: Backend) -> None:
    """Add the routes of what gates found and what was seen at targets."""
    writes = [needs(Permission.WRITE, SUBJECT)]
    store, handle = backend.store, partial(model_of, backend.store, backend)

    @router.post(
        "/{name:path}/versions/{version}/verdicts",
        summary="Store what a gate found about a version.",
        dependencies=writes,
        response_model=VerdictOut,
        status_code=201,
    )
    def add_verdict(
        name: str,
        version: Annotated[int, Path(ge=1, le=INT64_MAX)],
        new: VerdictIn,
        request: Request,
        key: Key = None,
    ) -> Response:
        who = identity_of(request)
        found = handle(name, who.actor(new.actor)).add_verdict(
            version,
            gate=new.gate,
            outcome=new.outcome,
            summary=new.summary,
            facts=new.facts,
            config_digest=new.config_digest,
            baseline=new.baseline,
            data=new.data,
            exhibits=new.exhibits,
            key=key_of(who, key),
        )
        return json_answer(verdict_out(found), 201)

    @router.post(
        "/{name:path}/deployments",
        summary="Store what was put, or seen, at a target.",
        dependencies=writes,
        response_model=DeploymentOut,
        status_code=201,
    )
    def record_deployment(name: str, new: DeploymentIn, request: Request, key: Key = None) -> Response:
        who = identity_of(request)
        seen = NewDeployment(
            model=name,
            version=new.version,
            target=new.target,
            actor=who.actor(new.actor),
            url=new.url,
            note=new.note,
        )
        return json_answer(deployment_out(store.releases.record_deployment(seen, key=key_of(who, key))), 201)
