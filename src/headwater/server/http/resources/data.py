"""Data sets and their versions."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from headwater.errors import NotFoundError
from headwater.model.access import Permission
from headwater.model.data import NewDataVersion
from headwater.model.listing import Page
from headwater.model.values import INT64_MAX
from headwater.server.http.access import identity_of, needs
from headwater.server.http.backend import Backend
from headwater.server.http.resources.answers import json_answer, store_of, tagged
from headwater.server.http.resources.listing import (
    At,
    Cursor,
    Fields,
    Limit,
    PageOut,
    TotalOut,
    page_answer,
    sparse,
    wanted_fields,
)
from headwater.server.http.resources.wire.data import NewDataVersionIn
from headwater.server.http.resources.wire.lineage import (
    DataSetOut,
    DataVersionOut,
    data_set_out,
    data_version_out,
)
from headwater.upkeep import delete_data

SUBJECT = "data/{name}"
Number = Annotated[int, Path(ge=1, le=INT64_MAX)]


def data_router(backend: Backend) -> APIRouter:
    """Return the routes of data sets; names may hold slashes, so what follows one comes first."""
    router = APIRouter(prefix="/data", tags=["data"])
    reads = [needs(Permission.READ, SUBJECT)]

    @router.get(
        "",
        summary="List data sets, by name.",
        dependencies=[needs(Permission.READ)],
        response_model=PageOut[DataSetOut],
    )
    def list_data(fields: Fields = "", cursor: Cursor = None, limit: Limit = 100, at: At = None) -> Response:
        found = store_of(backend, at).data.all()
        return _page(found, lambda each: each.name, cursor, limit, data_set_out, fields, DataSetOut)

    @router.get(
        "/{name:path}/versions",
        summary="List versions of a data set, by number.",
        dependencies=reads,
        response_model=PageOut[DataVersionOut],
    )
    def list_data_versions(
        name: str, fields: Fields = "", cursor: Cursor = None, limit: Limit = 100, at: At = None
    ) -> Response:
        store = store_of(backend, at)
        found = store.data.versions(name)
        if not found:
            # Says which names are near.
            store.data.version(name)
        return _page(
            found, lambda each: f"{each.version:020}", cursor, limit, data_version_out, fields, DataVersionOut
        )

    @router.get(
        "/{name:path}/versions/{version}",
        summary="Return a version of a data set.",
        dependencies=reads,
        response_model=DataVersionOut,
    )
    def get_data_version(
        name: str, version: Number, request: Request, fields: Fields = "", at: At = None
    ) -> Response:
        found = data_version_out(store_of(backend, at).data.version(name, version))
        return tagged(request, sparse(found, wanted_fields(fields, DataVersionOut)))

    _add_changes(router, backend)

    @router.get("/{name:path}", summary="Return a data set.", dependencies=reads, response_model=DataSetOut)
    def get_data(name: str, request: Request, fields: Fields = "", at: At = None) -> Response:
        store = store_of(backend, at)
        found = next((each for each in store.data.all() if each.name == name), None)
        if found is None:
            # Says which names are near.
            store.data.version(name)
            raise NotFoundError("data set", name)
        return tagged(request, sparse(data_set_out(found), wanted_fields(fields, DataSetOut)))

    return router


def _add_changes(router: APIRouter, backend: Backend) -> None:
    """Add the routes that record and delete versions."""

    @router.post(
        "/{name:path}/versions",
        summary="Record a version; the same content again gives the stored one.",
        dependencies=[needs(Permission.WRITE, SUBJECT)],
        response_model=DataVersionOut,
        status_code=201,
    )
    def add_data_version(name: str, new: NewDataVersionIn) -> Response:
        version = NewDataVersion(
            name=name, digest=new.digest, uri=new.uri, size_bytes=new.size_bytes, properties=new.properties
        )
        return json_answer(data_version_out(backend.store.data.add_version(version)), 201)

    @router.delete(
        "/{name:path}/versions/{version}",
        summary="Delete a version of a data set; recording its content again restores it.",
        dependencies=[needs(Permission.DECIDE, SUBJECT)],
        status_code=204,
    )
    def delete_data_version(
        name: str,
        version: Number,
        reason: Annotated[str, Query(max_length=10_000, description="Why; kept in the ledger.")],
        request: Request,
    ) -> Response:
        found = backend.store.data.version(name, version)
        delete_data(backend.store, [found], actor=identity_of(request).actor(), reason=reason)
        return Response(None, 204)


def _page(
    found: Sequence[Any],
    key: Callable[[Any], str],
    cursor: str | None,
    limit: int,
    wire: Callable[[Any], Any],
    fields: str,
    of: type[Any],
) -> Response:
    """Answer with a page of what was read whole and is in order; the cursor is the last key."""
    rest = [each for each in found if cursor is None or key(each) > cursor]
    page = rest[:limit]
    next_cursor = key(page[-1]) if len(rest) > limit else None
    return page_answer(Page(tuple(page), next_cursor), TotalOut(len(found), exact=True), wire, fields, of)
