"""Written for the original: runs in its environment, and in one where the shim takes its place."""

# pyright: reportMissingImports=false, reportAttributeAccessIssue=false

import pickle

import ml_metadata as mlmd
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from ml_metadata import errors
from ml_metadata.metadata_store import metadata_store, mlmd_types
from ml_metadata.proto import (
    metadata_store_pb2,
    metadata_store_service_pb2,
    metadata_store_service_pb2_grpc,
)


def shown(message):
    for field in ("create_time_since_epoch", "last_update_time_since_epoch", "milliseconds_since_epoch"):
        if field in message.DESCRIPTOR.fields_by_name:
            message.ClearField(field)
    # protobuf prints fields in one order up to version 4 and in another from 5 on.
    return sorted(str(message).splitlines())


def publish(store):
    data = metadata_store_pb2.ArtifactType(name="DataSet", base_type=mlmd_types.Dataset().system_type)
    data.properties["day"] = metadata_store_pb2.INT
    data.properties["split"] = metadata_store_pb2.STRING
    artifact = metadata_store_pb2.Artifact(
        type_id=store.put_artifact_type(data), uri="path/to/data", name="d"
    )
    artifact.properties["day"].int_value = 1
    artifact.properties["split"].string_value = "train"
    trainer = mlmd.proto.ExecutionType(name="Trainer")
    execution = mlmd.proto.Execution(type_id=store.put_execution_type(trainer))
    execution.last_known_state = mlmd.proto.Execution.RUNNING
    experiment = mlmd.proto.ContextType(name="Experiment", properties={"note": metadata_store_pb2.STRING})
    context = mlmd.proto.Context(type_id=store.put_context_type(experiment), name="first")
    event = mlmd.proto.Event(type=mlmd.proto.Event.DECLARED_INPUT)
    event.path.steps.add().key = "data"
    print(store.put_execution(execution, [(artifact, event)], [context]))
    print(store.put_artifacts([artifact.__class__(type_id=artifact.type_id) for _ in range(3)]))


def read(store):
    for nodes in (
        store.get_artifacts(mlmd.ListOptions(order_by=mlmd.OrderByField.ID, is_asc=False, limit=2)),
        store.get_artifacts(mlmd.ListOptions(filter_query="properties.day.int_value = 1")),
        store.get_artifacts_by_context(1),
        store.get_executions(),
        store.get_contexts_by_artifact(1),
        store.get_events_by_execution_ids([1]),
        store.get_artifact_types(),
        store.get_artifacts_by_uri("path/to/data"),
    ):
        print(sorted(shown(node) for node in nodes))
    print(store.get_artifact_by_type_and_name("DataSet", "none"), store.pipeline_asset)
    options = metadata_store_pb2.LineageSubgraphQueryOptions(max_num_hops=2)
    options.starting_artifacts.filter_query = "id = 1"
    graph = store.get_lineage_subgraph(options, ["artifacts", "executions", "events", "execution_types"])
    print([len(value) for _, value in sorted((f.name, v) for f, v in graph.ListFields())])


def fail(store):
    for call in (
        lambda: store.get_artifact_type("none"),
        lambda: store.put_artifacts([metadata_store_pb2.Artifact(uri="x")]),
        lambda: store.get_artifacts(mlmd.ListOptions(filter_query="oops = 1")),
        lambda: store.put_artifact_type(metadata_store_pb2.ArtifactType(name="DataSet")),
        lambda: mlmd.MetadataStore(None),
    ):
        try:
            call()
        except errors.StatusError as error:
            print(type(error).__name__, error.error_code)
        except ValueError:
            print("ValueError")


def embed():
    """Use the messages as generated code of others does, which finds them in the pool that all share."""
    file = descriptor_pb2.FileDescriptorProto(name="mine.proto", package="mine", syntax="proto3")
    file.dependency.append("ml_metadata/proto/metadata_store.proto")
    field = file.message_type.add(name="Output").field.add(name="artifact", number=1, label=1, type=11)
    field.type_name = ".ml_metadata.Artifact"
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    output = message_factory.GetMessageClass(pool.FindMessageTypeByName("mine.Output"))()
    output.artifact.CopyFrom(metadata_store_pb2.Artifact(uri="u"))
    print(type(output.artifact) is metadata_store_pb2.Artifact, output.artifact.uri)
    members = metadata_store_pb2.ArtifactType.SystemDefinedBaseType.DESCRIPTOR.values_by_name
    extension = metadata_store_pb2.system_type_extension
    print(members["DATASET"].GetOptions().Extensions[extension].type_name)


def keep():
    """Messages are pickled, nested ones too, as between processes of a pool."""
    order = metadata_store_pb2.ListOperationOptions.OrderByField(is_asc=True)
    for message in (metadata_store_pb2.Artifact(id=1, name="a"), order):
        print(pickle.loads(pickle.dumps(message)) == message, type(message).__module__)


def main():
    config = metadata_store_pb2.ConnectionConfig()
    config.fake_database.SetInParent()
    store = metadata_store.MetadataStore(config)
    print(metadata_store.MetadataStore is mlmd.MetadataStore, store._max_num_retries)
    print(errors.exception_type_from_error_code(errors.NOT_FOUND).__name__)
    publish(store)
    read(store)
    fail(store)
    embed()
    keep()
    print(metadata_store_service_pb2.PutArtifactsRequest.DESCRIPTOR.full_name)
    print(metadata_store_service_pb2_grpc.MetadataStoreServiceStub.__name__)


main()
