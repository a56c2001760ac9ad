"""What `metadata_store_service_pb2_grpc` of ML Metadata defines."""

from headwater.compat.mlmd.proto.metadata_store_service_pb2_grpc import *  # noqa: F403
