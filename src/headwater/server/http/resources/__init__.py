"""The native REST API: one router for each kind of thing. Each route decodes, makes one call, and encodes."""

from fastapi import APIRouter

from headwater.server.http.backend import Backend
from headwater.server.http.resources.data import data_router
from headwater.server.http.resources.decisions import decision_router, deletion_router
from headwater.server.http.resources.ledger import ledger_router
from headwater.server.http.resources.lineage import lineage_router
from headwater.server.http.resources.model_writes import model_write_router
from headwater.server.http.resources.models import model_router, model_summary_router
from headwater.server.http.resources.nodes import node_router
from headwater.server.http.resources.openlineage import openlineage_router
from headwater.server.http.resources.run_writes import run_write_router
from headwater.server.http.resources.runs import run_router
from headwater.server.http.resources.search import search_router
from headwater.server.http.resources.series import series_router
from headwater.server.http.resources.types import type_router

ROUTERS = (
    run_router,
    run_write_router,
    series_router,
    node_router,
    type_router,
    model_router,
    model_write_router,
    decision_router,
    # Names of models may hold slashes: what takes any name comes after what is more special.
    model_summary_router,
    deletion_router,
    data_router,
    lineage_router,
    openlineage_router,
    ledger_router,
    search_router,
)


def resource_router(backend: Backend) -> APIRouter:
    """Return all routes of the REST API."""
    router = APIRouter()
    for make in ROUTERS:
        router.include_router(make(backend))
    return router
