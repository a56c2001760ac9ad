"""Whatever comes in at the port gets a clear status, loses nothing, and leaves the server answering."""

import os
import random
import socket
from collections.abc import Generator
from pathlib import Path
from typing import Any

import grpc
import pytest

from headwater.compat import mlmd
from headwater.compat.mlmd.metadata_store import ExtraOptions
from headwater.compat.mlmd.proto import metadata_store_pb2 as pb
from headwater.compat.mlmd.proto import metadata_store_service_pb2 as service_pb
from headwater.compat.mlmd.service import MetadataService
from headwater.model.graph import NewArtifact, NewType, NodeKind
from headwater.model.values import ValueKind
from headwater.store import open_store
from tests.server.grpc.processes import served

ROWS = int(os.environ.get("HEADWATER_TEST_ROWS", "100000"))
BATCH = 20_000
MIB = 2**20
DEEP = 10_000
INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Generator[int]:
    """A server in a process of its own, with one artifact; messages hold 4 MiB."""
    folder = tmp_path_factory.mktemp("bad")
    with served(f"sqlite:///{folder / 'store.db'}", folder / "log", "--max-message-mib", "4") as port:
        with connect(port) as store:
            put_one(store)
        yield port
    assert (folder / "log").read_text() == ""


@pytest.fixture
def channel(port: int) -> Generator[grpc.Channel]:
    """A connection to it; afterwards the server answers, and the artifact is all that is there."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as opened:
        yield opened
    with connect(port) as store:
        assert [(a.name, a.uri) for a in store.get_artifacts()] == [("kept", "u")]


def connect(port: int) -> mlmd.MetadataStore:
    config = pb.MetadataStoreClientConfig(host="127.0.0.1", port=port, client_timeout_sec=60)
    return mlmd.MetadataStore(config)


def put_one(store: mlmd.MetadataStore) -> None:
    type_id = store.put_artifact_type(pb.ArtifactType(name="T"))
    store.put_artifacts([pb.Artifact(type_id=type_id, name="kept", uri="u")])


def send(channel: grpc.Channel, method: str, data: bytes) -> tuple[grpc.StatusCode, str]:
    """Send bytes to a call; gives the status and its text."""
    try:
        channel.unary_unary(f"/ml_metadata.MetadataStoreService/{method}")(data, timeout=60)
    except grpc.RpcError as error:
        return error.code(), error.details() or ""
    return grpc.StatusCode.OK, ""


def filtered(query: str) -> bytes:
    return service_pb.GetArtifactsRequest(options={"filter_query": query}).SerializeToString()


def test_random_bytes_are_refused_or_read(channel: grpc.Channel):
    rng = random.Random(4)
    methods = [method for method in sorted(MetadataService(None).methods) if method.startswith("Get")]
    clear = {INVALID, grpc.StatusCode.OK, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED}

    found = [send(channel, rng.choice(methods), rng.randbytes(rng.randrange(60))) for _ in range(300)]

    assert {code for code, _ in found} <= clear
    assert all(text for code, text in found if code is not grpc.StatusCode.OK)
    assert INVALID in {code for code, _ in found}


def test_random_bytes_instead_of_http_end_the_connection(port: int, channel: grpc.Channel):
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", port), timeout=60) as raw:
            raw.sendall(random.Random(5).randbytes(5_000))


def test_unknown_fields_and_calls_are_no_trouble(channel: grpc.Channel):
    # Field 9999 with a text, and field 8888 with a number.
    unknown = b"\xfa\xf0\x04\x01x" + b"\xc0\xab\x04\x07"

    assert send(channel, "GetArtifacts", unknown) == (grpc.StatusCode.OK, "")
    assert send(channel, "DropEverything", b"")[0] is grpc.StatusCode.UNIMPLEMENTED


def test_a_message_over_the_limit_is_refused(channel: grpc.Channel):
    request = service_pb.PutArtifactsRequest(artifacts=[{"type_id": 10, "uri": "x" * 5 * MIB}])

    code, text = send(channel, "PutArtifacts", request.SerializeToString())

    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in text


def test_a_struct_of_ten_thousand_levels_is_refused(channel: grpc.Channel):
    struct = b""
    for _ in range(DEEP):
        # A Struct with the field "a", whose value is a Struct.
        value = field(5, struct)
        struct = field(1, field(1, b"a") + field(2, value))
    artifact = b"\x10\x0a" + field(5, field(1, b"deep") + field(2, field(4, struct)))

    code, text = send(channel, "PutArtifacts", field(1, artifact))

    assert code is INVALID
    assert "nested" in text


def field(number: int, content: bytes) -> bytes:
    """A field of bytes on the wire."""
    length, digits = len(content), b""
    while length >= 128:
        digits, length = digits + bytes([length % 128 + 128]), length // 128
    return bytes([number << 3 | 2]) + digits + bytes([length]) + content


def test_a_struct_of_some_levels_comes_back(port: int):
    with open_store("memory://") as store:
        service = MetadataService(store)
        request = service_pb.PutArtifactTypeRequest(artifact_type={"name": "T"})
        type_id = service.call("PutArtifactType", request).type_id
        artifact = pb.Artifact(type_id=type_id)
        level: Any = artifact.custom_properties["deep"].struct_value
        for _ in range(25):
            level = level.fields["a"].struct_value
        level.SetInParent()
        service.call("PutArtifacts", service_pb.PutArtifactsRequest(artifacts=[artifact]))
        [found] = service.call("GetArtifacts", service_pb.GetArtifactsRequest()).artifacts

    assert found.custom_properties["deep"] == artifact.custom_properties["deep"]


@pytest.mark.parametrize(
    "query",
    [
        "(" * DEEP + "true" + ")" * DEEP,
        "NOT (" * DEEP + "true" + ")" * DEEP,
        " AND ".join(["id = 1"] * DEEP),
        "id IN (" + ", ".join(["1"] * DEEP * 5) + ")",
        "x" * DEEP + " = 1",
        "uri = '" + "x" * MIB + "'",
        "id = " + "9" * DEEP,
        "CASE WHEN " * DEEP,
        "-" * DEEP + "1 = id",
        "'" * DEEP,
        "\\" * DEEP,
    ],
    ids=[
        "brackets",
        "nots",
        "ands",
        "values",
        "name",
        "text",
        "digits",
        "cases",
        "signs",
        "quotes",
        "backslashes",
    ],
)
def test_a_huge_filter_is_refused(channel: grpc.Channel, query: str):
    code, text = send(channel, "GetArtifacts", filtered(query))

    assert code is INVALID
    assert text.startswith("Invalid `filter_query`: ")
    assert len(text) < 1_000


@pytest.mark.slow
def test_a_filter_that_all_rows_meet_is_answered_in_bounded_memory(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with open_store(url) as store:
        [type_id] = store.types.put(
            [NewType(kind=NodeKind.ARTIFACT, name="T", properties={"n": ValueKind.INT})]
        )
        for start in range(0, ROWS, BATCH):
            numbers = range(start, start + BATCH)
            store.artifacts.add([NewArtifact(type_id=type_id, properties={"n": n}) for n in numbers])

    before = children()
    with served(url, tmp_path / "log", "--max-message-mib", "2") as port, connect(port) as client:
        [child] = children() - before
        options = mlmd.ListOptions(limit=300, filter_query="properties.n.int_value >= 0")
        assert len(client.get_artifacts(options)) == 300
        options = mlmd.ListOptions(limit=30_000, filter_query="properties.n.int_value >= 0 OR id > 0")
        assert len(client.get_artifacts(options, ExtraOptions(exact_limits=True))) == 30_000
        with pytest.raises(mlmd.errors.ResourceExhaustedError, match="pages"):
            client.get_artifacts()
        everything = pb.LineageSubgraphQueryOptions(starting_artifacts={"filter_query": "id > 0"})
        with pytest.raises(mlmd.errors.InvalidArgumentError, match="narrow the filter"):
            client.get_lineage_subgraph(everything)
        assert peak_mib(child) < 700


def children() -> set[int]:
    """The processes that this one started and that run."""
    found = [path.read_text().split() for path in Path("/proc/self/task").glob("*/children")]
    return {int(each) for part in found for each in part}


def peak_mib(process: int) -> int:
    """The most memory that a process has used."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024
