"""Whether a server is ready, by what its database is."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from headwater.blobs import open_blobs
from headwater.server.http.app import create_app
from headwater.server.http.backend import Backend
from headwater.store.sql.schema import SCHEMA_VERSION
from headwater.store.sql.store import SqlStore
from tests.live import LiveServer
from tests.server.http.rest import Rest


@contextmanager
def serving(live: LiveServer, url: str, spool: Path) -> Generator[Rest]:
    """A server over a database."""
    with SqlStore(url) as store:
        backend = Backend(store=store, blobs=open_blobs("memory://"), spool=spool)
        app = create_app(backend, is_for_stores=True)
        address = live.mount(app)
        yield Rest(address, app, store, backend)
        live.unmount(address)


def health(rest: Rest, name: str) -> tuple[int, str]:
    """Status and body."""
    answer = rest.pool.request("GET", f"{rest.url}/health/{name}")
    return answer.status, answer.data.decode()


def allow_connections(name: str, *, are_allowed: bool) -> sql.Composed:
    """SQL that lets nobody connect to a database, or everybody."""
    statement = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    return statement.format(sql.Identifier(name), sql.Literal(are_allowed))


@pytest.mark.parametrize(
    ("version", "words"),
    [(SCHEMA_VERSION + 1, "install a newer headwater"), (SCHEMA_VERSION - 1, "headwater db upgrade")],
    ids=["newer", "older"],
)
def test_tables_of_another_version_make_a_server_unready(live, tmp_path, version, words):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with serving(live, url, tmp_path) as rest:
        assert health(rest, "ready") == (200, '{"status":"ready"}')

        engine = sa.create_engine(url)
        with engine.begin() as conn:
            conn.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{version:04}'")
        engine.dispose()

        status, body = health(rest, "ready")
        assert (status, words in body) == (503, True), body
        assert health(rest, "live") == (200, '{"status":"live"}')


def test_a_database_that_is_away_makes_a_server_unready_until_it_is_back(
    live, tmp_path, fresh_postgresql_url
):
    url, other = fresh_postgresql_url(), fresh_postgresql_url()
    name = url.rpartition("/")[2].partition("?")[0]
    with serving(live, url, tmp_path) as rest, psycopg.connect(other, autocommit=True) as admin:
        assert health(rest, "ready")[0] == 200

        admin.execute(allow_connections(name, are_allowed=False))
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        away = health(rest, "ready")
        admin.execute(allow_connections(name, are_allowed=True))

        assert away[0] == 503, away
        assert health(rest, "live")[0] == health(rest, "ready")[0] == 200
