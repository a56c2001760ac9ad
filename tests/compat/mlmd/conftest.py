"""A store behind MLMD's API, the original library and TFX beside it, and what they are told to open."""

from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from headwater.compat import mlmd
from tests.compat.mlmd.peer import PYTHON, ROOT, Original
from tests.required import excuse

TFX = ROOT / ".venv-peers/tfx/bin/python"


@pytest.fixture
def store() -> Generator[mlmd.MetadataStore]:
    """An empty store in memory."""
    with mlmd.MetadataStore(fake_database()) as opened:
        yield opened


@pytest.fixture(scope="session")
def original() -> Generator[Original]:
    """The original library; skips where it is not installed, unless it has to be."""
    if not PYTHON.exists():
        excuse("mlmd", f"no {PYTHON}: `make peers` installs the original library (Python 3.11, Linux x86-64)")
    with Original() as process:
        yield process


@pytest.fixture(scope="session")
def tfx() -> Path:
    """The interpreter of TFX's environment; skips where it is not installed, unless it has to be."""
    if not TFX.exists():
        excuse("tfx", f"no {TFX}: `make peers` installs TFX")
    return TFX


def fake_database() -> Any:
    """A config of a store in memory."""
    config = mlmd.proto.ConnectionConfig()
    config.fake_database.SetInParent()
    return config


def config_of(url: str) -> Any:
    """The `ConnectionConfig` of the database at a URL."""
    config, parts = mlmd.proto.ConnectionConfig(), urlsplit(url)
    if parts.scheme == "sqlite":
        config.sqlite.filename_uri = parts.path.removeprefix("/")
        config.sqlite.connection_mode = config.sqlite.READWRITE_OPENCREATE
        return config
    database = parts.path.removeprefix("/")
    if parts.scheme == "mysql":
        server = config.mysql
        server.database, server.port = database, parts.port or 3306
    else:
        server = config.postgresql
        server.dbname, server.port = database, str(parts.port or 5432)
    server.host = parts.hostname or parse_qs(parts.query)["host"][0]
    server.user, server.password = unquote(parts.username or ""), unquote(parts.password or "")
    return config
