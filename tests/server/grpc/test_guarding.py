"""A server that asks who is calling."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from headwater.compat import mlmd
from headwater.compat.mlmd.proto import metadata_store_pb2 as pb
from headwater.errors import HeadwaterError, InvalidError, RefusedError
from headwater.model.access import Permission
from headwater.server.grpc import Caller, MlmdServer
from headwater.server.grpc.answering import permission_of
from headwater.store import open_store


class UnauthenticatedError(HeadwaterError):
    code = "unauthenticated"


class ForbiddenError(HeadwaterError):
    code = "forbidden"


@dataclass(frozen=True)
class Person:
    """Somebody who may do so much."""

    name: str
    permission: Permission

    def require(self, permission: Permission, /) -> None:
        """Refuse what is more than they may."""
        if permission > self.permission:
            raise ForbiddenError(f"{self.name} needs {permission.name}")

    def actor(self, claimed: str | None, /) -> str:
        """Their own name, whatever they say."""
        return self.name


class Doorman:
    """Knows three people by their tokens, and notes where calls come from."""

    def __init__(self) -> None:
        self.people = {
            f"Bearer {name}": Person(name, permission)
            for name, permission in (
                ("reader", Permission.READ),
                ("writer", Permission.WRITE),
                ("decider", Permission.DECIDE),
            )
        }
        self.addresses: set[str] = set()

    def identify(self, authorization: str | None, *, address: str = "") -> Caller:
        """Find out who is calling."""
        self.addresses.add(address)
        if authorization not in self.people:
            raise UnauthenticatedError("the token is unknown")
        return self.people[authorization]


@pytest.fixture
def doorman() -> Doorman:
    return Doorman()


@pytest.fixture
def server(doorman: Doorman) -> Generator[MlmdServer]:
    with open_store("memory://") as store:
        running = MlmdServer(store, "127.0.0.1:0", guard=doorman)
        running.start()
        yield running
        running.stop(grace_s=1)


def connect(server: MlmdServer, token: str | None = None, host: str = "127.0.0.1") -> mlmd.MetadataStore:
    config = pb.MetadataStoreClientConfig(host=host, port=server.port, client_timeout_sec=20)
    return mlmd.MetadataStore(config, token=token)


def test_each_call_needs_its_permission(server: MlmdServer, doorman: Doorman):
    with connect(server, "writer") as writer, connect(server, "reader") as reader:
        type_id = writer.put_artifact_type(pb.ArtifactType(name="T"))
        [artifact_id] = writer.put_artifacts([pb.Artifact(type_id=type_id)])

        assert [t.id for t in reader.get_artifact_types()] == [type_id]
        with pytest.raises(mlmd.errors.PermissionDeniedError, match="WRITE"):
            reader.put_artifacts([pb.Artifact(type_id=type_id)])
        with pytest.raises(mlmd.errors.PermissionDeniedError, match="DECIDE"):
            writer.delete_artifacts([artifact_id])
        assert [a.id for a in reader.get_artifacts()] == [artifact_id]
    assert doorman.addresses == {"127.0.0.1"}


@pytest.mark.parametrize("token", [None, "stranger"])
def test_who_is_not_known_learns_what_to_do(server: MlmdServer, token: str | None):
    refusal = pytest.raises(mlmd.errors.UnauthenticatedError, match="authorization: Bearer TOKEN")
    with connect(server, token) as client, refusal:
        client.get_artifacts()


def test_who_is_not_known_has_nothing_read(server: MlmdServer):
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        call = channel.unary_unary("/ml_metadata.MetadataStoreService/PutArtifacts")
        with pytest.raises(grpc.RpcError) as refused:
            call(b"\xff\xff\xff", timeout=20)

    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_decisions_carry_the_name_of_who_is_known(monkeypatch: pytest.MonkeyPatch, doorman: Doorman):
    monkeypatch.setenv("HEADWATER_ACTOR", "the queen")
    with open_store("memory://") as store:
        server = MlmdServer(store, "127.0.0.1:0", guard=doorman)
        server.start()
        with connect(server, "decider") as client:
            type_id = client.put_artifact_type(pb.ArtifactType(name="T"))
            client.delete_artifacts(client.put_artifacts([pb.Artifact(type_id=type_id)]), "of no use")
        server.stop(grace_s=1)

        assert [(e.actor, e.reason) for e in store.ledger.entries()] == [("decider", "of no use")]


def test_the_token_of_the_environment_is_sent(server: MlmdServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEADWATER_TOKEN", "reader")

    with connect(server) as client:
        assert client.get_artifacts() == []


def test_a_token_is_one_line(server: MlmdServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEADWATER_TOKEN", "reader\n")
    with connect(server) as client:
        assert client.get_artifacts() == []
    with pytest.raises(InvalidError, match="copied"):
        connect(server, "rea\nder")


def test_a_token_is_never_sent_where_others_can_read_it(server: MlmdServer, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(RefusedError, match="ssl_config"):
        connect(server, "reader", host="example.org")

    monkeypatch.setenv("HEADWATER_TOKEN", "reader")
    with pytest.warns(UserWarning, match="HEADWATER_TOKEN is not sent"):
        unsent = connect(server, host="0.0.0.0")
    with unsent, pytest.raises(mlmd.errors.UnauthenticatedError):
        unsent.get_artifacts()


def test_health_and_reflection_stay_open(server: MlmdServer):
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        well: Any = health_pb2_grpc.HealthStub(channel)
        mirror: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        health = well.Check(health_pb2.HealthCheckRequest(service="headwater.mlmd.UpkeepService"), timeout=20)
        ask = reflection_pb2.ServerReflectionRequest(list_services="")
        [found] = mirror.ServerReflectionInfo(iter([ask]), timeout=20)

    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert {service.name for service in found.list_services_response.service} == {
        "grpc.reflection.v1alpha.ServerReflection",
        "headwater.mlmd.UpkeepService",
        "ml_metadata.MetadataStoreService",
    }


def test_a_guarded_server_may_be_reached_by_others(doorman: Doorman):
    with open_store("memory://") as store:
        MlmdServer(store, "0.0.0.0:0", guard=doorman).stop(grace_s=0)


def test_reads_writes_and_decisions_are_told_apart_by_name():
    from headwater.compat.mlmd.service import MetadataService

    with open_store("memory://") as store:
        needs = {method: permission_of(method) for method in MetadataService(store).methods}

    assert {method for method, need in needs.items() if need is Permission.DECIDE} == {
        f"{verb}{kind}s" for verb in ("Delete", "Restore") for kind in ("Artifact", "Execution", "Context")
    }
    assert all(method.startswith("Get") for method, need in needs.items() if need is Permission.READ)
