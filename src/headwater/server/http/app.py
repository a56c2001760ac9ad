"""The application: all routes over one store."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from headwater.compat.mlflow import MlflowService
from headwater.server.auth import Guard, OpenGuard
from headwater.server.http.access import Identify
from headwater.server.http.access_log import AccessLog
from headwater.server.http.backend import Backend
from headwater.server.http.blobs import blob_router
from headwater.server.http.faults import add_fault_handlers, fault_response
from headwater.server.http.health import health_router
from headwater.server.http.limits import Bodies
from headwater.server.http.mlflow import mlflow_routes
from headwater.server.http.origins import Origins
from headwater.server.http.settings import MAX_BODY_MIB
from headwater.server.http.store_calls import store_router
from headwater.version import VERSION

API: Final = "/api/v1"


def create_app(
    backend: Backend,
    guard: Guard | None = None,
    routers: Sequence[APIRouter] = (),
    *,
    hosts: tuple[str, ...] = (),
    origins: tuple[str, ...] = (),
    max_body_bytes: int = MAX_BODY_MIB * 2**20,
) -> FastAPI:
    """Return the application; whoever opened the store and the bytes closes them, after `state.mlflow`.

    Args:
        backend: What it answers from.
        guard: Finds out who calls; by default nobody has to say.
        routers: Routes beside the API's, such as those for signing in.
        hosts: Names beside the loopback ones that it answers to.
        origins: Pages elsewhere that may change something.
        max_body_bytes: Largest body of a request that is not an upload of bytes.
    """
    app = FastAPI(
        title="Headwater",
        version=VERSION,
        summary="Where every model came from, and what happened to it since.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        max_body_size=max_body_bytes,
        middleware=[
            Middleware(AccessLog),
            Middleware(Origins, hosts=hosts, origins=origins),
            Middleware(Bodies),
            Middleware(Identify, guard=guard or OpenGuard(), refuse=fault_response),
        ],
    )
    add_fault_handlers(app)
    # Routes are tried in this order, and programs call the store's most.
    for router in (store_router(backend), blob_router(backend)):
        app.include_router(router, prefix=API)
    app.state.mlflow = MlflowService(backend.store, backend.blobs)
    for router in (health_router(backend), *routers):
        app.include_router(router)
    # Not included as a router, which would forget how large a body each route takes.
    app.router.routes += mlflow_routes(app.state.mlflow)
    return app
