"""Who is calling a server: guards, passwords, limits on failures, and identity providers."""

from headwater.server.auth.admitting import OidcGuard, admit
from headwater.server.auth.guards import BasicGuard, Guard, OpenGuard, TokenGuard
from headwater.server.auth.oidc import OidcSettings, Provider
from headwater.server.auth.passwords import Passwords
from headwater.server.auth.starting import Auth, check_start

__all__ = [
    "Auth",
    "BasicGuard",
    "Guard",
    "OidcGuard",
    "OidcSettings",
    "OpenGuard",
    "Passwords",
    "Provider",
    "TokenGuard",
    "admit",
    "check_start",
]
