"""How a call is answered: who calls, what they ask, one call of the service, the answer."""

import logging
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError

from headwater.compat.mlmd.errors import INTERNAL, UNAUTHENTICATED, InvalidArgumentError, StatusError
from headwater.compat.mlmd.service import MetadataService
from headwater.compat.mlmd.service.status import status_of
from headwater.compat.mlmd.wire import definitions
from headwater.errors import HeadwaterError
from headwater.model.access import Identity, Permission
from headwater.server.auth import Guard

_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
_NEEDS: Final = {
    "Get": Permission.READ,
    "Put": Permission.WRITE,
    "Delete": Permission.DECIDE,
    "Restore": Permission.DECIDE,
}
_log = logging.getLogger(__name__)


def permission_of(method: str) -> Permission:
    """Return what a call needs."""
    return next(permission for verb, permission in _NEEDS.items() if method.startswith(verb))


class Answers:
    """Answers calls of services, from the bytes of a request to those of a response."""

    def __init__(self, service: MetadataService, guard: Guard | None) -> None:
        """Take what answers and, where callers have to say who they are, who finds it out."""
        self._service, self._guard = service, guard

    def add_to(self, server: Any, service: Any) -> None:
        """Let a `grpc.Server` answer the calls of a service, given its descriptor."""
        # Bytes in and bytes out: who calls is asked before what they sent is read.
        handlers: dict[str, Any] = {
            method.name: grpc.unary_unary_rpc_method_handler(self._handler(method))
            for method in service.methods
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))

    def _handler(self, method: Any) -> Any:
        request_class = definitions().class_of(method.input_type.full_name)

        def answer(data: bytes, context: Any) -> bytes:
            try:
                caller = self._admit(method.name, context)
                request = _parsed(request_class, data)
                if caller is not None and "actor" in request.DESCRIPTOR.fields_by_name:
                    request.actor = caller.actor(request.actor or None)
                return self._service.call(method.name, request).SerializeToString()
            except StatusError as error:
                code, message = error.error_code, error.message
            except Exception:  # noqa: BLE001  # the outermost handler of a call
                _log.exception("%s failed", method.name)
                code, message = INTERNAL, f"{method.name} failed inside the server; its log says why"
            return context.abort(_CODES[code], message)

        return answer

    def _admit(self, method: str, context: Any) -> Identity | None:
        """Find out who calls, and check that they may; without a guard everybody may."""
        if self._guard is None:
            return None
        sent = dict(context.invocation_metadata())
        try:
            caller = self._guard.identify(sent.get("authorization"), address=_address(context.peer()))
            caller.require(permission_of(method))
        except HeadwaterError as error:
            refused = status_of(error)
            if refused.error_code == UNAUTHENTICATED:
                refused.message += " (over gRPC: as metadata, `authorization: Bearer TOKEN`)"
            raise refused from error
        return caller


def _parsed(request_class: Any, data: bytes) -> Any:
    try:
        return request_class.FromString(data)
    except DecodeError as error:
        raise InvalidArgumentError(
            f"what was sent is no {request_class.DESCRIPTOR.name}, or is nested too deeply: {error}"
        ) from error


def _address(peer: str) -> str:
    """Return the address in gRPC's name of a peer, such as `ipv4:127.0.0.1:8080` or `ipv6:%5B::1%5D:8080`."""
    kind, _, rest = peer.partition(":")
    host = rest.rpartition(":")[0] if kind in {"ipv4", "ipv6"} else rest
    return host.removeprefix("%5B").removesuffix("%5D").strip("[]")
