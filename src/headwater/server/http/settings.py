"""How a server is set up: by flags, environment variables and one TOML file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headwater.server.auth import Auth, OidcSettings

MAX_BODY_MIB: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What a process of the server has to know; it is handed to each of them.

    Attributes:
        store: URL of the metadata store.
        blobs: URL of the blob store.
        spool: Folder for uploads that are not whole yet; the processes of one machine share it.
        auth: How callers say who they are.
        hosts: Names beside the loopback ones that this server answers to.
        origins: Pages elsewhere that may change something.
        max_body_mib: Largest body of a request; uploads of bytes are not bound by it.
        tls_key, tls_cert: PEM files; without them answers are in plain text.
        oidc: The identity provider, where callers sign in at one.
    """

    store: str
    blobs: str
    spool: Path
    auth: Auth = Auth.OFF
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    max_body_mib: int = MAX_BODY_MIB
    tls_key: Path | None = None
    tls_cert: Path | None = None
    oidc: OidcSettings | None = None
