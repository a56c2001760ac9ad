"""The record of decisions."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from headwater.errors import InvalidError, NotFoundError
from headwater.ledger import all_records, verify
from headwater.model.access import Permission
from headwater.model.listing import Page
from headwater.model.values import INT64_MAX
from headwater.server.http.access import needs
from headwater.server.http.backend import Backend
from headwater.server.http.json_values import json_value
from headwater.server.http.resources.answers import json_answer, store_of, tagged
from headwater.server.http.resources.listing import At, Cursor, Fields, Limit, PageOut, TotalOut, page_answer
from headwater.server.http.resources.wire.lineage import EntryOut, HeadOut, VerificationOut, entry_out

Only = Annotated[str | None, Query(max_length=1_000)]


def ledger_router(backend: Backend) -> APIRouter:
    """Return the routes of the ledger."""
    router = APIRouter(prefix="/ledger", tags=["ledger"], dependencies=[needs(Permission.READ)])

    @router.get("", summary="List decisions, the oldest first.", response_model=PageOut[EntryOut])
    def list_entries(
        subject: Only = None,
        action: Only = None,
        actor: Only = None,
        *,
        newest: Annotated[bool, Query(description="The last page instead of the first.")] = False,
        fields: Fields = "",
        cursor: Cursor = None,
        limit: Limit = 100,
        at: At = None,
    ) -> Response:
        ledger, after = store_of(backend, at).ledger, _number_of(cursor)
        found = ledger.entries(
            subject=subject, action=action, actor=actor, after=after, limit=limit + 1, newest=newest
        )
        page = found[-limit:] if newest else found[:limit]
        next_cursor = str(page[-1].seq) if len(found) > limit and not newest else None
        is_whole = subject is None and action is None and actor is None
        # Entries have their numbers without gaps; with a condition nobody counts.
        total = TotalOut(ledger.head().seq, exact=True) if is_whole else TotalOut(None, exact=False)
        return page_answer(Page(tuple(page), next_cursor), total, entry_out, fields, EntryOut)

    @router.get("/head", summary="Return where the ledger stands.", response_model=HeadOut)
    def get_head(request: Request, at: At = None) -> Response:
        return tagged(request, HeadOut.of(store_of(backend, at).ledger.head()))

    @router.get(
        "/verification",
        summary="Check that no decision was altered, removed, added or moved.",
        response_model=VerificationOut,
    )
    def verify_ledger(at: At = None) -> Response:
        found = verify(all_records(store_of(backend, at).ledger.records))
        return json_answer({**json_value(found), "is_intact": found.is_intact})

    @router.get("/{seq}", summary="Return a decision by its number.", response_model=EntryOut)
    def get_entry(seq: Annotated[int, Path(ge=1, le=INT64_MAX)], request: Request, at: At = None) -> Response:
        found = store_of(backend, at).ledger.entries(after=seq - 1, limit=1)
        if not found or found[0].seq != seq:
            raise NotFoundError("decision", seq)
        return tagged(request, entry_out(found[0]))

    return router


def _number_of(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 19):
        raise InvalidError(f"{cursor[:40]!r} is no cursor of this list: send `next` of the page before")
    return int(cursor)
