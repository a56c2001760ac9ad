"""Metric series in buckets: as JSON, or as packed columns where there is much of it."""

import struct
import sys
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from headwater.errors import InvalidError
from headwater.model.access import Permission
from headwater.model.filters import Entity
from headwater.model.listing import Listing
from headwater.model.protocols import Store
from headwater.model.runs import Run
from headwater.model.series import Bucket
from headwater.query.parse import parse_filter, parse_order
from headwater.server.http.access import needs
from headwater.server.http.backend import Backend
from headwater.server.http.resources.answers import json_answer, store_of
from headwater.server.http.resources.listing import At
from headwater.server.http.resources.series_groups import Axis, GroupDrawn, Grouping
from headwater.server.http.resources.wire.runs import QueriedSeriesOut, SeriesIn, SeriesListOut, SparklinesIn
from headwater.tracking import find_run

MOST_BUCKETS: Final = 2_000
MOST_RUNS: Final = 50
MOST_SERIES: Final = 1_000
MOST_JSON_VALUES: Final = 2_000
"""With more numbers than this the answer is packed, unless the request wants JSON."""
PACKED: Final = "application/octet-stream"
SPARK_COLUMNS: Final = ("x", "last", "min", "max")
_ALIGNED: Final = 8
_LENGTH: Final = struct.Struct("<I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A series in buckets, as columns of equal length."""

    run: str
    key: str
    columns: dict[str, list[float | None]] = field(default_factory=dict[str, list[float | None]])

    @property
    def head(self) -> dict[str, Any]:
        """What it is a series of."""
        return {"run": self.run, "key": self.key}


def series_router(backend: Backend) -> APIRouter:
    """Return the routes that draw metrics."""
    router = APIRouter(tags=["series"], dependencies=[needs(Permission.READ)])
    both: dict[int | str, dict[str, Any]] = {
        200: {"content": {PACKED: {"schema": {"type": "string", "format": "binary"}}}}
    }

    @router.get(
        "/runs/{run_id}/series",
        summary="Return metrics of a run in buckets.",
        response_model=SeriesListOut,
        responses=both,
    )
    def get_series(
        run_id: str,
        keys: Annotated[list[str], Query(max_length=100, description="Names of metrics; may be repeated.")],
        request: Request,
        x: Axis = "step",
        from_: Annotated[int | None, Query(alias="from", ge=-(2**63), le=2**63 - 1)] = None,
        to: Annotated[int | None, Query(ge=-(2**63), le=2**63 - 1)] = None,
        buckets: Annotated[int, Query(ge=1, le=MOST_BUCKETS)] = 500,
        at: At = None,
    ) -> Response:
        store = store_of(backend, at)
        drawn = _drawn(store, [find_run(store, run_id)], keys, buckets, x=x, first=from_, last=to)
        return _answer(request, list(drawn))

    @router.post(
        "/series/query",
        summary="Return metrics of several runs, or of groups of them, in buckets.",
        response_model=QueriedSeriesOut,
        responses=both,
    )
    def query_series(wanted: SeriesIn, request: Request, at: At = None) -> Response:
        _check_size(wanted.buckets, MOST_RUNS if wanted.runs is None else len(wanted.runs), wanted.keys)
        store = store_of(backend, at)
        if (wanted.runs is None) is (wanted.q is None):
            raise InvalidError("say which runs: their ids in runs, or a filter in q")
        return _answer(request, list(_queried(store, _chosen(store, wanted), wanted)))

    _add_sparklines(router, backend, both)

    return router


def _add_sparklines(router: APIRouter, backend: Backend, both: dict[int | str, dict[str, Any]]) -> None:
    """Add the route of small pictures of many series."""

    @router.post(
        "/series/sparklines",
        summary="Return metrics of many runs in few buckets.",
        response_model=SeriesListOut,
        responses=both,
    )
    def get_sparklines(wanted: SparklinesIn, request: Request, at: At = None) -> Response:
        _check_size(wanted.buckets, len(wanted.runs), wanted.keys, most_runs=MOST_SERIES)
        store = store_of(backend, at)
        runs = [find_run(store, run_id) for run_id in wanted.runs]
        return _answer(request, list(_drawn(store, runs, wanted.keys, wanted.buckets, names=SPARK_COLUMNS)))


def packed(drawn: Sequence[Drawn | GroupDrawn]) -> bytes:
    """Pack series: the header's length (uint32), the header (JSON, filled up with blanks), the columns.

    All numbers are little-endian float64, one column after another in the header's order, beginning at the
    first multiple of 8 bytes after the header. A number that is not there is NaN.
    """
    series = [{**each.head, "columns": list(each.columns), "count": len(each.columns["x"])} for each in drawn]
    header = msgspec.json.encode({"series": series})
    header += b" " * (-(len(header) + _LENGTH.size) % _ALIGNED)
    columns = (_column(column) for each in drawn for column in each.columns.values())
    return b"".join((_LENGTH.pack(len(header)), header, *columns))


def _column(values: Iterable[float | None]) -> bytes:
    found = array("d", (float("nan") if value is None else value for value in values))
    if sys.byteorder == "big":
        found.byteswap()
    return found.tobytes()


def _answer(request: Request, drawn: Sequence[Drawn | GroupDrawn]) -> Response:
    accepted = request.headers.get("accept", "*/*")
    size = sum(len(column) for each in drawn for column in each.columns.values())
    is_large = size > MOST_JSON_VALUES
    wants_json = "application/json" in accepted and PACKED not in accepted
    if not wants_json and (is_large or (PACKED in accepted and "json" not in accepted)):
        return Response(packed(drawn), media_type=PACKED)
    return json_answer({"items": drawn})


def _check_size(buckets: int, runs: int, keys: Sequence[str], *, most_runs: int = MOST_RUNS) -> None:
    if buckets > MOST_BUCKETS:
        raise InvalidError(f"a series has at most {MOST_BUCKETS:,} buckets, not {buckets:,}")
    if runs > most_runs or runs * len(keys) > MOST_SERIES:
        raise InvalidError(f"ask for at most {most_runs:,} runs and {MOST_SERIES:,} series at once")


def _chosen(store: Store, wanted: SeriesIn) -> Sequence[Run]:
    if wanted.runs is not None:
        return [find_run(store, run_id) for run_id in wanted.runs]
    listing = Listing(
        filter=parse_filter(wanted.q or "", Entity.RUN),
        order_by=parse_order(wanted.sort, Entity.RUN),
        limit=MOST_RUNS,
    )
    return store.runs.page(listing, with_metrics=False).items


def _queried(store: Store, runs: Sequence[Run], wanted: SeriesIn) -> Iterable[Drawn | GroupDrawn]:
    """Yield the series of runs, or of groups of them where that is wanted."""
    first, last = wanted.from_step, wanted.to_step
    if wanted.group_by is None:
        return _drawn(store, runs, wanted.keys, wanted.buckets, x=wanted.x, first=first, last=last)
    grouping = Grouping(
        by=wanted.group_by, band=wanted.band, buckets=wanted.buckets, x=wanted.x, first=first, last=last
    )
    return grouping.draw(store, runs, wanted.keys)


def _drawn(
    store: Store,
    runs: Sequence[Run],
    keys: Sequence[str],
    buckets: int,
    *,
    x: Axis = "step",
    first: int | None = None,
    last: int | None = None,
    names: Sequence[str] = (),
) -> Iterable[Drawn]:
    """Yield the series that have points, by run and key as they were asked for."""
    for run in runs:
        columns = _columns(x, run)
        for key in keys:
            found = store.series.buckets(run.id, key, count=buckets, min_step=first, max_step=last)
            if found:
                chosen = {name: columns[name] for name in names or columns}
                yield Drawn(
                    run=run.run_id,
                    key=key,
                    columns={name: [column(bucket) for bucket in found] for name, column in chosen.items()},
                )


def _columns(x: Axis, run: Run) -> dict[str, Callable[[Bucket], float | None]]:
    """Return what is sent of each bucket; `x` is where it stands on the axis."""
    places: dict[Axis, Callable[[Bucket], float | None]] = {
        "step": lambda bucket: bucket.last_step,
        "time": lambda bucket: bucket.last_time_ms,
        "relative": lambda bucket: bucket.last_time_ms - run.start_ms,
    }
    return {
        "x": places[x],
        "first_step": lambda bucket: bucket.first_step,
        "last_step": lambda bucket: bucket.last_step,
        "first_time_ms": lambda bucket: bucket.first_time_ms,
        "last_time_ms": lambda bucket: bucket.last_time_ms,
        "last": lambda bucket: bucket.last,
        "min": lambda bucket: bucket.min,
        "max": lambda bucket: bucket.max,
        "mean": lambda bucket: bucket.mean,
        "count": lambda bucket: bucket.count,
        "nan_count": lambda bucket: bucket.nan_count,
        "infinite_count": lambda bucket: bucket.infinite_count,
    }
