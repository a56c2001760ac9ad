"""MLMD's service on a socket: decode, one call, encode."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

import grpc

from headwater.compat.mlmd.errors import INTERNAL, StatusError
from headwater.compat.mlmd.proto.metadata_store_service_pb2_grpc import (
    add_MetadataStoreServiceServicer_to_server,
)
from headwater.compat.mlmd.service import MetadataService
from headwater.compat.mlmd.wire import SERVICE, definitions
from headwater.errors import MissingDependencyError, RefusedError, UnavailableError
from headwater.model.protocols import Store

MAX_MESSAGE_MIB: Final = 256
WORKERS: Final = 10
GRACE_S: Final = 10.0

_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Certificates, as PEM. With `ca`, clients have to show a certificate that it signed."""

    key: bytes
    certificate: bytes
    ca: bytes | None = None


class MlmdServer:
    """Answers MLMD's clients; also says that it is well, and what it serves (gRPC health and reflection)."""

    def __init__(
        self,
        store: Store,
        address: str,
        *,
        tls: Tls | None = None,
        is_insecure: bool = False,
        max_message_mib: int = MAX_MESSAGE_MIB,
        workers: int = WORKERS,
    ) -> None:
        """Bind an address; `start` begins to answer.

        Args:
            store: Holds the graph; whoever opened it closes it after `stop`.
            address: `HOST:PORT`; port 0 takes a free one.
            tls: None talks in plain text.
            is_insecure: Bind an address that others can reach though anybody could write.
            max_message_mib: Largest request and response.
            workers: Calls that run at the same time.

        Raises:
            RefusedError: others could reach the address, and nothing tells who they are.
            UnavailableError: the address cannot be bound.
        """
        _check_address(address, tls, is_insecure=is_insecure)
        size = max_message_mib * 2**20
        options = [("grpc.max_receive_message_length", size), ("grpc.max_send_message_length", size)]
        # Two servers on one port would take turns.
        options.append(("grpc.so_reuseport", 0))
        self._server = grpc.server(ThreadPoolExecutor(workers), options=options)
        add_MetadataStoreServiceServicer_to_server(_Servicer(MetadataService(store)), self._server)
        self._health = _add_health_and_reflection(self._server)
        self.port = _bind(self._server, address, tls)

    def start(self) -> None:
        """Begin to answer; returns at once."""
        self._server.start()

    def stop(self, grace_s: float = GRACE_S) -> None:
        """Take no new calls, let the running ones end within `grace_s` seconds, and return then."""
        self._health.enter_graceful_shutdown()
        self._server.stop(grace_s).wait()


class _Servicer:
    """Hands calls to the service and turns its errors into statuses."""

    def __init__(self, service: MetadataService) -> None:
        self._service = service

    def __getattr__(self, method: str) -> Callable[[Any, Any], Any]:
        def answer(request: Any, context: Any) -> Any:
            try:
                return self._service.call(method, request)
            except StatusError as error:
                code, message = error.error_code, error.message
            except Exception:  # noqa: BLE001  # the outermost handler of a call
                _log.exception("%s failed", method)
                code, message = INTERNAL, f"{method} failed inside the server; its log says why"
            return context.abort(_CODES[code], message)

        return answer


def _check_address(address: str, tls: Tls | None, *, is_insecure: bool) -> None:
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost" or is_insecure or (tls is not None and tls.ca is not None):
        return
    try:
        is_loopback = ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise RefusedError(
            f"others can reach {address} and nothing tells who they are: ask clients for certificates "
            "(--tls-ca), bind 127.0.0.1, or say --insecure"
        )


def _bind(server: Any, address: str, tls: Tls | None) -> int:
    try:
        if tls is None:
            return server.add_insecure_port(address)
        pair = (tls.key, tls.certificate)
        credentials = grpc.ssl_server_credentials([pair], tls.ca, tls.ca is not None)
        return server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise UnavailableError(f"{address} cannot be bound: {error}") from error


def _add_health_and_reflection(server: Any) -> Any:
    try:
        from grpc_health.v1 import health, health_pb2, health_pb2_grpc
        from grpc_reflection.v1alpha import reflection
    except ImportError as missing:
        raise MissingDependencyError(
            "grpcio-health-checking and grpcio-reflection", "grpc", "the gRPC server"
        ) from missing
    servicer: Any = health.HealthServicer()
    name = definitions().file(SERVICE).services_by_name["MetadataStoreService"].full_name
    for served in (name, ""):
        servicer.set(served, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)  # pyright: ignore[reportUnknownMemberType]
    reflection.enable_server_reflection((name, reflection.SERVICE_NAME), server, pool=definitions().pool)
    return servicer
