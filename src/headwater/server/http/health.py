"""Whether the server is well, what it is, and how much it does."""

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from headwater.compat.mlflow.server_info import MLFLOW_VERSION
from headwater.errors import HeadwaterError
from headwater.model.access import Permission
from headwater.server.http.access import needs, public
from headwater.server.http.backend import Backend
from headwater.server.http.faults import json_fault
from headwater.server.http.metrics import exposition
from headwater.version import VERSION


def health_router(backend: Backend) -> APIRouter:
    """Return the routes that load balancers and collectors of metrics ask."""
    router = APIRouter(tags=["health"])

    @router.get("/health", dependencies=[public()], response_class=PlainTextResponse)
    def health() -> str:
        """Answer `OK`, as MLflow's server does."""
        return "OK"

    @router.get("/health/live", dependencies=[public()])
    def live() -> dict[str, str]:
        """Tell that the process answers."""
        return {"status": "live"}

    @router.get("/health/ready", dependencies=[public()])
    def ready() -> Response:
        """Tell whether the database is reached and its tables are of the right version."""
        try:
            backend.store.upkeep.check_schema()
        except HeadwaterError as error:
            return json_fault(error.code, str(error), 503, headers={"Retry-After": "1"})
        return Response(b'{"status":"ready"}', media_type="application/json")

    @router.get("/version", dependencies=[public()], response_class=PlainTextResponse)
    def version() -> str:
        """Return MLflow's version that this server is like: its clients ask what a server can do."""
        return MLFLOW_VERSION

    @router.get("/api/v1/version", dependencies=[public()])
    def own_version() -> dict[str, str]:
        """Return the version of headwater."""
        return {"version": VERSION}

    @router.get("/metrics", dependencies=[needs(Permission.READ)], response_class=PlainTextResponse)
    def metrics() -> Response:
        """Return counters and durations in Prometheus's text format."""
        body, media_type = exposition()
        return Response(body, media_type=media_type)

    return router
