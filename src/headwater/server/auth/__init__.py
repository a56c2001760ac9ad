"""Who is calling a server: guards, passwords, limits on failures, and identity providers."""

from headwater.server.auth.guards import BasicGuard, Guard, OpenGuard, TokenGuard
from headwater.server.auth.passwords import Passwords
from headwater.server.auth.starting import Auth, check_start, is_loopback

__all__ = [
    "Auth",
    "BasicGuard",
    "Guard",
    "OpenGuard",
    "Passwords",
    "TokenGuard",
    "check_start",
    "is_loopback",
]
