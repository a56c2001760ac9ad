"""The application: all routes over one store."""

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from headwater.compat.mlflow import MlflowService
from headwater.server.auth import Guard, OpenGuard
from headwater.server.http.access import Identify
from headwater.server.http.access_log import AccessLog
from headwater.server.http.backend import Backend
from headwater.server.http.blobs import blob_router
from headwater.server.http.compression import Compression
from headwater.server.http.description import API, description_router
from headwater.server.http.faults import add_fault_handlers, fault_response
from headwater.server.http.health import health_router
from headwater.server.http.limits import Bodies
from headwater.server.http.live.events import event_router
from headwater.server.http.mlflow import mlflow_routes
from headwater.server.http.origins import Origins
from headwater.server.http.resources import resource_router
from headwater.server.http.settings import MAX_BODY_MIB
from headwater.server.http.store_calls import store_router
from headwater.version import VERSION


def create_app(
    backend: Backend,
    guard: Guard | None = None,
    routers: Sequence[APIRouter] = (),
    *,
    hosts: tuple[str, ...] = (),
    origins: tuple[str, ...] = (),
    is_for_stores: bool = False,
    max_body_bytes: int = MAX_BODY_MIB * 2**20,
) -> FastAPI:
    """Return the application; whoever opened the store and the bytes closes them, after `state.mlflow`.

    Args:
        backend: What it answers from.
        guard: Finds out who calls; by default nobody has to say.
        routers: Routes beside the API's, such as those for signing in.
        hosts: Names beside the loopback ones that it answers to.
        origins: Pages elsewhere that may change something.
        is_for_stores: Answer `store.remote` alone, without `state.mlflow`. Routes for people, pages and
            MLflow's clients take most of the time to build.
        max_body_bytes: Largest body of a request that is not an upload of bytes.
    """
    app = FastAPI(
        title="Headwater",
        version=VERSION,
        summary="Where every model came from, and what happened to it since.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        max_body_size=max_body_bytes,
        # With each request it would look for providers of OpenTelemetry; there are /metrics and the log.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        middleware=[
            Middleware(AccessLog),
            Middleware(Origins, hosts=hosts, origins=origins),
            Middleware(Bodies),
            Middleware(Identify, guard=guard or OpenGuard(), refuse=fault_response),
            Middleware(Compression),
        ],
    )
    add_fault_handlers(app)
    # Routes are tried in this order: programs call the store's most, and health is asked for all the time.
    app.include_router(store_router(backend), prefix=API)
    app.include_router(health_router(backend))
    app.include_router(blob_router(backend), prefix=API)
    for router in routers:
        app.include_router(router)
    if is_for_stores:
        return app
    for router in (resource_router(backend), event_router(backend), description_router(app)):
        app.include_router(router, prefix=API)
    app.state.mlflow = MlflowService(backend.store, backend.blobs)
    # Not included as a router, which would forget how large a body each route takes; in front, as one of a
    # table is found before another route has been tried.
    app.router.routes.insert(0, mlflow_routes(app.state.mlflow, is_embedded=backend.is_embedded))
    return app
