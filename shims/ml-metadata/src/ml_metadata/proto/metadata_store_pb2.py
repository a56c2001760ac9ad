"""What `metadata_store_pb2` of ML Metadata defines."""

from headwater.compat.mlmd.proto.metadata_store_pb2 import *  # noqa: F403
