"""Blobs that a Headwater server keeps."""

import io
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, BinaryIO, Final, cast
from urllib.parse import quote

import msgspec

from headwater.blobs.digests import Hasher, copy_chunks, digest_at, key_of
from headwater.errors import InvalidError, RefusedError, UnavailableError
from headwater.transport.address import Address
from headwater.transport.connection import Answer, Connection

_BLOBS: Final = "/api/v1/blobs"
_UPLOADS: Final = "/api/v1/uploads"
_PART_BYTES: Final = 8 * 2**20
"""Larger files go up in parts of this size, so that a break costs one part."""
_RESUMES: Final = 5
"""How often in a row a broken transfer is taken up again without a byte getting through."""
_PAUSE_S: Final = 0.1
"""How long the first wait is before a broken upload goes on; each further one is longer by this."""


class HttpPlace:
    """The blob store behind a server's address."""

    errors: tuple[type[Exception], ...] = (OSError,)
    workers = 8

    def __init__(self, url: str, environment: Mapping[str, str] = os.environ) -> None:
        address = Address.of(url, environment)
        self.url = address.url
        self._connection = Connection(address)

    def size(self, key: str, /) -> int | None:
        """Return the size in bytes, or None when nothing is there."""
        answer = self._connection.ask("HEAD", _path(key), is_repeatable=True)
        if answer.status == 404:
            return None
        return int(self._checked(answer, key).headers["content-length"])

    def open(self, key: str, /) -> BinaryIO:
        """Open for reading."""
        return io.BufferedReader(cast(io.RawIOBase, _Download(self, key)), _PART_BYTES)  # pyright: ignore[reportReturnType]

    def read(self, key: str, /) -> bytes:
        """Return all bytes."""
        return self._checked(self._connection.ask("GET", _path(key), is_repeatable=True), key).body

    def pieces(self, key: str, start: int) -> Iterator[bytes]:
        """Yield the bytes from a position on; a break raises, and the next call goes on from there."""
        headers = {"Range": f"bytes={start}-"} if start else None
        with self._connection.stream("GET", _path(key), headers=headers) as (answer, pieces):
            if answer.status == 416:
                return
            self._checked(answer, key)
            yield from pieces

    def write(self, key: str, data: bytes, /) -> None:
        """Put bytes under a key."""
        self._checked(self._connection.ask("PUT", _path(key), body=data, is_repeatable=True), key)

    def write_chunks(self, chunks: Iterable[bytes], /) -> Hasher:
        """Copy pieces to a file of our own, then send that under the key of what was copied."""
        with tempfile.TemporaryFile() as copy:
            hasher = copy_chunks(chunks, cast(BinaryIO, copy))
            copy.seek(0)
            key = key_of(hasher.digest())
            if hasher.size_bytes <= _PART_BYTES:
                self.write(key, copy.read())
            else:
                self._upload(key, cast(BinaryIO, copy), hasher.size_bytes)
        return hasher

    def refresh(self, key: str, /) -> bool:
        """Make a key as new as if it were written now, if that is cheap or due; False: write it again."""
        answer = self._connection.ask("POST", f"{_path(key)}/touch", is_repeatable=True)
        return bool(_json(self._checked(answer, key))["is_there"])

    def stored(self) -> Iterator[tuple[str, int, int]]:
        """Yield (key, size in bytes, time in milliseconds)."""
        with self._connection.stream("GET", _BLOBS) as (answer, pieces):
            self._checked(answer, "")
            waiting = b""
            for piece in pieces:
                *lines, waiting = (waiting + piece).split(b"\n")
                for line in lines:
                    each = msgspec.json.decode(line)
                    yield key_of(each["digest"]), each["size_bytes"], each["modified_ms"]

    def delete_unless_newer(self, key: str, than_ms: int, /) -> bool:
        """Remove a key unless it was written or refreshed after a moment; tell whether it was removed."""
        answer = self._connection.ask("DELETE", f"{_path(key)}?unless_newer_than={than_ms}")
        return bool(_json(self._checked(answer, key))["removed"])

    def delete(self, key: str, /) -> None:
        """Remove a key, if it is there."""
        self._checked(self._connection.ask("DELETE", _path(key), is_repeatable=True), key)

    def keys(self) -> Iterator[str]:
        """Yield all keys."""
        return (key for key, _, _ in self.stored())

    def _upload(self, key: str, file: BinaryIO, size_bytes: int) -> None:
        """Send a file in parts; after a break the server says how far it has come."""
        upload = _json(self._checked(self._connection.ask("POST", _UPLOADS, is_repeatable=True), key))["id"]
        path, offset, tries = f"{_UPLOADS}/{upload}", 0, 0
        while offset < size_bytes:
            file.seek(offset)
            try:
                offset, tries = self._sent_part(path, key, offset, file.read(_PART_BYTES)), 0
            except UnavailableError:
                tries += 1
                if tries > _RESUMES:
                    raise
                time.sleep(_PAUSE_S * tries)
                asked = self._checked(self._connection.ask("GET", path, is_repeatable=True), key)
                offset = int(_json(asked)["size_bytes"])
        done = self._connection.ask("PUT", f"{_path(key)}?upload={upload}", is_repeatable=True)
        self._checked(done, key)

    def _sent_part(self, path: str, key: str, offset: int, part: bytes) -> int:
        """Send a part, and return how far the upload has come then."""
        sent = self._connection.ask("PATCH", path, body=part, headers={"Upload-Offset": str(offset)})
        if sent.status == 409:
            # What arrived before a break was still being written when it was asked for.
            raise UnavailableError(f"{self.url}: {_message(sent)}")
        return int(_json(self._checked(sent, key))["size_bytes"])

    def _checked(self, answer: Answer, key: str) -> Answer:
        """Return an answer that is none of an error; turn the others into what reading a place raises."""
        if answer.status < 400:
            return answer
        message = _message(answer)
        if answer.status == 404 and key:
            raise FileNotFoundError(key)
        if answer.status in {400, 409, 413}:
            raise InvalidError(message)
        if answer.status in {401, 403}:
            raise RefusedError(message)
        raise UnavailableError(f"{self.url}: {message}")


