"""A server that answers MLMD's calls, seen from the client."""

import os
import warnings
from typing import Any, Final

import grpc

from headwater.compat.mlmd.errors import make_exception
from headwater.compat.mlmd.proto.services import calls_over, service
from headwater.compat.mlmd.wire import SERVICE, UPKEEP
from headwater.errors import InvalidError, RefusedError
from headwater.model.address import is_loopback

TOKEN: Final = "HEADWATER_TOKEN"
"""The environment variable that holds a token."""


class RemoteService:
    """Sends calls to a server; stands where `MetadataService` stands in process."""

    def __init__(self, config: Any, token: str | None = None) -> None:
        """Take a `MetadataStoreClientConfig`; the connection is made when it is needed.

        Args:
            config: Where the server is.
            token: Says who is calling; by default that of `HEADWATER_TOKEN`.

        Raises:
            RefusedError: anybody on the way could read the token.
            InvalidError: what is given is no token.
        """
        self._metadata = _metadata(config, token)
        self._timeout_s: float | None = (
            config.client_timeout_sec if config.HasField("client_timeout_sec") else None
        )
        self._channel: Any = _channel(config)
        self._calls = {
            **calls_over(self._channel, service(SERVICE, "MetadataStoreService")),
            **calls_over(self._channel, service(UPKEEP, "UpkeepService")),
        }

    def call(self, method: str, request: Any) -> Any:
        """Return the server's answer.

        Raises:
            StatusError: with the status code that the server or the connection gave.
        """
        try:
            return self._calls[method](request, timeout=self._timeout_s, metadata=self._metadata)
        except grpc.RpcError as error:
            call: Any = error
            raise make_exception(call.details(), call.code().value[0]) from error

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()


def _metadata(config: Any, token: str | None) -> tuple[tuple[str, str], ...]:
    """Return what is sent with each call; a token only where nobody else can read it."""
    found = (token or os.environ.get(TOKEN) or "").strip()
    if not found:
        return ()
    if not (found.isascii() and found.isprintable()):
        raise InvalidError("the token holds what no token holds: was it copied whole?")
    if config.HasField("ssl_config") or is_loopback(config.host):
        return (("authorization", f"Bearer {found}"),)
    why = f"anybody on the way to {config.host} could read the token: set ssl_config"
    if token:
        raise RefusedError(why)
    # Meant for another server, perhaps: this one may well do without.
    warnings.warn(f"{TOKEN} is not sent: {why}", stacklevel=4)
    return ()


def _channel(config: Any) -> Any:
    target = f"{config.host}:{config.port}"
    given = config.channel_arguments
    options = [
        (f"grpc.{name}", getattr(given, field))
        for field, name in (
            ("max_receive_message_length", "max_receive_message_length"),
            ("http2_max_ping_strikes", "http2.max_ping_strikes"),
        )
        if given.HasField(field)
    ]
    if not config.HasField("ssl_config"):
        return grpc.insecure_channel(target, options=options)
    ssl = config.ssl_config
    credentials = grpc.ssl_channel_credentials(
        *(getattr(ssl, name).encode() or None for name in ("custom_ca", "client_key", "server_cert"))
    )
    return grpc.secure_channel(target, credentials, options=options)
