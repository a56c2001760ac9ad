"""The definitions are what the proto files say, and what the original's clients speak."""

import pickle
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

import headwater.compat.mlmd.wire as wire
from headwater.compat.mlmd.proto import metadata_store_pb2, metadata_store_service_pb2
from headwater.compat.mlmd.wire.pool import COMPILED, SERVICE, STORE, UPKEEP
from tests.compat.mlmd.peer import Original

FOLDER = Path(str(files(wire)))


def committed() -> descriptor_pb2.FileDescriptorSet:
    return descriptor_pb2.FileDescriptorSet.FromString((FOLDER / COMPILED).read_bytes())


def test_committed_definitions_are_compiled_from_the_proto_files(tmp_path):
    grpc_tools = pytest.importorskip("grpc_tools")
    target = tmp_path / COMPILED

    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", "-I", FOLDER, "-I"]
        + [
            Path(grpc_tools.__file__).parent / "_proto",
            f"--descriptor_set_out={target}",
            STORE,
            SERVICE,
            UPKEEP,
        ],
        check=True,
    )

    assert descriptor_pb2.FileDescriptorSet.FromString(target.read_bytes()) == committed()


def test_definitions_equal_those_of_the_original(original: Original):
    theirs = descriptor_pb2.FileDescriptorSet.FromString(original.raw("definitions", b"")[2])

    ours = [file for file in committed().file if file.name != UPKEEP]

    assert [_plain(file) for file in ours] == [_plain(file) for file in theirs.file]


def test_names_stand_where_generated_code_has_them():
    assert metadata_store_pb2.STRING == metadata_store_pb2.PropertyType.Value("STRING") == 3
    assert metadata_store_pb2.Artifact.LIVE == 2
    assert metadata_store_service_pb2.PutArtifactTypeRequest().all_fields_match
    assert len(metadata_store_service_pb2.DESCRIPTOR.services_by_name["MetadataStoreService"].methods) == 52
    with pytest.raises(AttributeError, match="Nothing"):
        _ = metadata_store_pb2.Nothing


def test_messages_can_be_pickled():
    for message in (
        metadata_store_pb2.Artifact(id=1, name="a"),
        metadata_store_pb2.ListOperationOptions.OrderByField(is_asc=True),
        metadata_store_service_pb2.PutArtifactsRequest(artifacts=[metadata_store_pb2.Artifact()]),
    ):
        assert pickle.loads(pickle.dumps(message)) == message
        assert type(message).__module__.startswith("headwater.compat.mlmd.proto.metadata_store_")


def _plain(file: descriptor_pb2.FileDescriptorProto) -> descriptor_pb2.FileDescriptorProto:
    plain = descriptor_pb2.FileDescriptorProto.FromString(file.SerializeToString())
    for message in plain.message_type:
        _forget_json_names(message)
    for extension in plain.extension:
        extension.ClearField("json_name")
    for service in plain.service:
        for method in service.method:
            if not method.options.ListFields():
                method.ClearField("options")
    return plain


def _forget_json_names(message: descriptor_pb2.DescriptorProto) -> None:
    # protoc writes them down; descriptors that were loaded do not have them.
    for field in message.field:
        field.ClearField("json_name")
    for nested in message.nested_type:
        _forget_json_names(nested)
