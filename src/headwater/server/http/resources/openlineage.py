"""OpenLineage's events, at the address that its clients send them to."""

from typing import Any, Final

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from headwater.compat.openlineage import OpenLineage
from headwater.fingerprints import state_of_uri
from headwater.model.access import Permission
from headwater.server.http.access import needs
from headwater.server.http.backend import Backend
from headwater.server.http.resources.answers import json_answer
from headwater.server.http.resources.wire.lineage import ReceivedOut

_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "A RunEvent, JobEvent or DatasetEvent of OpenLineage's specification 2.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


def openlineage_router(backend: Backend) -> APIRouter:
    """Return the route of OpenLineage's events."""
    router = APIRouter(tags=["lineage"], dependencies=[needs(Permission.WRITE)])
    door = OpenLineage(backend.store, state_of_uri)

    @router.post(
        "/lineage",
        summary="Take an event of OpenLineage; the same one again changes nothing.",
        response_model=ReceivedOut,
        status_code=201,
        openapi_extra=_BODY,
    )
    async def receive_event(request: Request) -> Response:
        found = await run_in_threadpool(door.receive, await request.body())
        answer = ReceivedOut(about=found.about, inputs=[*found.inputs], outputs=[*found.outputs])
        return json_answer(answer, 201)

    return router
