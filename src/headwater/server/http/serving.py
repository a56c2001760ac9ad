"""Processes that answer: one, or several behind one socket."""

import gc
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from headwater.blobs import open_blobs
from headwater.errors import RefusedError, UnavailableError
from headwater.server.auth import check_start
from headwater.server.http.access_log import LOG
from headwater.server.http.app import create_app
from headwater.server.http.backend import Backend
from headwater.server.http.callers import callers
from headwater.server.http.metrics import FOLDER_VARIABLE
from headwater.server.http.settings import ServerSettings
from headwater.store import open_store, require_database

SETTINGS_VARIABLE: Final = "HEADWATER_SERVER_SETTINGS"
"""Carries the settings to the processes of a server; nobody else sets it."""
GRACE_S: Final = 30
_STOPS: Final = (signal.SIGINT, signal.SIGTERM)
_KEEP_ALIVE_S: Final = 75
_BACKLOG: Final = 2048
_COLLECTED: Final = 20_000
"""So many objects that could be part of a cycle are made before the collector looks at them."""


def bind(host: str, port: int) -> socket.socket:
    """Take an address; port 0 takes a free one.

    Raises:
        UnavailableError: it is taken, or none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise UnavailableError(f"{host}:{port} cannot be bound: {error.strerror}") from error
    # Accepted connections inherit it; without it small answers wait 40 ms for an acknowledgement.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    bound.set_inheritable(True)
    return bound


def check(settings: ServerSettings, host: str, *, workers: int, is_insecure: bool) -> None:
    """Check that a server may begin, before any process does.

    Raises:
        RefusedError: others could reach it and nothing tells who they are; nobody could sign in;
            several processes cannot share the store; or the store is behind a server itself.
        UnavailableError, SchemaError: the store cannot be opened.
    """
    require_database(settings.store)
    if workers > 1 and settings.store.startswith("memory:"):
        raise RefusedError("a store in memory belongs to one process: say --workers 1, or name a database")
    with open_store(settings.store) as store:
        check_start(settings.auth, store.access, host, is_insecure=is_insecure)


def serve(settings: ServerSettings, bound: socket.socket, *, workers: int = 1) -> None:
    """Answer until the process is told to stop; then let running requests end."""
    if workers == 1:
        # uvicorn raises the signal that ended it once more, so that whatever comes after would be cut short.
        for number in _STOPS:
            signal.signal(number, _stay)
        uvicorn.Server(_config(settings, application(settings))).run([bound])
        return
    # The processes start anew and find their settings here.
    os.environ[SETTINGS_VARIABLE] = msgspec.json.encode(settings, enc_hook=str).decode()
    config = _config(settings, f"{__name__}:worker_application", factory=True, workers=workers)
    with tempfile.TemporaryDirectory(prefix="headwater-metrics-") as folder:
        os.environ[FOLDER_VARIABLE] = folder
        Multiprocess(config, [bound]).run()


def worker_application() -> FastAPI:
    """Return the application of one of several processes, by the settings that its parent left for it."""
    settings = msgspec.json.decode(os.environ[SETTINGS_VARIABLE], type=ServerSettings, dec_hook=_of_text)
    return application(settings)


def application(settings: ServerSettings) -> FastAPI:
    """Return an application that opens its store now and closes it when the server stops."""
    _write_logs()
    store, blobs = open_store(settings.store), open_blobs(settings.blobs)
    is_embedded = settings.store.startswith(("sqlite:", "memory:"))
    backend = Backend(store=store, blobs=blobs, spool=settings.spool, is_embedded=is_embedded)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        _tell_when_stopping(backend.stopping.set)
        _collect_less()
        yield
        app.state.mlflow.close()
        store.close()

    guard, routers = callers(settings, store.access)
    app = create_app(
        backend,
        guard,
        routers,
        hosts=settings.hosts,
        origins=settings.origins,
        max_body_bytes=settings.max_body_mib * 2**20,
    )
    app.router.lifespan_context = lifespan
    return app


def _config(settings: ServerSettings, app: Any, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        ssl_keyfile=settings.tls_key,
        ssl_certfile=settings.tls_cert,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        **more,
    )


def _stay(received: int, frame: object) -> None:
    """Take a signal that says what was done already."""


def _tell_when_stopping(tell: Callable[[], None]) -> None:
    """Have streams that never end by themselves told that the server wants to stop."""
    for number in _STOPS:
        before = signal.getsignal(number)

        def handle(received: int, frame: Any, before: Any = before) -> None:
            tell()
            if callable(before):
                before(received, frame)

        signal.signal(number, handle)


def _collect_less() -> None:
    """Have Python's garbage collector look more seldom, and not at what lives as long as the server.

    Answers are thousands of objects that none of them outlives: with Python's own limits every few
    hundred are looked through, which took a sixth of a search's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECTED, *gc.get_threshold()[1:])


def _write_logs() -> None:
    """Write requests to standard output, one JSON object a line, and troubles to standard error."""
    requests = logging.StreamHandler(sys.stdout)
    requests.setFormatter(logging.Formatter("%(message)s"))
    LOG.handlers, LOG.propagate = [requests], False
    LOG.setLevel(logging.INFO)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


def _of_text(kind: type, value: Any) -> Any:
    return kind(value) if kind is Path else value
