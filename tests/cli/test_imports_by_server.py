"""`headwater import` and `headwater export` where the store is behind a server."""

import sqlite3
from collections.abc import Generator
from contextlib import closing

import pytest

from headwater.blobs import open_blobs
from headwater.model.access import NewAccount, NewToken, Role, new_secret, secret_digest
from headwater.server.auth import TokenGuard
from headwater.server.http.app import create_app
from headwater.server.http.backend import Backend
from headwater.store.sql.store import SqlStore
from tests.cli.conftest import Cli
from tests.compat.mlmd.importing.large import make
from tests.live import LiveServer


@pytest.fixture
def store(tmp_path) -> Generator[SqlStore]:
    """The store behind the server."""
    with SqlStore(f"sqlite:///{tmp_path / 'store.db'}") as store:
        yield store


@pytest.fixture
def served(store, tmp_path) -> Generator[Cli]:
    """Calls commands on a server that asks who calls, and takes no body beyond 12 MiB."""
    live = LiveServer()
    backend = Backend(store=store, blobs=open_blobs("memory://"), spool=tmp_path / "spool")
    app = create_app(backend, TokenGuard(store.access), max_body_bytes=12 * 2**20)
    with live.running():
        yield Cli(live.mount(app))


@pytest.fixture
def become(store, monkeypatch):
    """Call as somebody with a role."""

    def become(role: Role) -> None:
        secret = new_secret("hw_")
        store.access.add(NewAccount(name=role.name.lower(), role=role), actor="root")
        new = NewToken(account=role.name.lower(), name="test", digest=secret_digest(secret))
        store.access.add_token(new, actor="root")
        monkeypatch.setenv("HEADWATER_TOKEN", secret)

    return become


def test_a_database_goes_in_and_out_through_a_server(served, become, tmp_path):
    make(tmp_path / "mlmd.db", artifacts=3_000)
    become(Role.ADMIN)

    done = served.json("import", "mlmd", str(tmp_path / "mlmd.db"))
    written = served.json("export", "mlmd", str(tmp_path / "out.db"))
    back = served.json("import", "mlmd", str(tmp_path / "out.db"))

    added = {row["table"]: row["added"] for row in done["tables"]}
    assert (done["complete"], added["Artifact"], added["Event"]) == (True, 3_000, 3_000)
    assert written["tables"]["Artifact"] == 3_000
    assert all(row["added"] == row["changed"] == 0 for row in back["tables"])


def test_a_batch_of_large_nodes_is_no_larger_than_a_request_may_be(served, become, store, tmp_path):
    make(tmp_path / "mlmd.db", artifacts=60)
    with closing(sqlite3.connect(tmp_path / "mlmd.db")) as conn, conn:
        conn.execute("UPDATE ArtifactProperty SET string_value = hex(zeroblob(250000)) WHERE name = 'text'")
    become(Role.ADMIN)

    assert served.json("import", "mlmd", str(tmp_path / "mlmd.db"))["complete"]

    assert store.artifacts.get([60])[0].custom_properties["text"] == "0" * 500_000


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
def test_only_an_administrator_may_import_through_a_server(served, become, store, tmp_path, role):
    make(tmp_path / "mlmd.db", artifacts=4)
    become(role)

    said = served("import", "mlmd", str(tmp_path / "mlmd.db"), code=8).output

    assert f"{role.name.lower()} may not do this: it needs the permission admin" in said
    assert store.artifacts.page().items == ()
    assert served.json("export", "mlmd", str(tmp_path / "out.db"))["tables"]["Type"] == 9
