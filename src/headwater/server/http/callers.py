"""How a server finds out who calls, by its settings."""

from fastapi import APIRouter

from headwater.errors import InvalidError
from headwater.model.protocols import AccessStore
from headwater.server.auth import Auth, BasicGuard, Guard, OidcGuard, OpenGuard, Provider, TokenGuard
from headwater.server.http.login import login_router
from headwater.server.http.settings import ServerSettings


def callers(settings: ServerSettings, access: AccessStore) -> tuple[Guard, list[APIRouter]]:
    """Return the guard, and the routes that signing in needs.

    Raises:
        InvalidError: callers are to sign in at a provider, and the settings name none.
        MissingDependencyError: a package for that is not installed.
    """
    match settings.auth:
        case Auth.OFF:
            return OpenGuard(), []
        case Auth.TOKEN:
            return TokenGuard(access), []
        case Auth.BASIC:
            return BasicGuard(access), []
        case Auth.OIDC:
            if settings.oidc is None:
                raise InvalidError("--auth oidc needs a [server.oidc] table in the file of --config")
            provider = Provider(settings.oidc)
            guard = OidcGuard(access, provider)
            return guard, [login_router(provider, access, guard)]
