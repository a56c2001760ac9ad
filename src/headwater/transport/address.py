"""Where a server is, and with which secret it is asked."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import unquote, urlsplit, urlunsplit

from headwater.errors import InvalidError

TOKEN_VARIABLE: Final = "HEADWATER_TOKEN"
_SCHEMES: Final = ("http", "https")


def is_server_url(url: str) -> bool:
    """Tell whether a URL is the address of a server."""
    return url.partition("://")[0] in _SCHEMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The address of a server.

    Attributes:
        url: Without account, query and slash at its end.
        authorization: Value of the header that says who asks; None where nobody has to.
    """

    url: str
    authorization: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str, environment: Mapping[str, str]) -> Self:
        """Read `http[s]://[USER:PASSWORD@]HOST[:PORT][/PATH]`.

        A token in `$HEADWATER_TOKEN` is used where the URL names no account.

        Raises:
            InvalidError: the URL is no such address.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise InvalidError(f"{url!r} is no address of a server: {error}") from error
        if parts.scheme not in _SCHEMES or not parts.hostname or parts.query or parts.fragment:
            raise InvalidError(f"{url!r} is no address of a server, such as http://127.0.0.1:5151")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        place = urlunsplit((parts.scheme, f"{host}:{port}" if port else host, parts.path.rstrip("/"), "", ""))
        return cls(url=place, authorization=_authorization(parts.username, parts.password, environment))


def basic_authorization(user: str, password: str) -> str:
    """Return the value of the header that says who asks, by name and password."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _authorization(user: str | None, password: str | None, environment: Mapping[str, str]) -> str | None:
    if user:
        return basic_authorization(unquote(user), unquote(password or ""))
    token = environment.get(TOKEN_VARIABLE, "").strip()
    return f"Bearer {token}" if token else None
