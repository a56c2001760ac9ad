"""A client on a SQLite store and a folder of bytes, and ways to break them."""

import sqlite3
from collections.abc import Callable

import fsspec
import pytest
from moto.server import ThreadedMotoServer

from headwater.sdk import Client


@pytest.fixture
def url(tmp_path) -> str:
    """Where the store is."""
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def client(url, tmp_path, monkeypatch):
    """A client in a project of its own."""
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    with Client(url, actor="ann@desk") as opened:
        yield opened


@pytest.fixture
def damage(tmp_path) -> Callable[..., None]:
    """Run SQL behind the store's back."""

    def run(*statements: str) -> None:
        conn = sqlite3.connect(tmp_path / "store.db")
        for statement in statements:
            conn.execute(statement)
        conn.commit()
        conn.close()

    return run


@pytest.fixture
def train(client):
    """Make a run with everything that a run can leave behind."""

    def work(number: int = 1, name: str = "late-flights"):
        with client.run("flights/train", params={"lr": number}) as run:
            run.use(client.dataset("flights", [{"late": number}]))
            run.log_series("loss", range(5), [0.5 / (i + 1) for i in range(5)])
            run.log_dict({"number": number}, "facts.json")
            version = run.log_model(name, {"weights": number}, metrics={"auc": 0.7})
        return run, version

    return work


@pytest.fixture(scope="session")
def s3_options():
    """Options that lead s3fs to a server on loopback, started once."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {"key": "test", "secret": "test", "endpoint_url": f"http://{host}:{port}"}
    # All servers of one process have the same buckets.
    fsspec.filesystem("s3", **options).mkdir("upkeep")
    yield options
    server.stop()
