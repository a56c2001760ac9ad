"""TFX in an environment of its own, where this project stands under ML Metadata's name."""

from tests.compat.mlmd.conftest import tfx

__all__ = ["tfx"]
