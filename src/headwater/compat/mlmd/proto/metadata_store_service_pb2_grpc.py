"""The service for grpcio, where generated code would have it."""

from typing import Any

import grpc

from headwater.compat.mlmd.proto.services import add_servicer, calls_over, service
from headwater.compat.mlmd.wire import SERVICE

_service = service(SERVICE, "MetadataStoreService")


class MetadataStoreServiceStub:
    """Has one callable for each call of the service, named as the call is."""

    def __init__(self, channel: Any) -> None:
        """Take a `grpc.Channel`."""
        vars(self).update(calls_over(channel, _service))


class MetadataStoreServiceServicer:
    """What a server subclasses: one method `(request, context)` for each call of the service."""

    def __getattr__(self, name: str) -> Any:
        if name not in _service.methods_by_name:
            raise AttributeError(name)

        def unimplemented(request: Any, context: Any) -> None:  # noqa: ARG001
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{name} is not implemented")

        return unimplemented


def add_MetadataStoreServiceServicer_to_server(servicer: Any, server: Any) -> None:  # noqa: N802
    """Let a `grpc.Server` answer calls with the methods of `servicer`."""
    add_servicer(_service, servicer, server)
