"""A small application with every kind of route, guarded like the real one."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse

from headwater.errors import HeadwaterError
from headwater.model.access import Identity, Permission
from headwater.server.http.access import (
    Identify,
    authorize,
    checked_inside,
    needs,
    public,
    refusal_headers,
)
from headwater.server.http.limits import Bodies
from headwater.server.http.origins import Origins
from tests.server.auth.conftest import *  # noqa: F403  # the people and their guards
from tests.server.http.serving import served

STATUSES = {"unauthenticated": 401, "forbidden": 403, "throttled": 429}


def refuse(request, error):
    return JSONResponse({"code": error.code}, STATUSES[error.code], refusal_headers(request, error))


def make_app(guard, *, hosts=(), origins=(), patience_s=30.0):
    """Make the application; the last middleware added is the outermost."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, max_body_size=100_000)

    async def on_error(request: Request, error: Exception):
        assert isinstance(error, HeadwaterError)
        return refuse(request, error)

    app.add_exception_handler(HeadwaterError, on_error)

    @app.get("/health", dependencies=[public()])
    def health():
        return "OK"

    for permission in Permission:
        add = app.post if permission > Permission.READ else app.get
        add(f"/{permission.name.lower()}", dependencies=[needs(permission)])(lambda: "done")

    @app.post("/models/{name}")
    def model(who: Annotated[Identity, needs(Permission.WRITE, "models/{name}")]):
        return who.name

    @app.post("/plain")
    @checked_inside(Permission.WRITE)
    async def plain(request: Request):
        identity = authorize(request, Permission.WRITE, (await request.json())["subject"])
        return identity.actor("root")

    app.add_middleware(Identify, guard=guard, refuse=refuse)
    app.add_middleware(Bodies, patience_s=patience_s)
    app.add_middleware(Origins, hosts=hosts, origins=origins)
    return app


@pytest.fixture
def app(basic_guard):
    return make_app(basic_guard)


@pytest.fixture
def connect() -> Generator[Callable[..., httpx.Client]]:
    """Answer with an application on a socket, and give a client of it."""
    with ExitStack() as stack:

        def connected(app, host="localhost") -> httpx.Client:
            return stack.enter_context(client_of(app, host))

        yield connected


@contextmanager
def client_of(app, host="localhost"):
    with (
        served(app) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Host": host}, timeout=20) as client,
    ):
        yield client


@pytest.fixture
def client(app, connect):
    return connect(app)
