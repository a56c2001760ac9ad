"""Which names a server answers to, and which pages may change something: against rebinding and forgery."""

from collections.abc import Iterable, MutableMapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from headwater.model.address import is_loopback

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
ANY: Final = "*"


class Origins:
    """Middleware that refuses unknown hosts and foreign pages, and gives every answer its safety headers.

    A page elsewhere can make a browser that is in this network send requests here. It cannot choose their
    `Host` and `Origin`, so these two tell it apart.
    """

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str] = (), origins: Iterable[str] = ()) -> None:
        """Let in who is known; loopback names always are.

        Args:
            app: What answers.
            hosts: Names that this server is called by, such as `headwater.example.org`; a name with a port
                is meant with that port alone, `*` is any name.
            origins: Other pages that may change something, such as `https://portal.example.org`.
        """
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] not in {"http", "websocket"}:
            return await self._app(scope, receive, send)
        problem = self._problem(scope)
        if problem is None:
            return await self._app(scope, receive, _with_safety_headers(send))
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008, "reason": problem})
        refused = PlainTextResponse(problem, 403, {"Connection": "close"})
        return await refused(scope, receive, _with_safety_headers(send))

    def _problem(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._knows_host(hosts[0].lower()):
            return "Invalid Host header"
        if scope["type"] == "http" and scope["method"] in _SAFE_METHODS:
            return None
        if all(self._may_change(origin.lower(), hosts[0].lower()) for origin in headers.getlist("origin")):
            return None
        return "Cross-origin request blocked"

    def _knows_host(self, host: str) -> bool:
        name, is_own = _name_of(host)
        return name is not None and (
            is_own or ANY in self._hosts or name in self._hosts or host in self._hosts
        )

    def _may_change(self, origin: str, host: str) -> bool:
        if origin in self._origins:
            return True
        try:
            parts = urlsplit(origin)
            port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
            mine = urlsplit(f"{parts.scheme}://{host}")
            own_port = mine.port or _DEFAULT_PORTS.get(parts.scheme)
        except ValueError:
            return False
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or not mine.hostname:
            return False
        if (parts.hostname, port) == (mine.hostname, own_port):
            return True
        # Another program of this machine, and only where this server is one of this machine, too.
        return is_loopback(parts.hostname) and is_loopback(mine.hostname)


@lru_cache(maxsize=256)
def _name_of(host: str) -> tuple[str | None, bool]:
    """Return the name in a Host header, without its port, None for what is no host; and if it is loopback."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None, False
    is_plain = parts.netloc == host and not parts.path and "@" not in host and host.isascii()
    name = parts.hostname if is_plain else None
    return name, name is not None and is_loopback(name)


def _with_safety_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["X-Content-Type-Options"] = "nosniff"
            headers.setdefault("X-Frame-Options", "SAMEORIGIN")
            headers.setdefault("Content-Security-Policy", "frame-ancestors 'self'")
            headers.setdefault("Referrer-Policy", "same-origin")
            headers.add_vary_header("Origin")
        await send(message)

    return sending
