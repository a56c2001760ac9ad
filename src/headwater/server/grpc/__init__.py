"""The gRPC server: MLMD's service on a socket."""

from headwater.server.grpc.server import MlmdServer, Tls

__all__ = ["MlmdServer", "Tls"]
