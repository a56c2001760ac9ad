"""TFX in an environment of its own, where this project stands under ML Metadata's name."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from headwater.compat.mlmd.proto import metadata_store_pb2 as pb
from tests.compat.mlmd.peer import ROOT

TFX = ROOT / ".venv-peers/tfx/bin/python"


@pytest.fixture(scope="session")
def tfx() -> Path:
    """The interpreter of TFX's environment; skips where it is not installed, unless it has to be."""
    if not TFX.exists():
        why = f"no {TFX}: `make peers` installs TFX"
        if "tfx" in os.environ.get("HEADWATER_TEST_REQUIRE", "").split(","):
            pytest.fail(f"HEADWATER_TEST_REQUIRE names tfx: {why}", pytrace=False)
        pytest.skip(why)
    return TFX


def config_of(url: str) -> Any:
    """The `ConnectionConfig` of the database at a URL."""
    config, parts = pb.ConnectionConfig(), urlsplit(url)
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
