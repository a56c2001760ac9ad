"""Errors as answers: one JSON shape, with a status for each code."""

import json
import logging
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from headwater.errors import FilterError, HeadwaterError, NotFoundError, UnmetError
from headwater.server.http.access import admit, refusal_headers
from headwater.store.calls import MEDIA_TYPE, fault, pack

STATUSES: Final[Mapping[str, int]] = {
    "not_found": 404,
    "conflict": 409,
    "stale": 412,
    "invalid": 400,
    "bad_filter": 400,
    "bad_metric": 400,
    "refused": 409,
    "unmet": 409,
    "rejected": 409,
    "corrupt": 500,
    "schema": 500,
    "unavailable": 503,
    "missing_package": 500,
    "unauthenticated": 401,
    "forbidden": 403,
    "throttled": 429,
    "internal": 500,
}
"""HTTP statuses by code, as `headwater.errors` lists them."""

_WORDS: Final = {404: "not_found", 405: "invalid", 413: "too_large", 415: "invalid"}
_FIXES: Final[Mapping[str, str]] = {
    "conflict": "read what is stored and send what differs from it, or use another Idempotency-Key",
    "stale": "read it again and redo the change on what it is now",
    "bad_metric": "send a number, or log the value as a param or a tag",
    "unavailable": "try again in a moment",
    "unauthenticated": "send Authorization: Bearer TOKEN; `headwater tokens add` makes a token",
    "forbidden": "ask an administrator for a role, or for a grant on this subject",
    "throttled": "wait for as long as Retry-After says",
    "schema": "run `headwater db upgrade`, or start a server of the version that made the tables",
}
"""What to do about an error, by its code, where the error does not say it better."""


class RefusalError(HTTPException):
    """A request that HTTP itself has a status for, with what to do about it."""

    def __init__(self, status: int, code: str, message: str, *, fix: str) -> None:
        super().__init__(status, message)
        self.code, self.fix = code, fix


_log = logging.getLogger(__name__)


def add_fault_handlers(app: FastAPI) -> None:
    """Turn whatever a route raises into an answer; nothing of the server's inside leaves it."""
    app.add_exception_handler(HeadwaterError, _headwater_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _client_left)
    app.add_exception_handler(Exception, _unexpected)


def fault_response(request: Request, error: HeadwaterError) -> Response:
    """Answer with an error: in MessagePack to a client of the store, in JSON to all others."""
    status = STATUSES.get(error.code, 500)
    headers = {"Retry-After": "1"} if status == 503 else refusal_headers(request, error)
    if MEDIA_TYPE in request.headers.get("accept", ""):
        return Response(pack(fault(error)), status, headers, MEDIA_TYPE)
    near = error.near if isinstance(error, NotFoundError) else ()
    return json_fault(error.code, str(error), status, near=near, fix=_fix(error), headers=headers)


def json_fault(
    code: str,
    message: str,
    status: int,
    *,
    near: tuple[str, ...] = (),
    fix: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with the one shape that errors have."""
    body = {"code": code, "message": message, "near": list(near), "fix": fix}
    # Not as UTF-8: a message may repeat text that has no place in it.
    return Response(json.dumps(body), status, headers, "application/json")


def _fix(error: HeadwaterError) -> str | None:
    match error:
        case FilterError(allowed=allowed) if allowed:
            return f"one of {', '.join(allowed)}"
        case NotFoundError(near=near) if near:
            return f"did you mean {near[0]}?"
        case UnmetError():
            return "; ".join(map(str, error.missing))
        case _:
            return _FIXES.get(error.code)


async def _headwater_error(request: Request, error: Any) -> Response:
    if STATUSES.get(error.code, 500) == 500:
        _log.error("%s %s: %s", request.method, request.url.path, error)
    return fault_response(request, error)


async def _validation_error(request: Request, error: Any) -> Response:
    try:
        # What a route takes is told to those alone who may call it.
        admit(request)
    except HeadwaterError as refusal:
        return fault_response(request, refusal)
    faults = [f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in error.errors()]
    return json_fault("invalid", "; ".join(faults), 400)


async def _http_error(_: Request, error: Any) -> Response:
    if isinstance(error, RefusalError):
        return json_fault(error.code, str(error.detail), error.status_code, fix=error.fix)
    code = _WORDS.get(error.status_code, "invalid" if error.status_code < 500 else "internal")
    return json_fault(code, str(error.detail), error.status_code, headers=error.headers)


async def _client_left(_: Request, __: Any) -> Response:
    # Nobody reads it; but it is no failure of the server, whose log anybody could fill so.
    return json_fault("invalid", "the client left in the middle of its request", 499)


async def _unexpected(request: Request, error: Any) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return json_fault("internal", "the server failed; its log says why", 500)
