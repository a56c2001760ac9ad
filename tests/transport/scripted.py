"""A server on a socket that answers each request as a script says."""

import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class Reply:
    """What one request gets."""

    status: int = 200
    body: bytes = b"done"
    headers: tuple[str, ...] = ()
    length: int | None = None
    """What the answer says its length is; by default the truth."""
    delay_s: float = 0.0
    hangs_up: bool = False
    """Close the connection after it, without a word about that."""


DROP = Reply(status=0, hangs_up=True)
"""Read the request, then hang up without an answer."""


class ScriptedServer:
    """Takes one request after another, on any number of connections, and notes them."""

    def __init__(self, *script: Reply) -> None:
        self.requests: list[tuple[str, str, bytes]] = []
        self.clients: list[int] = []
        """Port of the client of each request: the same one means a kept connection."""
        self._script = deque(script)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    @contextmanager
    def running(self) -> Generator["ScriptedServer"]:
        """Answer while the block runs."""
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield self
        finally:
            self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, address = self._socket.accept()
                threading.Thread(target=self._talk, args=(client, address[1]), daemon=True).start()

    def _talk(self, client: socket.socket, port: int) -> None:
        with client, client.makefile("rb") as lines, suppress(OSError):
            while first := lines.readline():
                method, path, _ = first.decode().split(" ")
                length = 0
                while (line := lines.readline().strip()) != b"":
                    name, _, value = line.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                self.requests.append((method, path, lines.read(length)))
                self.clients.append(port)
                reply = self._script.popleft() if self._script else Reply()
                time.sleep(reply.delay_s)
                if reply.status:
                    client.sendall(_bytes_of(reply))
                if reply.hangs_up:
                    # A reset, not a polite end: what a killed process or a lost line looks like.
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    client.shutdown(socket.SHUT_RDWR)
                    return


def _bytes_of(reply: Reply) -> bytes:
    length = len(reply.body) if reply.length is None else reply.length
    lines = [f"HTTP/1.1 {reply.status} Whatever", f"Content-Length: {length}", *reply.headers]
    return "\r\n".join([*lines, "", ""]).encode() + reply.body
