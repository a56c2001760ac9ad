"""ML Metadata's messages."""

from headwater.compat.mlmd.proto import *  # noqa: F403
from ml_metadata.proto import metadata_store_pb2, metadata_store_service_pb2, metadata_store_service_pb2_grpc

__all__ = ["metadata_store_pb2", "metadata_store_service_pb2", "metadata_store_service_pb2_grpc"]
