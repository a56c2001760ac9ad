"""Answers: JSON with a tag of its content, and writes that only go on from what was seen."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import Header
from starlette.requests import Request
from starlette.responses import Response

from headwater.errors import InvalidError
from headwater.model.access import Identity
from headwater.model.protocols import Store
from headwater.model.times import milliseconds
from headwater.model.values import INT64_MAX
from headwater.server.http.backend import Backend
from headwater.server.http.faults import RefusalError
from headwater.server.http.json_values import json_bytes

MEDIA_TYPE: Final = "application/json"
ANY: Final = "*"


Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="The same request with the same key again changes nothing and gets the same ids.",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="The ETag that was seen; refused with 412 when it is another now."),
]


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a value as JSON."""
    return Response(json_bytes(value), status, headers, MEDIA_TYPE)


def tagged(request: Request, value: Any) -> Response:
    """Answer with one thing and its ETag, or say that it is still what the client has (304)."""
    body = json_bytes(value)
    headers = {"ETag": tag_of(body), "Cache-Control": "private, no-cache"}
    if _matches(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(None, 304, headers)
    return Response(body, 200, headers, MEDIA_TYPE)


def tag_of(body: bytes) -> str:
    """Return the ETag of an answer: it changes whenever anything in the answer does."""
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def require_seen(if_match: str | None, value: Any) -> None:
    """Check that what is about to change is what the client has seen; without `If-Match` anything goes.

    Raises:
        RefusalError: status 412, it has changed.
    """
    if if_match is not None and not _matches(if_match, tag_of(json_bytes(value))):
        raise stale()


def stale() -> RefusalError:
    """Return the refusal of a write that rests on something old."""
    return RefusalError(
        412,
        "stale",
        "it has changed since it was read",
        fix="read it again, look at what changed, and send the new ETag in If-Match",
    )


def moment_of(at: str | None) -> int | None:
    """Return the moment that `at` names, in milliseconds; None for now.

    Raises:
        InvalidError: it names none.
    """
    if at is None:
        return None
    text = at.strip()
    try:
        found = int(text) if text.removeprefix("-").isdecimal() and text.isascii() else milliseconds(text)
    except (OverflowError, ValueError) as error:
        if isinstance(error, InvalidError):
            raise
        raise InvalidError(f"{at[:40]!r} is no moment") from error
    if abs(found) > INT64_MAX:
        raise InvalidError(f"{at[:40]!r} is no moment")
    return found


def store_of(backend: Backend, at: str | None) -> Store:
    """Return the store, or the store as it was at a moment."""
    return backend.store_at(moment_of(at))


def key_of(identity: Identity, key: str | None, *parts: str) -> str | None:
    """Return what the store is told of an idempotency key: nobody gets at what another's key gave.

    Args:
        identity: Who sent it.
        key: The header.
        parts: What the request is about, for a key that names several writes.
    """
    if key is None:
        return None
    named = "\0".join((identity.name, key, *parts))
    return hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()


def _matches(header: str | None, tag: str) -> bool:
    if header is None:
        return False
    # A proxy that compresses weakens a tag; what it names stays the same.
    named = [each.strip().removeprefix("W/") for each in header.split(",")]
    return ANY in named or tag in named
