"""An application on a real socket, and raw bytes to send there."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn


@contextmanager
def served(app) -> Generator[int]:
    """Answer on a free port of 127.0.0.1."""
    sock = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    try:
        yield sock.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(20)
        sock.close()


def exchange(port: int, sent: bytes, *, ends: bool = False) -> bytes:
    """Send bytes and return everything that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        sock.sendall(sent)
        if ends:
            sock.shutdown(socket.SHUT_WR)
        parts = []
        while part := sock.recv(65_536):
            parts.append(part)
    return b"".join(parts)
