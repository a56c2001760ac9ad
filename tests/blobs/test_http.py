"""Bytes behind a server: breaks, wrong digests, what is still named, and memory."""

import hashlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from headwater.blobs import open_blobs
from headwater.blobs.digests import key_of
from headwater.blobs.http import HttpPlace
from headwater.errors import InvalidError, NotFoundError, UnavailableError
from headwater.model.graph import ArtifactState, NewArtifact, NewType, NodeKind
from headwater.model.times import now_ms
from headwater.model.upkeep import Expiry
from headwater.store import open_store
from headwater.upkeep import collect
from tests.server.http.processes import ServerProcess, server_process

MIB = 2**20
PART_BYTES = 8 * MIB
LARGE_MIB = 200
MOST_MORE_MIB = 64
"""How much more memory a transfer may take at most: parts of 8 MiB, some times over, and never the file."""

CLIENT = """
import resource, sys
from pathlib import Path
from headwater.blobs import open_blobs

def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

url, source, target = sys.argv[1:]
blobs = open_blobs(url)
blobs.read(blobs.put_bytes(b"small").digest)
before = peak_mib()
stored = blobs.put_file(Path(source))
blobs.fetch(stored.digest, Path(target))
print(peak_mib() - before)
"""


class Line:
    """A way to a server that breaks when it is told to."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._breaks: list[int] = []
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def break_after(self, *counts: int) -> None:
        """Let the next connections break, each after so many bytes in one direction."""
        self._breaks = [*counts]

    def close(self) -> None:
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                self.connections += 1
                limit = self._breaks.pop(0) if self._breaks else sys.maxsize
                threading.Thread(target=self._talk, args=(client, limit), daemon=True).start()

    def _talk(self, client: socket.socket, limit: int) -> None:
        with client, socket.create_connection(("127.0.0.1", self._port)) as server:
            back = threading.Thread(target=_pass, args=(server, client, limit), daemon=True)
            back.start()
            _pass(client, server, limit)
            back.join()


def _pass(source: socket.socket, target: socket.socket, limit: int) -> None:
    """Pass bytes on until there are none or the limit is reached, and then cut both ways."""
    with suppress(OSError):
        passed = 0
        while passed < limit and (part := source.recv(min(65_536, limit - passed))):
            target.sendall(part)
            passed += len(part)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Generator[ServerProcess]:
    """A server as a process of its own."""
    folder = tmp_path_factory.mktemp("server")
    with server_process(folder, f"sqlite:///{folder / 'store.db'}") as process:
        yield process


@pytest.fixture
def line(server) -> Generator[Line]:
    """A way to it."""
    opened = Line(int(server.url.rpartition(":")[2]))
    yield opened
    opened.close()


@contextmanager
def counted(folder: Path, mib: int, seed: int) -> Generator[Path]:
    """A file of bytes that no compression shortens."""
    path = folder / f"{seed}.bin"
    block = os.urandom(MIB)
    with path.open("wb") as file:
        for number in range(mib):
            file.write(seed.to_bytes(8, "little") + number.to_bytes(8, "little") + block[16:])
    yield path
    path.unlink()


def sha256(read: Callable[[int], bytes]) -> str:
    digest = hashlib.sha256()
    while piece := read(MIB):
        digest.update(piece)
    return digest.hexdigest()


def test_an_upload_goes_on_after_breaks(line, server, tmp_path):
    blobs = open_blobs(line.url)
    with counted(tmp_path, 20, 1) as path:
        # One that breaks in the first part, one after it, one that gets nothing through.
        line.break_after(3 * MIB, PART_BYTES + MIB, 1)
        stored = blobs.put_file(path)

        assert stored.size_bytes == 20 * MIB
        with open_blobs(server.url).open(stored.digest) as found, path.open("rb") as file:
            assert sha256(found.read) == sha256(file.read)
    assert line.connections > 3


def test_a_download_goes_on_after_breaks(line, server, tmp_path):
    with counted(tmp_path, 20, 2) as path:
        stored = open_blobs(server.url).put_file(path)
        blobs = open_blobs(line.url)
        line.break_after(MIB, 5 * MIB, 1)

        with blobs.open(stored.digest) as found, path.open("rb") as file:
            assert sha256(found.read) == sha256(file.read)
    assert line.connections > 3


def test_a_line_that_lets_nothing_through_is_an_error(line, server, tmp_path):
    stored = open_blobs(server.url).put_bytes(b"some bytes")
    blobs = open_blobs(line.url)
    line.break_after(*[1] * 200)

    with pytest.raises(UnavailableError, match=r"did not answer|fell silent"):
        blobs.read(stored.digest)


def test_other_bytes_than_the_digest_says_are_refused(server):
    blobs = open_blobs(server.url)
    place = HttpPlace(server.url, {})
    digest = blobs.put_bytes(b"right").digest
    blobs.delete(digest)

    with pytest.raises(InvalidError, match="send them again"):
        place.write(key_of(digest), b"wrong")

    assert not blobs.has(digest)
    with pytest.raises(NotFoundError):
        blobs.read(digest)


def test_a_collection_over_http_keeps_what_is_named(server):
    with open_store(server.url) as store:
        blobs = open_blobs(server.url)
        named, unnamed = (blobs.put_bytes(each).digest for each in (b"named", b"unnamed"))
        [kind] = store.types.put([NewType(kind=NodeKind.ARTIFACT, name="T")])
        store.artifacts.add([NewArtifact(type_id=kind, state=ArtifactState.LIVE, digest=named)])
        later_ms = now_ms() + 60_000

        collect(store, blobs, Expiry(nodes_ms=0, keys_ms=0), bytes_before_ms=later_ms)

        assert (blobs.has(named), blobs.has(unnamed)) == (True, False)
        assert blobs.read(named) == b"named"


def test_a_large_file_goes_up_and_down_in_little_memory(server, tmp_path):
    open_blobs(server.url).put_bytes(b"so that everything is loaded")
    before = peak_mib(server.process.pid)
    with counted(tmp_path, LARGE_MIB, 3) as path:
        target = tmp_path / "back.bin"
        words = [sys.executable, "-c", CLIENT, server.url, str(path), str(target)]
        more_mib = int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)

        with target.open("rb") as came_back, path.open("rb") as file:
            assert sha256(came_back.read) == sha256(file.read)
        target.unlink()
    assert more_mib < MOST_MORE_MIB
    assert peak_mib(server.process.pid) - before < MOST_MORE_MIB


def peak_mib(pid: int) -> int:
    """The most memory that a process has had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024
