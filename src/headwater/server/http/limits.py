"""How slowly a body may arrive, and what becomes of its rest; how large it may be is `max_body_size`."""

import asyncio
import time
from collections.abc import Callable, MutableMapping
from functools import partial
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

PATIENCE_S: Final = 30.0
LEAST_BYTES_PER_S: Final = 1024.0
ANY_SIZE: Final = 2**50
"""The `max_body_size` of routes whose bodies go to the disk as they come: it is bound by the disk."""


class Bodies:
    """Middleware that does not wait for ever: a client that sends a byte a minute holds a connection.

    The time spent waiting for the body may be `patience_s`, and a second more for each `least_bytes_per_s`
    that came. What the route takes to work on a piece does not count. Whoever was answered before all of the
    body came is disconnected, so that nobody has to read the rest.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        patience_s: float = PATIENCE_S,
        least_bytes_per_s: float = LEAST_BYTES_PER_S,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._patience_s, self._rate, self._monotonic_s = patience_s, least_bytes_per_s, monotonic_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        body = _Body(receive, send, is_whole=not _has_body(Headers(scope=scope)))
        return await self._app(scope, partial(self._receive, body), body.send)

    async def _receive(self, body: "_Body") -> MutableMapping[str, Any]:
        if body.is_whole:
            # From here on it says when the client has gone, which may take as long as it likes.
            return await body.receive()
        began_s = self._monotonic_s()
        try:
            async with asyncio.timeout(self._patience_s + body.size / self._rate - body.waited_s):
                message = await body.receive()
        except TimeoutError:
            problem = "the body came too slowly: send it faster, or in smaller requests"
            raise HTTPException(408, problem) from None
        body.waited_s += self._monotonic_s() - began_s
        body.size += len(message.get("body", b""))
        body.is_whole = not message.get("more_body", False)
        return message


class _Body:
    """How far a body has come."""

    def __init__(self, receive: Receive, send: Send, *, is_whole: bool) -> None:
        self.receive, self._send, self.is_whole = receive, send, is_whole
        self.size, self.waited_s = 0, 0.0

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start" and not self.is_whole:
            MutableHeaders(scope=message)["Connection"] = "close"
        await self._send(message)


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
