"""A server that asks who is calling."""

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from headwater.compat import mlmd
from headwater.compat.mlmd.proto import metadata_store_pb2 as pb
from headwater.errors import InvalidError, RefusedError
from headwater.model.access import NewAccount, NewToken, Permission, Role, new_secret, secret_digest
from headwater.model.protocols import Store
from headwater.server.auth import TokenGuard
from headwater.server.grpc import MlmdServer
from headwater.server.grpc.answering import permission_of
from headwater.store import open_store
from tests.server.grpc.processes import served


class Reception:
    """A store with three accounts, and the token of each."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.guard = TokenGuard(store.access)
        self.tokens = {
            name: self._admit(name, role)
            for name, role in (("reader", Role.VIEWER), ("writer", Role.EDITOR), ("decider", Role.APPROVER))
        }

    def _admit(self, name: str, role: Role) -> str:
        secret = new_secret()
        self.store.access.add(NewAccount(name=name, role=role), actor="test")
        self.store.access.add_token(
            NewToken(account=name, name="test", digest=secret_digest(secret)), actor="test"
        )
        return secret


@pytest.fixture
def reception() -> Generator[Reception]:
    with open_store("memory://") as store:
        yield Reception(store)


@pytest.fixture
def server(reception: Reception) -> Generator[MlmdServer]:
    running = MlmdServer(reception.store, "127.0.0.1:0", guard=reception.guard)
    running.start()
    yield running
    running.stop(grace_s=1)


def connect(server: MlmdServer, token: str | None = None, host: str = "127.0.0.1") -> mlmd.MetadataStore:
    config = pb.MetadataStoreClientConfig(host=host, port=server.port, client_timeout_sec=20)
    return mlmd.MetadataStore(config, token=token)


def test_each_call_needs_its_permission(server: MlmdServer, reception: Reception):
    tokens = reception.tokens
    with connect(server, tokens["writer"]) as writer, connect(server, tokens["reader"]) as reader:
        type_id = writer.put_artifact_type(pb.ArtifactType(name="T"))
        [artifact_id] = writer.put_artifacts([pb.Artifact(type_id=type_id)])

        assert [t.id for t in reader.get_artifact_types()] == [type_id]
        with pytest.raises(mlmd.errors.PermissionDeniedError, match="permission write"):
            reader.put_artifacts([pb.Artifact(type_id=type_id)])
        with pytest.raises(mlmd.errors.PermissionDeniedError, match="permission decide"):
            writer.delete_artifacts([artifact_id])
        assert [a.id for a in reader.get_artifacts()] == [artifact_id]


@pytest.mark.parametrize("token", [None, "stranger", "hw_stranger"])
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


def test_decisions_carry_the_name_of_who_is_known(
    monkeypatch: pytest.MonkeyPatch, server: MlmdServer, reception: Reception
):
    monkeypatch.setenv("HEADWATER_ACTOR", "the queen")
    with connect(server, reception.tokens["decider"]) as client:
        type_id = client.put_artifact_type(pb.ArtifactType(name="T"))
        client.delete_artifacts(client.put_artifacts([pb.Artifact(type_id=type_id)]), "of no use")

    [*_, last] = reception.store.ledger.entries()
    assert (last.actor, last.reason) == ("decider", "of no use")


def test_the_token_of_the_environment_is_sent(
    server: MlmdServer, reception: Reception, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HEADWATER_TOKEN", reception.tokens["reader"])

    with connect(server) as client:
        assert client.get_artifacts() == []


def test_a_token_is_one_line(server: MlmdServer, reception: Reception, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEADWATER_TOKEN", reception.tokens["reader"] + "\n")
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


def test_a_guarded_server_may_be_reached_by_others(reception: Reception):
    MlmdServer(reception.store, "0.0.0.0:0", guard=reception.guard).stop(grace_s=0)


def test_the_command_asks_for_tokens(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with open_store(url) as store:
        token = Reception(store).tokens["writer"]

    with served(url, tmp_path / "log", "--auth", "token") as port:
        config = pb.MetadataStoreClientConfig(host="127.0.0.1", port=port, client_timeout_sec=20)
        with mlmd.MetadataStore(config, token=token) as client:
            assert client.put_artifact_type(pb.ArtifactType(name="T")) > 0
        with mlmd.MetadataStore(config) as client, pytest.raises(mlmd.errors.UnauthenticatedError):
            client.get_artifact_types()


def test_the_command_needs_somebody_who_could_sign_in(tmp_path: Path):
    command = [sys.executable, "-m", "headwater", "--store", f"sqlite:///{tmp_path / 'store.db'}"]
    command += ["server", "mlmd", "--auth", "token"]
    found = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)

    assert (found.returncode, "headwater users add --role admin" in found.stderr) == (5, True)


def test_reads_writes_and_decisions_are_told_apart_by_name():
    from headwater.compat.mlmd.service import MetadataService

    with open_store("memory://") as store:
        needs = {method: permission_of(method) for method in MetadataService(store).methods}

    assert {method for method, need in needs.items() if need is Permission.DECIDE} == {
        f"{verb}{kind}s" for verb in ("Delete", "Restore") for kind in ("Artifact", "Execution", "Context")
    }
    assert all(method.startswith("Get") for method, need in needs.items() if need is Permission.READ)
