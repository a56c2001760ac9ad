"""Runs: lists, one run, and what runs have."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from headwater.errors import InvalidError
from headwater.model.access import Permission, subject
from headwater.model.filters import Entity
from headwater.model.runs import Run
from headwater.query.parse import parse_order
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
from headwater.server.http.resources.wire.runs import (
    FieldOut,
    MetricOut,
    RunOut,
    ValueOut,
    field_out,
    metric_out,
    run_out,
    value_out,
)
from headwater.tracking import find_run

Prefix = Annotated[str, Query(max_length=500, description="Only those that begin like this.")]
Few = Annotated[int, Query(ge=1, le=1000)]


def run_router(backend: Backend) -> APIRouter:
    """Return the routes that read runs."""
    router = APIRouter(prefix="/runs", tags=["runs"], dependencies=[needs(Permission.READ)])

    @router.get("", summary="List runs, the newest first.", response_model=PageOut[RunOut])
    def list_runs(asked: Annotated[Asked, Depends()]) -> Response:
        store, tree = asked.store(backend), asked.filter(Entity.RUN)
        chosen = wanted_fields(asked.fields, RunOut)
        # Metrics are the dearest part of a run.
        page = store.runs.page(
            asked.listing(Entity.RUN, tree), with_metrics=not chosen or "metrics" in chosen
        )
        total = asked.total(store.runs.count, tree)
        return page_answer(page, total, run_out, asked.fields, RunOut)

    @router.get(
        "/fields",
        summary="List the metrics, params and tags that runs have, those that most have first.",
        response_model=PageOut[FieldOut],
    )
    def list_run_fields(
        prefix: Prefix = "", limit: Few = 200, fields: Fields = "", at: At = None
    ) -> Response:
        found = store_of(backend, at).runs.fields(prefix, limit=limit)
        return whole_answer(found, field_out, fields, FieldOut)

    @router.get(
        "/values",
        summary="List the values of a param, a tag, or a text of runs, those that most have first.",
        response_model=PageOut[ValueOut],
    )
    def list_run_values(
        field: Annotated[str, Query(max_length=1000, description="Such as params.lr, tags.team or user.")],
        prefix: Prefix = "",
        limit: Few = 20,
        at: At = None,
    ) -> Response:
        orders = parse_order(field, Entity.RUN)
        if len(orders) != 1:
            raise InvalidError(f"field must name one field, such as params.lr, not {field[:80]!r}")
        found = store_of(backend, at).runs.values(orders[0].field, prefix, limit=limit)
        return whole_answer(found, value_out, "", ValueOut)

    @router.get("/{run_id}", summary="Return a run by its id or the beginning of it.", response_model=RunOut)
    def get_run(run_id: str, request: Request, fields: Fields = "", at: At = None) -> Response:
        found = run_out(find_run(store_of(backend, at), run_id))
        return tagged(request, sparse(found, wanted_fields(fields, RunOut)))

    @router.get(
        "/{run_id}/metrics",
        summary="List the metrics of a run with their newest points.",
        response_model=PageOut[MetricOut],
    )
    def list_run_metrics(run_id: str, prefix: Prefix = "", fields: Fields = "", at: At = None) -> Response:
        metrics = find_run(store_of(backend, at), run_id).metrics
        found = [metrics[key] for key in sorted(metrics) if key.startswith(prefix)]
        return whole_answer(found, metric_out, fields, MetricOut)

    return router


def experiment_of(run: Run) -> str:
    """Return what grants call the experiment of a run."""
    return subject("experiments", run.experiment)
