"""MLMD's service on a socket: decode, one call, encode."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import grpc

from headwater.compat.mlmd.service import MetadataService
from headwater.compat.mlmd.wire import SERVICE, UPKEEP, definitions
from headwater.errors import MissingDependencyError, RefusedError, UnavailableError
from headwater.model.address import is_loopback
from headwater.model.protocols import Store
from headwater.server.auth import Guard
from headwater.server.grpc.answering import Answers

MAX_MESSAGE_MIB: Final = 256
WORKERS: Final = 10
GRACE_S: Final = 10.0

_SERVICES: Final = {SERVICE: "MetadataStoreService", UPKEEP: "UpkeepService"}


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
        guard: Guard | None = None,
        is_insecure: bool = False,
        max_message_mib: int = MAX_MESSAGE_MIB,
        workers: int = WORKERS,
    ) -> None:
        """Bind an address; `start` begins to answer.

        Args:
            store: Holds the graph; whoever opened it closes it after `stop`.
            address: `HOST:PORT`; port 0 takes a free one.
            tls: None talks in plain text.
            guard: Finds out who calls; None lets everybody do everything. Health and reflection stay open.
            is_insecure: Bind an address that others can reach though anybody could write.
            max_message_mib: Largest request and response.
            workers: Calls that run at the same time.

        Raises:
            RefusedError: others could reach the address, and nothing tells who they are.
            UnavailableError: the address cannot be bound.
        """
        _check_address(address, tls, guard, is_insecure=is_insecure)
        size = max_message_mib * 2**20
        options = [("grpc.max_receive_message_length", size), ("grpc.max_send_message_length", size)]
        # Two servers on one port would take turns.
        options.append(("grpc.so_reuseport", 0))
        self._server = grpc.server(ThreadPoolExecutor(workers), options=options)
        answers = Answers(MetadataService(store, size), guard)
        services = [definitions().file(file).services_by_name[name] for file, name in _SERVICES.items()]
        for service in services:
            answers.add_to(self._server, service)
        self._health = _add_health_and_reflection(self._server, [service.full_name for service in services])
        self.port = _bind(self._server, address, tls)

    def start(self) -> None:
        """Begin to answer; returns at once."""
        self._server.start()

    def stop(self, grace_s: float = GRACE_S) -> None:
        """Take no new calls, let the running ones end within `grace_s` seconds, and return then."""
        self._health.enter_graceful_shutdown()
        self._server.stop(grace_s).wait()


def _check_address(address: str, tls: Tls | None, guard: Guard | None, *, is_insecure: bool) -> None:
    is_known = guard is not None or (tls is not None and tls.ca is not None)
    if is_insecure or is_known or is_loopback(address.rpartition(":")[0]):
        return
    raise RefusedError(
        f"others can reach {address} and nothing tells who they are: ask clients for tokens or for "
        "certificates (--tls-ca), bind 127.0.0.1, or say --insecure"
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


def _add_health_and_reflection(server: Any, names: list[str]) -> Any:
    try:
        from grpc_health.v1 import health, health_pb2, health_pb2_grpc
        from grpc_reflection.v1alpha import reflection
    except ImportError as missing:
        raise MissingDependencyError(
            "grpcio-health-checking and grpcio-reflection", "grpc", "the gRPC server"
        ) from missing
    servicer: Any = health.HealthServicer()
    for served in (*names, ""):
        servicer.set(served, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)  # pyright: ignore[reportUnknownMemberType]
    reflection.enable_server_reflection((*names, reflection.SERVICE_NAME), server, pool=definitions().pool)
    return servicer
