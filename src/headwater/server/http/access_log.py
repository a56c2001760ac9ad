"""One line for each request: who asked for what, and how it went."""

import logging
import re
import secrets
import time
from collections.abc import MutableMapping
from typing import Any, Final

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from headwater.model.times import now_ms
from headwater.server.http.metrics import observe

LOG: Final = logging.getLogger("headwater.access")
_ID: Final = re.compile(r"[\w.-]{1,64}", re.ASCII)


class AccessLog:
    """Middleware that gives every request an id, and notes it as one JSON object when it has been answered.

    A client's own `X-Request-ID` is kept, so that one request can be followed through several servers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        sent = Headers(scope=scope).get("x-request-id", "")
        request_id = sent if _ID.fullmatch(sent) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        began_s, status, size = time.perf_counter(), 500, 0

        async def sending(message: MutableMapping[str, Any]) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            seconds = time.perf_counter() - began_s
            observe(scope["method"], _route(scope), status, seconds)
            _write(scope, request_id, status, size, seconds)


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "none")


def _write(scope: Scope, request_id: str, status: int, size_bytes: int, seconds: float) -> None:
    if not LOG.isEnabledFor(logging.INFO):
        return
    identity = scope["state"].get("identity")
    line = {
        "time_ms": now_ms(),
        "id": request_id,
        "client": scope["client"][0] if scope.get("client") else None,
        "account": identity.name if identity is not None else None,
        "method": scope["method"],
        # Without the query: filters and tokens in it are nobody else's business.
        "path": scope["path"],
        "status": status,
        "size_bytes": size_bytes,
        "duration_ms": round(seconds * 1000, 3),
    }
    # Not `info`, which walks the stack to find out who logs.
    text = msgspec.json.encode(line).decode()
    LOG.handle(LOG.makeRecord(LOG.name, logging.INFO, __file__, 0, text, (), None))
