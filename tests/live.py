"""A Headwater server in a thread of the test's own process, with any number of applications on it."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from typing import Any

import uvicorn


class LiveServer:
    """Serves applications under `/0`, `/1` … of one address."""

    def __init__(self) -> None:
        self._apps: dict[str, Any] = {}
        self._numbers = count()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._dispatch,
                interface="asgi3",
                lifespan="off",
                log_level="error",
                timeout_keep_alive=75,
            )
        )
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)

    def mount(self, app: Any) -> str:
        """Serve an application from now on; returns its address."""
        number = str(next(self._numbers))
        self._apps[number] = app
        return f"{self.url}/{number}"

    def unmount(self, url: str) -> None:
        """Serve it no more."""
        del self._apps[url.rpartition("/")[2]]

    async def _dispatch(self, scope: Any, receive: Any, send: Any) -> None:
        _, number, rest = scope["path"].split("/", 2)
        prefix = f"/{number}".encode()
        inner = {**scope, "path": f"/{rest}", "raw_path": scope["raw_path"].removeprefix(prefix)}
        await self._apps[number](inner, receive, send)

    @contextmanager
    def running(self) -> Generator[None]:
        """Answer while the block runs."""
        self._thread.start()
        try:
            yield
        finally:
            self._server.should_exit = True
            self._thread.join(timeout=10)
            self._socket.close()
