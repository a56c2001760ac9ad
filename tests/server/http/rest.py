"""A Headwater server over a SQLite file, and a client of its REST API."""

import json
import shutil
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from pydantic import TypeAdapter
from starlette.routing import compile_path

from headwater.blobs import open_blobs
from headwater.model.protocols import Store
from headwater.server.http.app import create_app
from headwater.server.http.backend import Backend
from headwater.store.sql.store import SqlStore
from tests.live import LiveServer


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def etag(self) -> str:
        return self.headers["ETag"]


@dataclass(frozen=True)
class Rest:
    """A client of one server's REST API; every answer is held against what the API says it is."""

    url: str
    app: FastAPI
    store: Store
    backend: Backend
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False))

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} if body is not None else {}
        text = urlencode(query, doseq=True)
        found = self.pool.request(
            method,
            f"{self.url}/api/v1{path}{f'?{text}' if text else ''}",
            body=data,
            headers={**sent, **(headers or {})},
        )
        return Answer(found.status, found.headers, found.data)

    def get(self, path: str, **query: Any) -> Any:
        """Return what a GET gives, which has to be what the API says."""
        found = self.ask("GET", path, **query)
        assert found.status == 200, found.body
        if "fields" not in query:
            self.check("GET", path, found.json)
        return found.json

    def post(self, path: str, body: Any, status: int = 200, **headers: str) -> Any:
        """Return what a POST gives."""
        found = self.ask("POST", path, body, headers={k.replace("_", "-"): v for k, v in headers.items()})
        assert found.status == status, found.body
        if found.body:
            self.check("POST", path, found.json)
        return found.json if found.body else None

    def fault(self, method: str, path: str, body: Any = None, **options: Any) -> dict[str, Any]:
        """Return the error of a request that fails, with its status."""
        found = self.ask(method, path, body, **options)
        assert found.status >= 400, found.body
        assert found.json.keys() == {"code", "message", "near", "fix"}
        return {"status": found.status, **found.json}

    def check(self, method: str, path: str, value: Any) -> None:
        """Check that an answer is what its route declares, with no field more or less."""
        adapter = TypeAdapter(_model(self.app, method, f"/api/v1{path.partition('?')[0]}"))
        assert adapter.dump_python(adapter.validate_python(value), mode="json") == value


def _model(app: FastAPI, method: str, path: str) -> Any:
    """Return the model of a route's answer."""
    for route in iter_route_contexts(app.routes):
        if method in (route.methods or ()) and compile_path(route.path or "")[0].match(path):
            return route.response_model
    raise AssertionError(f"no route {method} {path}")


@pytest.fixture(scope="session")
def live() -> Generator[LiveServer]:
    """The server of this worker's tests."""
    server = LiveServer()
    with server.running():
        yield server


class TestStore:
    """The store of the test that runs: building an application for each would take most of the time."""

    __test__ = False
    now: Store

    def __getattr__(self, name: str) -> Any:
        return getattr(self.now, name)


@pytest.fixture(scope="session")
def rest_api(live: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Generator[Rest]:
    """The REST API of this worker's tests."""
    store: Any = TestStore()
    with SqlStore("memory://") as store.now:
        spool = tmp_path_factory.mktemp("spool")
        backend = Backend(store=store, blobs=open_blobs("memory://"), spool=spool)
        app = create_app(backend)
        url = live.mount(app)
        yield Rest(url, app, store, backend)
        app.state.mlflow.close()
        live.unmount(url)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables: copying it is faster than making them."""
    file = tmp_path_factory.mktemp("empty") / "store.db"
    SqlStore(f"sqlite:///{file}").close()
    return file


@pytest.fixture
def rest(rest_api: Rest, empty_store: Path, tmp_path: Path) -> Generator[Rest]:
    """A REST API over an empty store."""
    rest_api.backend.stopping.clear()
    file = shutil.copyfile(empty_store, tmp_path / "store.db")
    with SqlStore(f"sqlite:///{file}") as store:
        vars(rest_api.store)["now"] = store
        yield rest_api
        # Streams look at the store that is about to close.
        rest_api.backend.stopping.set()
