"""ML Metadata's exceptions and codes."""

from headwater.compat.mlmd.errors import *  # noqa: F403
