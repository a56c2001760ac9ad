"""A store behind MLMD's API, and the original library beside it."""

import os
from collections.abc import Generator
from typing import Any

import pytest

from headwater.compat import mlmd
from tests.compat.mlmd.peer import PYTHON, Original
from tests.compat.tfx.conftest import tfx

__all__ = ["fake_database", "original", "store", "tfx"]


@pytest.fixture
def store() -> Generator[mlmd.MetadataStore]:
    """An empty store in memory."""
    with mlmd.MetadataStore(fake_database()) as opened:
        yield opened


@pytest.fixture(scope="session")
def original() -> Generator[Original]:
    """The original library; skips where it is not installed, unless it has to be."""
    if not PYTHON.exists():
        why = f"no {PYTHON}: `make peers` installs the original library (Python 3.11, Linux x86-64)"
        if "mlmd" in os.environ.get("HEADWATER_TEST_REQUIRE", "").split(","):
            pytest.fail(f"HEADWATER_TEST_REQUIRE names mlmd: {why}", pytrace=False)
        pytest.skip(why)
    with Original() as process:
        yield process


def fake_database() -> Any:
    """A config of a store in memory."""
    config = mlmd.proto.ConnectionConfig()
    config.fake_database.SetInParent()
    return config
