"""A server that answers MLMD's calls, seen from the client."""

from typing import Any

import grpc

from headwater.compat.mlmd.errors import make_exception
from headwater.compat.mlmd.proto.metadata_store_service_pb2_grpc import MetadataStoreServiceStub


class RemoteService:
    """Sends calls to a server; stands where `MetadataService` stands in process."""

    def __init__(self, config: Any) -> None:
        """Take a `MetadataStoreClientConfig`; the connection is made when it is needed."""
        self._timeout_s: float | None = (
            config.client_timeout_sec if config.HasField("client_timeout_sec") else None
        )
        self._channel: Any = _channel(config)
        self._stub = MetadataStoreServiceStub(self._channel)

    def call(self, method: str, request: Any) -> Any:
        """Return the server's answer.

        Raises:
            StatusError: with the status code that the server or the connection gave.
        """
        try:
            return getattr(self._stub, method)(request, timeout=self._timeout_s)
        except grpc.RpcError as error:
            call: Any = error
            raise make_exception(call.details(), call.code().value[0]) from error

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()


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
