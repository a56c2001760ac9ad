"""The model registry: versions, stages, policies, approvals, aliases, rollback and loading."""

from headwater.registry.comparing import VersionComparison
from headwater.registry.loading import LoadCheck, load_version, verify_version, version_of
from headwater.registry.model import Model
from headwater.registry.registry import Registry
from headwater.registry.status import VersionStatus

__all__ = [
    "LoadCheck",
    "Model",
    "Registry",
    "VersionComparison",
    "VersionStatus",
    "load_version",
    "verify_version",
    "version_of",
]
