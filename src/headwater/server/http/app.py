"""The application: all routes over one store."""

from fastapi import FastAPI

from headwater.server.http.backend import Backend
from headwater.server.http.blobs import blob_router
from headwater.server.http.faults import add_fault_handlers
from headwater.server.http.store_calls import store_router
from headwater.version import VERSION

API = "/api/v1"


def create_app(backend: Backend) -> FastAPI:
    """Return the application; whoever opened the store and the bytes closes them."""
    app = FastAPI(
        title="Headwater",
        version=VERSION,
        summary="Where every model came from, and what happened to it since.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    add_fault_handlers(app)
    app.include_router(store_router(backend), prefix=API)
    app.include_router(blob_router(backend), prefix=API)
    return app
