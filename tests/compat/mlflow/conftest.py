"""MLflow's client beside a server of ours, once for all tests of one process."""

from collections.abc import Generator

import pytest

from headwater.model.protocols import Store
from headwater.store import open_store
from tests.compat.mlflow.peer import PYTHON, Client, Original
from tests.compat.mlflow.serving import Served, serving
from tests.required import excuse


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Generator[Served]:
    """A server over SQLite; tests use experiments of their own."""
    folder = tmp_path_factory.mktemp("mlflow")
    with serving(f"sqlite:///{folder}/store.db", folder / "blobs") as served:
        yield served


@pytest.fixture
def store(server) -> Generator[Store]:
    """The server's store, seen from beside it."""
    with open_store(server.store_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def peer() -> Generator[Client]:
    """MLflow's client; skips where it is not installed, unless it has to be."""
    require_mlflow()
    with Client() as client:
        yield client


@pytest.fixture(scope="session")
def original() -> Generator[Original]:
    """MLflow's own server; skips where it is not installed, unless it has to be."""
    require_mlflow()
    with Original() as process:
        yield process


@pytest.fixture
def client(peer, server) -> Client:
    """MLflow's client, told to use the server over SQLite."""
    peer.run("use", url=server.url)
    return peer


def require_mlflow() -> None:
    """Skip where MLflow is not installed, unless it has to be."""
    if not PYTHON.exists():
        excuse("mlflow", f"no {PYTHON}: `make peers` installs MLflow (Python 3.11)")
