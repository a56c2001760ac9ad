"""Who calls a route, and whether they may: each route declares the permission that it needs.

A route without a declaration is a fault that `undeclared` finds; see `needs` and `public`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from fastapi import Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from headwater.errors import HeadwaterError, ThrottledError, UnauthenticatedError
from headwater.model.access import Identity, Permission
from headwater.model.address import is_loopback
from headwater.server.auth import Guard
from headwater.server.http.tables import flat

SESSION: Final = "session"
MOST_UNKNOWN_BYTES: Final = 65_536
"""Largest body that is read from somebody before it is known who they are."""

Subject: TypeAlias = str | Callable[[Request], str | None] | None
E = TypeVar("E", bound=Callable[..., Any])
Refuse: TypeAlias = Callable[[Request, HeadwaterError], Response]


class Identify:
    """Middleware that finds out who calls, once, before anything of the request is read.

    Whoever cannot be identified still reaches the routes, as some are public; those that are not raise the
    error. A large body is not taken from them: they are answered at once.
    """

    def __init__(self, app: ASGIApp, *, guard: Guard, refuse: Refuse) -> None:
        """Ask `guard` who calls; `refuse` makes an answer of an error."""
        self._app, self._guard, self._refuse = app, guard, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] not in {"http", "websocket"}:
            return await self._app(scope, receive, send)
        state = scope.setdefault("state", {})
        state["challenge"] = self._guard.challenge
        try:
            state["identity"] = await _identify(self._guard, scope)
        except HeadwaterError as error:
            state["refusal"] = error
            if scope["type"] == "http" and _has_large_body(Headers(scope=scope)):
                return await self._refuse(Request(scope), error)(scope, receive, send)
        return await self._app(scope, receive, send)


def identity_of(request: Request) -> Identity:
    """Return who calls, as the middleware found out.

    Raises:
        UnauthenticatedError, ThrottledError, UnavailableError: it could not; see `Guard.identify`.
    """
    identity = getattr(request.state, "identity", None)
    if isinstance(identity, Identity):
        return identity
    refusal = getattr(request.state, "refusal", None)
    # Also without the middleware nobody gets in.
    raise refusal if isinstance(refusal, HeadwaterError) else UnauthenticatedError("nothing tells who calls")


def authorize(request: Request, permission: Permission, subject: str | None = None) -> Identity:
    """Return who calls, if they may do this.

    Raises:
        ForbiddenError: they may not.
        UnauthenticatedError, ThrottledError, UnavailableError: as in `identity_of`.
    """
    identity = identity_of(request)
    identity.require(permission, subject)
    return identity


def admit(request: Request) -> None:
    """Check that somebody may call the route of a request, on one thing at least.

    Raises:
        ForbiddenError: they may not.
        UnauthenticatedError, ThrottledError, UnavailableError: as in `identity_of`.
    """
    access = _declared(request.scope["route"])
    if access is not None and access.permission is not None:
        admitted(request, access.permission)


def admitted(request: Request, permission: Permission) -> Identity:
    """Return who calls, if they may do something with one thing at least.

    Raises:
        ForbiddenError: they may not.
        UnauthenticatedError, ThrottledError, UnavailableError: as in `identity_of`.
    """
    identity = identity_of(request)
    if not any(identity.allows(permission, grant.subject) for grant in identity.grants):
        identity.require(permission)
    return identity


@dataclass(frozen=True, slots=True)
class Access:
    """What a route declares: the permission that it needs, None for a public one.

    As a dependency it checks it and gives the identity. A subject is a template over the path's parameters,
    such as `models/{name}`, or a function of the request; without one the call is about everything.
    """

    permission: Permission | None
    subject: Subject = None

    def __call__(self, request: Request) -> Identity | None:
        """Check a request."""
        if self.permission is None:
            return None
        subject = self.subject
        if isinstance(subject, str):
            subject = subject.format_map(request.path_params)
        elif subject is not None:
            subject = subject(request)
        return authorize(request, self.permission, subject)


def needs(permission: Permission, subject: Subject = None) -> Any:
    """Declare what a route needs; the subject is as in `Access`.

    Either `dependencies=[needs(READ)]`, or for the identity, too, `who: Annotated[Identity, needs(WRITE)]`.
    """
    return Depends(Access(permission, subject))


def public() -> Any:
    """Declare that anybody may call a route."""
    return Depends(Access(None))


def checked_inside(permission: Permission) -> Callable[[E], E]:
    """Declare of an endpoint that it calls `authorize` itself, and at least with which permission."""

    def mark(endpoint: E) -> E:
        endpoint.access = Access(permission)  # pyright: ignore[reportFunctionMemberAccess]
        return endpoint

    return mark


def open_to_all(endpoint: E) -> E:
    """Declare of an endpoint without dependencies that anybody may call it."""
    endpoint.access = Access(None)  # pyright: ignore[reportFunctionMemberAccess]
    return endpoint


def undeclared(app: FastAPI) -> list[str]:
    """Return the routes that declare neither a permission nor that they are public, as `GET /path`."""
    return [words for words, access in declarations(app).items() if access is None]


def declarations(app: FastAPI) -> Mapping[str, Access | None]:
    """Return what each route declares, by `GET /path`; None for nothing."""
    found: dict[str, Access | None] = {}
    for route in iter_route_contexts([*flat(app.routes)]):
        for method in sorted(route.methods or {"ANY"}):
            found[f"{method} {route.path}"] = _declared(route)
    return found


def cookie_name(request: HTTPConnection, purpose: str) -> str:
    """Return what a cookie is called: where browsers use TLS, so that no other host or plain page sets it."""
    return f"headwater_{purpose}" if is_plain(request) else f"__Host-headwater_{purpose}"


def is_plain(request: HTTPConnection) -> bool:
    """Tell whether a browser may send its cookies without TLS: only to this machine."""
    return is_loopback(request.url.hostname or "")


def refusal_headers(request: Request, error: HeadwaterError) -> dict[str, str]:
    """Return the headers that an answer to an error has besides: how to say who one is, how long to wait."""
    if isinstance(error, ThrottledError):
        return {"Retry-After": str(max(1, round(error.retry_after_s)))}
    challenge = getattr(request.state, "challenge", None)
    if isinstance(error, UnauthenticatedError) and challenge:
        return {"WWW-Authenticate": challenge}
    return {}


async def _identify(guard: Guard, scope: Scope) -> Identity:
    headers = Headers(scope=scope)
    said = headers.getlist("authorization")
    if len(said) > 1:
        # Which one counts is a matter of opinion among proxies.
        raise UnauthenticatedError("there are two Authorization headers")
    authorization = said[0] if said else None
    session = _session(headers, scope)
    known = guard.remembered(authorization, session=session)
    if known is not None:
        return known
    address = scope["client"][0] if scope.get("client") else ""

    def ask() -> Identity:
        return guard.identify(authorization, session=session, address=address)

    return await run_in_threadpool(ask)


def _session(headers: Headers, scope: Scope) -> str | None:
    if "cookie" not in headers:
        return None
    request = HTTPConnection(scope)
    return request.cookies.get(cookie_name(request, SESSION))


def _has_large_body(headers: Headers) -> bool:
    length = headers.get("content-length", "0")
    # A chunked body has no length that could be known.
    return "transfer-encoding" in headers or not length.isdecimal() or int(length) > MOST_UNKNOWN_BYTES


def _declared(route: Any) -> Access | None:
    marked = getattr(route.endpoint, "access", None)
    if isinstance(marked, Access):
        return marked
    dependant = getattr(route, "dependant", None)
    return next(_accesses(dependant), None) if isinstance(dependant, Dependant) else None


def _accesses(dependant: Dependant) -> Iterator[Access]:
    if isinstance(dependant.call, Access):
        yield dependant.call
    for each in dependant.dependencies:
        yield from _accesses(each)
