"""Runs in the original library's environment: its client talks to a server and prints what it saw."""

import json
import sys
from pathlib import Path

import ml_metadata as mlmd  # pyright: ignore[reportMissingImports]
from ml_metadata.proto import metadata_store_pb2 as pb  # pyright: ignore[reportMissingImports]


def main(port, certificates=None):
    config = pb.MetadataStoreClientConfig(host="localhost" if certificates else "127.0.0.1", port=port)
    if certificates:
        folder = Path(certificates)
        config.ssl_config.custom_ca = (folder / "ca.pem").read_text()
        config.ssl_config.client_key = (folder / "client-key.pem").read_text()
        config.ssl_config.server_cert = (folder / "client-cert.pem").read_text()
    store = mlmd.MetadataStore(config)
    table = store.put_artifact_type(pb.ArtifactType(name="Table", properties={"rows": pb.INT}))
    step = store.put_execution_type(pb.ExecutionType(name="Step"))
    context = store.put_context_type(pb.ContextType(name="Experiment"))
    artifact = pb.Artifact(type_id=table, name="a", uri="u")
    artifact.properties["rows"].int_value = 3
    artifact.custom_properties["exact"].double_value = 0.1234567890123
    published = store.put_execution(
        pb.Execution(type_id=step),
        [(artifact, pb.Event(type=pb.Event.OUTPUT))],
        [pb.Context(type_id=context, name="c")],
    )
    store.put_artifacts([pb.Artifact(type_id=table) for _ in range(250)])
    [found] = store.get_artifacts(mlmd.ListOptions(filter_query="properties.rows.int_value = 3"))
    options = pb.LineageSubgraphQueryOptions()
    options.starting_artifacts.filter_query = "name = 'a'"
    graph = store.get_lineage_subgraph(options)
    try:
        store.put_artifacts([artifact])
        error = None
    except mlmd.errors.AlreadyExistsError as raised:
        error = type(raised).__name__
    print(
        json.dumps(
            {
                "published": published,
                "all": len(store.get_artifacts(mlmd.ListOptions())),
                "exact": found.custom_properties["exact"].double_value,
                "lineage": [len(nodes) for nodes in (graph.artifacts, graph.executions, graph.events)],
                "error": error,
            }
        )
    )


main(int(sys.argv[1]), *sys.argv[2:])
