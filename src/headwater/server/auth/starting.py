"""What has to hold before a server takes calls."""

from enum import StrEnum

from headwater.errors import RefusedError
from headwater.model.address import is_loopback
from headwater.model.protocols import AccessStore


class Auth(StrEnum):
    """How callers say who they are."""

    OFF = "off"
    TOKEN = "token"
    BASIC = "basic"
    OIDC = "oidc"


def check_start(auth: Auth, access: AccessStore, host: str, *, is_insecure: bool = False) -> None:
    """Check that a server may begin to take calls.

    Args:
        auth: How callers say who they are.
        access: The accounts of its store.
        host: Address that it binds.
        is_insecure: Whoever starts it accepts that anybody who reaches the address may do everything.

    Raises:
        RefusedError: others could reach it and nothing tells who they are; or somebody would have to
            say who they are, and there is nobody.
    """
    if auth is Auth.OFF:
        if not is_loopback(host) and not is_insecure:
            raise RefusedError(
                f"others can reach {host} and nothing tells who they are: say --auth token, basic or oidc, "
                "bind 127.0.0.1, or say --insecure"
            )
    elif auth is not Auth.OIDC and access.is_empty():
        # A provider's people get their accounts when they sign in first.
        raise RefusedError(
            "there is no account, so nobody could sign in: make the first administrator with "
            "`headwater users add --role admin NAME`, which prints its secret once"
        )
