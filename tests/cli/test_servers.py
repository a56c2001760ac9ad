"""Every command, with a server in the place of the store."""

from contextlib import contextmanager

import pytest

from headwater.blobs import open_blobs
from headwater.sdk import Client
from headwater.server.http.app import create_app
from headwater.server.http.backend import Backend
from headwater.store.sql.store import SqlStore
from tests.cli.conftest import Cli, train_two
from tests.live import LiveServer

READS = [
    ("runs", "list"),
    ("runs", "show", "RUN"),
    ("runs", "compare", "RUN", "RUN2"),
    ("models", "list"),
    ("models", "show", "late-flights"),
    ("models", "requests"),
    ("data", "list"),
    ("data", "show", "flights/2013-01"),
    ("lineage", "show", "models/late-flights@production"),
    ("ledger", "show"),
    ("ledger", "verify"),
    ("doctor",),
    ("gc",),
    ("tokens", "list"),
    ("users", "list"),
    ("sync",),
]
AT_THE_DATABASE = [
    ("db", "upgrade"),
    ("db", "backup", "copy"),
    ("server", "--port", "0"),
    ("server", "mlmd", "--port", "0"),
]


@pytest.fixture(scope="module")
def live():
    server = LiveServer()
    with server.running():
        yield server


@contextmanager
def two_sides(live, folder):
    """The same store twice: opened by itself, and behind a server. Ids of two runs."""
    url, blobs = f"sqlite:///{folder / 'store.db'}", str(folder / "bytes")
    with SqlStore(url) as store:
        address = live.mount(
            create_app(Backend(store=store, blobs=open_blobs(blobs), spool=folder / "spool"))
        )
        with Client(address, actor="ann@desk") as client:
            runs = train_two(client)
        yield Cli(url), Cli(address), runs
        live.unmount(address)


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sides")


@pytest.fixture(scope="module")
def shared_sides(live, shared_folder):
    with two_sides(live, shared_folder) as sides:
        yield sides


@pytest.fixture
def looked_at(shared_sides, shared_folder, monkeypatch):
    """Two sides that nobody changes."""
    monkeypatch.setenv("HEADWATER_BLOBS", str(shared_folder / "bytes"))
    return shared_sides


@pytest.fixture
def sides(live, tmp_path, monkeypatch):
    monkeypatch.setenv("HEADWATER_BLOBS", str(tmp_path / "bytes"))
    with two_sides(live, tmp_path) as sides:
        yield sides


@pytest.mark.parametrize("words", READS, ids=" ".join)
def test_a_server_shows_what_its_store_shows(looked_at, words):
    here, there, (run, second) = looked_at
    named = [{"RUN": run, "RUN2": second}.get(word, word) for word in words]

    shown = there(*named).stdout

    assert shown == here(*named).stdout
    assert shown


@pytest.mark.parametrize("words", AT_THE_DATABASE, ids=" ".join)
def test_what_belongs_where_the_database_is_says_so(looked_at, words):
    _, there, _ = looked_at

    done = there(*words, code=5)

    assert "Traceback" not in done.output
    assert "where its database is" in done.output


def test_decisions_go_through_a_server(sides):
    here, there, _ = sides

    there("models", "rollback", "late-flights", "--reason", "worse", "--no-load")
    there("models", "alias", "late-flights", "best", "2", "--reason", "best")

    assert here.json("models", "show", "late-flights")["stages"]["production"] == 1
