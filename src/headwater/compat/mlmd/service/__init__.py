"""MLMD's service in process: request messages in, response messages out."""

from headwater.compat.mlmd.service.service import MetadataService

__all__ = ["MetadataService"]
