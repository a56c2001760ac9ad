"""The system types."""

from headwater.compat.mlmd.metadata_store.mlmd_types import *  # noqa: F403
