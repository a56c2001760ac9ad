"""Services of the definitions for grpcio: a callable for each call, and handlers for a server."""

from typing import Any

import grpc

from headwater.compat.mlmd.wire import definitions


def service(file: str, name: str) -> Any:
    """Return the descriptor of a service."""
    return definitions().file(file).services_by_name[name]


def calls_over(channel: Any, service: Any) -> dict[str, Any]:
    """Return a callable for each call of a service over a `grpc.Channel`, by name."""
    return {
        method.name: channel.unary_unary(
            f"/{service.full_name}/{method.name}",
            request_serializer=_class(method.input_type).SerializeToString,
            response_deserializer=_class(method.output_type).FromString,
        )
        for method in service.methods
    }


def add_servicer(service: Any, servicer: Any, server: Any) -> None:
    """Let a `grpc.Server` answer the calls of a service with the methods of `servicer`."""
    handlers = {
        method.name: grpc.unary_unary_rpc_method_handler(
            getattr(servicer, method.name),
            request_deserializer=_class(method.input_type).FromString,
            response_serializer=_class(method.output_type).SerializeToString,
        )
        for method in service.methods
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))


def _class(descriptor: Any) -> Any:
    return definitions().class_of(descriptor.full_name)
