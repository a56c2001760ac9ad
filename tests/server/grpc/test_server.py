"""MLMD's service on a socket, asked by our client, the original's, and by those who mean no good."""

import json
import signal
import socket
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
from headwater.compat.mlmd.service import MetadataService
from headwater.compat.mlmd.wire import SERVICE, UPKEEP, definitions
from headwater.errors import RefusedError
from headwater.server.grpc import MlmdServer
from headwater.store import open_store
from tests.compat.mlmd.peer import PYTHON
from tests.required import excuse

NAME = "ml_metadata.MetadataStoreService"


@pytest.fixture
def server() -> Generator[MlmdServer]:
    with open_store("memory://") as store:
        running = MlmdServer(store, "127.0.0.1:0", max_message_mib=1)
        running.start()
        yield running
        running.stop(grace_s=1)


@pytest.fixture
def client(server: MlmdServer) -> Generator[mlmd.MetadataStore]:
    config = pb.MetadataStoreClientConfig(host="127.0.0.1", port=server.port, client_timeout_sec=20)
    with mlmd.MetadataStore(config) as store:
        yield store


def test_every_call_of_the_definitions_is_answered():
    methods = {
        name
        for file in (SERVICE, UPKEEP)
        for service in definitions().file(file).services_by_name.values()
        for name in service.methods_by_name
    }

    with open_store("memory://") as store:
        assert MetadataService(store).methods == methods


def test_our_client_writes_and_reads(client: mlmd.MetadataStore):
    type_id = client.put_artifact_type(pb.ArtifactType(name="T"))
    client.put_artifacts([pb.Artifact(type_id=type_id, name="a")])

    assert [a.name for a in client.get_artifacts()] == ["a"]
    with pytest.raises(mlmd.errors.AlreadyExistsError, match="name"):
        client.put_artifacts([pb.Artifact(type_id=type_id, name="a")])
    with pytest.raises(mlmd.errors.NotFoundError):
        client.get_artifact_type("U")


def test_the_originals_client_writes_and_reads(server: MlmdServer):
    if not PYTHON.exists():
        excuse("mlmd", f"no {PYTHON}: `make peers` installs the original library")
    script = Path(__file__).with_name("client.py")

    command = [PYTHON, script, str(server.port)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "published": [1, [1], [1]],
        "all": 251,
        "exact": 0.1234567890123,
        "lineage": [1, 1, 1],
        "error": "AlreadyExistsError",
    }


def test_bad_input_gets_a_status_and_the_server_goes_on(server: MlmdServer, client: mlmd.MetadataStore):
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(b"\x00\xff" * 5_000)
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        with pytest.raises(grpc.RpcError) as garbled:
            channel.unary_unary(f"/{NAME}/PutArtifacts")(b"\xff\xff\xff", timeout=20)
        with pytest.raises(grpc.RpcError) as unknown:
            channel.unary_unary(f"/{NAME}/DropEverything")(b"", timeout=20)
    with pytest.raises(mlmd.errors.ResourceExhaustedError):
        client.put_artifacts([pb.Artifact(type_id=10, uri="x" * 2_000_000)])

    assert garbled.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "PutArtifactsRequest" in garbled.value.details()
    assert unknown.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert client.get_artifacts() == []


def test_health_and_reflection_are_served(server: MlmdServer):
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        well: Any = health_pb2_grpc.HealthStub(channel)
        mirror: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        health = well.Check(health_pb2.HealthCheckRequest(service=NAME))
        ask = reflection_pb2.ServerReflectionRequest(file_containing_symbol=NAME)
        [found] = mirror.ServerReflectionInfo(iter([ask]))

    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert found.file_descriptor_response.file_descriptor_proto


def test_an_open_address_has_to_be_meant():
    with open_store("memory://") as store:
        with pytest.raises(RefusedError, match="--insecure"):
            MlmdServer(store, "0.0.0.0:0")
        meant = MlmdServer(store, "0.0.0.0:0", is_insecure=True)
        meant.stop(grace_s=0)


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    command = [sys.executable, "-m", "headwater", "--store", url, "server", "mlmd", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = int(process.stdout.readline().split(";")[0].rpartition(":")[2])
            config = pb.MetadataStoreClientConfig(host="127.0.0.1", port=port, client_timeout_sec=20)
            with mlmd.MetadataStore(config) as store:
                store.put_artifact_type(pb.ArtifactType(name="T"))
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()

    with open_store(url) as stored:
        assert MetadataService(stored).call("GetArtifactTypes", None).artifact_types[0].name == "T"
