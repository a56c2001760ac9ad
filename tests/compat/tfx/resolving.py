"""Prints what TFX finds upstream of artifacts with a filter query; a program for TFX's own environment.

Usage: resolving.py CONFIG TYPE ID...
"""

# pyright: reportMissingImports=false

import json
import sys

import ml_metadata
from google.protobuf import text_format
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.input_resolution.ops import ops_utils
from tfx.orchestration.portable.input_resolution.mlmd_resolver.metadata_resolver import MetadataResolver

config = text_format.Parse(sys.argv[1], metadata_store_pb2.ConnectionConfig())
states = ops_utils.get_valid_artifact_states_filter_query([metadata_store_pb2.Artifact.LIVE])
with ml_metadata.MetadataStore(config) as store:
    found = MetadataResolver(store).get_upstream_artifacts_by_artifact_ids(
        [int(each) for each in sys.argv[3:]],
        max_num_hops=20,
        filter_query=f"type = '{sys.argv[2]}' AND {states}",
    )
print(json.dumps({start: [artifact.id for artifact, _ in each] for start, each in found.items()}))
