"""The service for grpcio, where generated code would have it."""

from typing import Any

import grpc

from headwater.compat.mlmd.wire import SERVICE, definitions

_service = definitions().file(SERVICE).services_by_name["MetadataStoreService"]


def _path(method: str) -> str:
    return f"/{_service.full_name}/{method}"


class MetadataStoreServiceStub:
    """Has one callable for each call of the service, named as the call is."""

    def __init__(self, channel: Any) -> None:
        """Take a `grpc.Channel`."""
        for method in _service.methods:
            call = channel.unary_unary(
                _path(method.name),
                request_serializer=definitions().message(method.input_type.name).SerializeToString,
                response_deserializer=definitions().message(method.output_type.name).FromString,
            )
            setattr(self, method.name, call)


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
    handlers = {
        method.name: grpc.unary_unary_rpc_method_handler(
            getattr(servicer, method.name),
            request_deserializer=definitions().message(method.input_type.name).FromString,
            response_serializer=definitions().message(method.output_type.name).SerializeToString,
        )
        for method in _service.methods
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_service.full_name, handlers),))