class _Download(io.RawIOBase):
    """A file that is read from a server; where it breaks off, it is asked for again from there on."""

    def __init__(self, place: HttpPlace, key: str) -> None:
        self._place, self._key, self._position = place, key, 0
        self._tries = 0
        self._pieces: Iterator[bytes] | None = None
        self._waiting = b""
        # So that what is not there is noticed now, not at the first read.
        self._fill()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if not self._waiting:
            self._fill()
        taken, self._waiting = self._waiting[: len(buffer)], self._waiting[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)

    def _fill(self) -> None:
        while True:
            try:
                if self._pieces is None:
                    self._pieces = self._place.pieces(self._key, self._position)
                self._waiting = next(self._pieces, b"")
            except UnavailableError:
                self._pieces = None
                self._tries += 1
                if self._tries > _RESUMES:
                    raise
                continue
            self._tries = 0
            self._position += len(self._waiting)
            return

    def close(self) -> None:
        with ExitStack() as stack:
            stack.callback(super().close)
            if self._pieces is not None:
                self._pieces.close()  # type: ignore[attr-defined]  # it is a generator
                self._pieces = None


def _path(key: str) -> str:
    digest = digest_at(key)
    if digest is None:
        raise InvalidError(f"{key!r} is no key of a blob")
    return f"{_BLOBS}/{quote(digest, safe=':')}"


def _json(answer: Answer) -> Any:
    return msgspec.json.decode(answer.body)


def _message(answer: Answer) -> str:
    try:
        return str(_json(answer)["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"the server answered {answer.status}"
