"""Runs in the original library's environment: its client prints all that it sees of a server or a file."""

import json
import sys

import ml_metadata as mlmd  # pyright: ignore[reportMissingImports]
from ml_metadata.proto import metadata_store_pb2 as pb  # pyright: ignore[reportMissingImports]


def opened(place):
    if place.isdigit():
        return mlmd.MetadataStore(pb.MetadataStoreClientConfig(host="127.0.0.1", port=int(place)))
    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = place
    return mlmd.MetadataStore(config)


def texts(messages):
    return sorted(each.SerializeToString(deterministic=True).hex() for each in messages)


def main(place):
    store = opened(place)
    artifacts, executions, contexts = store.get_artifacts(), store.get_executions(), store.get_contexts()
    options = pb.LineageSubgraphQueryOptions()
    options.starting_artifacts.filter_query = "id > 0"
    graph = store.get_lineage_subgraph(options)
    types = [
        each.name
        for each in store.get_artifact_types() + store.get_execution_types() + store.get_context_types()
    ]
    seen = {
        "artifacts": texts(artifacts),
        "executions": texts(executions),
        "contexts": texts(contexts),
        "types": sorted(types),
        "table": texts([store.get_artifact_type("Table", "v1"), store.get_execution_type("Train")]),
        "events": texts(store.get_events_by_artifact_ids([each.id for each in artifacts])),
        "parents": {each.id: texts(store.get_parent_contexts_by_context(each.id)) for each in contexts},
        "members": {each.id: texts(store.get_artifacts_by_context(each.id)) for each in contexts},
        "associated": {each.id: texts(store.get_executions_by_context(each.id)) for each in contexts},
        "graph": {
            field: texts(getattr(graph, field))
            for field in ("artifacts", "executions", "contexts", "events", "attributions", "associations")
        },
    }
    print(json.dumps(seen))


main(sys.argv[1])
