"""The model registry: versions, stages, aliases, rollback and loading."""

from headwater.registry.loading import load_version, verify_version, version_of
from headwater.registry.registry import Model, Registry

__all__ = ["Model", "Registry", "load_version", "verify_version", "version_of"]
