"""The original library, whose clients talk to our server."""

from tests.compat.mlmd.conftest import original

__all__ = ["original"]
