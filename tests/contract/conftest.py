"""The `store` that each contract test runs on, once per backend."""

import shutil
from collections.abc import Callable, Generator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Protocol

import pytest
import sqlalchemy as sa

from headwater.blobs import open_blobs
from headwater.model.builtin import SYSTEM_TYPES
from headwater.model.graph import NodeKind
from headwater.model.protocols import Store
from headwater.server.http.app import create_app
from headwater.server.http.backend import Backend
from headwater.store.remote import RemoteStore
from headwater.store.sql import schema
from headwater.store.sql.store import SqlStore
from tests.contract.builders import NODE_KINDS, Clock, NodeApi
from tests.live import LiveServer
from tests.servers import MySQL, PostgreSQL

BACKENDS = ("memory", "sqlite", "postgresql", "mysql", "http")
"""Four databases, and a SQLite file behind a server."""
SYSTEM_ROWS = [
    {"id": i, "kind": each.kind, "name": each.name, "version": ""}
    for i, each in enumerate(SYSTEM_TYPES, start=1)
]
"""A transfer may have moved them."""


class OpenStore(Protocol):
    """Opens the test's database once more: what a second process sees. Not for `memory`."""

    def __call__(self) -> Store: ...


class OpenAt(Protocol):
    """Opens the store at a URL that `empty_url` gave; it is closed when the test ends."""

    def __call__(self, url: str, clock: Clock, /) -> Store: ...


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `backend` on the backends that `--store` names."""
    if "backend" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--store") or BACKENDS
        metafunc.parametrize("backend", [b for b in BACKENDS if b in chosen], scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Turn `notimpl`, `notyet` and `never` into pytest's own marks on the backends that they name."""
    for item in items:
        call = getattr(item, "callspec", None)
        backend = call and call.params.get("backend")
        for mark in item.iter_markers():
            if mark.name in {"notimpl", "notyet"} and backend in mark.args[0]:
                item.add_marker(
                    pytest.mark.xfail(raises=mark.kwargs["raises"], strict=True, reason=mark.name)
                )
            if mark.name == "never" and backend in mark.args[0]:
                item.add_marker(pytest.mark.skip(reason=mark.kwargs["reason"]))


@pytest.fixture
def clock() -> Clock:
    """The time of the store under test; it moves when the test says so."""
    return Clock()


@pytest.fixture
def store(url: str, clock: Clock, open_store: OpenAt) -> Store:
    """An empty store."""
    return open_store(url, clock)


@pytest.fixture
def open_again(url: str, clock: Clock, open_store: OpenAt) -> OpenStore:
    """Open the test's database once more: what a second process sees. Not for `memory`."""
    return lambda: open_store(url, clock)


@pytest.fixture
def open_store(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Generator[OpenAt]:
    """Open stores, and close them when the test ends."""
    with ExitStack() as opened:

        def open_one(url: str, clock: Clock) -> Store:
            store = opened.enter_context(SqlStore(url, clock_ms=clock))
            if backend != "http":
                return store
            live: LiveServer = request.getfixturevalue("live_server")
            served = Backend(store=store, blobs=open_blobs("memory://"), spool=tmp_path / "spool")
            address = live.mount(create_app(served, is_for_stores=True))
            opened.callback(live.unmount, address)
            return opened.enter_context(RemoteStore(address, environment={}))

        yield open_one


@pytest.fixture(scope="session")
def live_server() -> Generator[LiveServer]:
    """The server of this worker's tests."""
    live = LiveServer()
    with live.running():
        yield live


@pytest.fixture(params=NODE_KINDS, ids=lambda kind: kind.name.lower())
def api(request: pytest.FixtureRequest, store: Store) -> NodeApi:
    """One of the three node stores with its own words for everything."""
    kind: NodeKind = request.param
    return NodeApi.of(store, kind)


@pytest.fixture
def url(empty_url: Callable[[], str]) -> str:
    """The URL of an empty store; its tables are made already."""
    return empty_url()


@pytest.fixture
def empty_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Empty the test's store, or make a new one, and give its URL."""
    if backend == "memory":
        return lambda: "memory://"
    if backend in {"sqlite", "http"}:
        prepared: Path = request.getfixturevalue("prepared_file")
        numbers = count()
        return lambda: f"sqlite:///{shutil.copyfile(prepared, tmp_path / f'{next(numbers)}.db')}"
    engine: sa.Engine = request.getfixturevalue(f"{backend}_engine")

    def emptied() -> str:
        empty(engine)
        return engine.url.set(drivername=backend).render_as_string(hide_password=False)

    return emptied


@pytest.fixture(scope="session")
def prepared_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables: copying it is faster than making them."""
    file = tmp_path_factory.mktemp("prepared") / "store.db"
    SqlStore(f"sqlite:///{file}").close()
    return file


@pytest.fixture(scope="session")
def postgresql_engine(postgresql_server: PostgreSQL) -> Generator[sa.Engine]:
    """Reaches the database that this worker's tests use one after another."""
    with postgresql_server.fresh() as url:
        yield from opened_engine(url, "postgresql+psycopg")


@pytest.fixture(scope="session")
def mysql_engine(mysql_server: MySQL) -> Generator[sa.Engine]:
    """Reaches the database that this worker's tests use one after another."""
    with mysql_server.fresh() as url:
        yield from opened_engine(url, "mysql+pymysql")


def opened_engine(url: str, driver: str) -> Generator[sa.Engine]:
    """Make the tables and keep one connection open for `empty`."""
    SqlStore(url).close()
    engine = sa.create_engine(sa.make_url(url).set(drivername=driver))
    yield engine
    engine.dispose()


def empty(engine: sa.Engine) -> None:
    """Delete what a test wrote: 3 ms, where a fresh database takes 50 to 120."""
    with engine.begin() as conn:
        for table in schema.metadata.sorted_tables:
            if table is schema.type_:
                conn.execute(sa.delete(table))
                conn.execute(sa.insert(table), SYSTEM_ROWS)
            elif table is schema.setting:
                conn.execute(sa.delete(table).where(table.c.name.startswith("release:")))
            else:
                conn.execute(sa.delete(table))
