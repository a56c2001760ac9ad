"""Where webhooks may be sent to: a host is resolved once, and what was checked is what is connected to."""

import ipaddress
import os
import socket
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from headwater.errors import InvalidError

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
PRIVATE_SETTING: Final = "HEADWATER_WEBHOOKS_PRIVATE"
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRules:
    """What an operator lets webhooks reach.

    Attributes:
        allows_private: Also addresses that are not public, and plain `http`.
    """

    allows_private: bool = False


def rules_of_environment() -> WebhookRules:
    """Return what `HEADWATER_WEBHOOKS_PRIVATE` lets webhooks reach: with 1 also private addresses."""
    return WebhookRules(allows_private=os.environ.get(PRIVATE_SETTING, "") in {"1", "true"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One address to send to.

    Attributes:
        address: The IP address that the host had when it was checked.
        path: Path and query.
    """

    is_secure: bool
    host: str
    port: int
    address: str
    path: str


def resolve(url: str, rules: WebhookRules) -> Target:
    """Resolve the host of a URL, and check that every address of it may be reached.

    Raises:
        InvalidError: the URL is no good, nobody knows the host, or an address is not public.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidError(f"Invalid webhook URL {url!r}: {error}") from error
    schemes = ("https", "http") if rules.allows_private else ("https",)
    if parts.scheme not in schemes:
        raise InvalidError(
            f"Invalid webhook URL scheme: {parts.scheme!r}. It must be one of: {', '.join(schemes)}"
        )
    host = parts.hostname
    if not host or parts.username is not None or any(ord(c) <= 32 or ord(c) == 127 for c in url):
        raise InvalidError(f"Webhook URL must include a hostname, and no user or blank: {url!r}")
    number = port or _PORTS[parts.scheme]
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(
        is_secure=parts.scheme == "https",
        host=host,
        port=number,
        address=_address_of(host, number, rules),
        path=path,
    )


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the open internet, also where IPv6 wraps one of IPv4."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            address = inner
        elif address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


def _address_of(host: str, port: int, rules: WebhookRules) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise InvalidError(f"Cannot resolve Webhook URL hostname {host!r}: {error}") from error
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    for address in addresses:
        if not rules.allows_private and not is_public(ipaddress.ip_address(address)):
            raise InvalidError(
                f"Webhook URL must not resolve to a non-public IP address. {host!r} resolves to {address}."
            )
    return addresses[0]
