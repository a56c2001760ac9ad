"""Browsers sign in at an identity provider, and out again."""

import secrets
from collections.abc import Callable
from hmac import compare_digest
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from headwater.errors import UnauthenticatedError
from headwater.model.access import (
    SESSION_PREFIX,
    NewToken,
    SignIn,
    TokenKind,
    new_secret,
    secret_digest,
)
from headwater.model.protocols import AccessStore
from headwater.model.times import now_ms
from headwater.server.auth import OidcGuard, Provider, admit
from headwater.server.http.access import SESSION, cookie_name, is_plain, public

LOGIN: Final = "login"
LOGIN_S: Final = 600
"""How long somebody may take to sign in at the provider."""
SESSION_S: Final = 12 * 3600


def login_router(
    provider: Provider,
    access: AccessStore,
    guard: OidcGuard,
    *,
    clock_ms: Callable[[], int] = now_ms,
) -> APIRouter:
    """Return `GET /login`, `GET /login/callback` and `POST /logout`."""
    router = APIRouter(dependencies=[public()])

    _add_begin(router, provider, access, clock_ms)
    _add_callback(router, provider, access, clock_ms)
    _add_logout(router, access, guard)
    return router


def _add_begin(
    router: APIRouter, provider: Provider, access: AccessStore, clock_ms: Callable[[], int]
) -> None:
    """Add the route that sends a browser to the provider."""

    @router.get("/login", include_in_schema=False)
    def login(request: Request, next: str = "/") -> Response:
        state, nonce, verifier, browser = (secrets.token_urlsafe(32) for _ in range(4))
        url = provider.authorization_url(state=state, nonce=nonce, verifier=verifier)
        access.begin_sign_in(
            SignIn(
                state_digest=secret_digest(state),
                browser_digest=secret_digest(browser),
                nonce=nonce,
                verifier=verifier,
                return_to=local_path(next),
                expires_ms=clock_ms() + LOGIN_S * 1000,
            )
        )
        response = RedirectResponse(url, 302)
        _set_cookie(request, response, LOGIN, browser, LOGIN_S)
        return response


def _add_callback(
    router: APIRouter, provider: Provider, access: AccessStore, clock_ms: Callable[[], int]
) -> None:
    """Add the route to which the provider sends it back."""

    @router.get("/login/callback", include_in_schema=False)
    def callback(request: Request, state: str = "", code: str = "", error: str = "") -> Response:
        begun = _begun(request, access, state)
        if error or not code:
            raise UnauthenticatedError(f"the identity provider refuses the login: {error[:100] or 'no code'}")
        claims = provider.exchange(code, verifier=begun.verifier, nonce=begun.nonce)
        account = admit(access, provider.settings, claims)
        secret = new_secret(SESSION_PREFIX)
        session = NewToken(
            account=account.name,
            name="browser",
            digest=secret_digest(secret),
            kind=TokenKind.SESSION,
            expires_ms=clock_ms() + SESSION_S * 1000,
        )
        access.add_token(session, actor=account.name)
        response = RedirectResponse(begun.return_to, 303)
        _set_cookie(request, response, SESSION, secret, SESSION_S)
        _set_cookie(request, response, LOGIN, "", 0)
        return response


def _add_logout(router: APIRouter, access: AccessStore, guard: OidcGuard) -> None:
    """Add the route that ends a browser's session."""

    @router.post("/logout", include_in_schema=False)
    def logout(request: Request) -> Response:
        secret = request.cookies.get(cookie_name(request, SESSION), "")
        found = access.by_token(secret_digest(secret))
        if found is not None and found[1].kind is TokenKind.SESSION:
            access.revoke_token(found[1].id, actor=found[0].name)
            guard.forget(session=secret)
        response = Response(status_code=204)
        _set_cookie(request, response, SESSION, "", 0)
        return response


def local_path(path: str) -> str:
    """Return a path of this server to go to; whatever could lead elsewhere becomes `/`.

    Example:
        >>> local_path("/runs?q=1"), local_path("//evil.example"), local_path("https://evil.example")
        ('/runs?q=1', '/', '/')
    """
    is_local = path.startswith("/") and path[1:2] not in {"/", "\\"}
    return path if is_local and path.isascii() and path.isprintable() else "/"


def _begun(request: Request, access: AccessStore, state: str) -> SignIn:
    """Take the login that this browser began.

    Raises:
        UnauthenticatedError: it began none, has ended it, or took too long.
    """
    browser = request.cookies.get(cookie_name(request, LOGIN), "")
    begun = access.take_sign_in(secret_digest(state)) if state and browser else None
    if begun is None or not compare_digest(begun.browser_digest, secret_digest(browser)):
        raise UnauthenticatedError("this login did not begin here, has ended, or took too long: begin again")
    return begun


def _set_cookie(request: Request, response: Response, purpose: str, value: str, seconds: int) -> None:
    response.set_cookie(
        cookie_name(request, purpose),
        value,
        max_age=seconds,
        path="/",
        secure=not is_plain(request),
        httponly=True,
        samesite="lax",
    )
