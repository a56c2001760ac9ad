"""BLAKE3 digests: how they are computed, written, and turned into the key that bytes lie under."""

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from blake3 import blake3

from headwater.errors import InvalidError
from headwater.model.blobs import FILE_SCHEME, FOLDER_SCHEME

CHUNK_BYTES: Final = 4 * 1024 * 1024
"""Files are read and hashed in pieces of this size."""

_DIGEST = re.compile(rf"({FILE_SCHEME}|{FOLDER_SCHEME}):([0-9a-f]{{64}})")
_KEY = re.compile(rf"({FILE_SCHEME}|{FOLDER_SCHEME})/([0-9a-f]{{2}})/([0-9a-f]{{2}})/(\2\3[0-9a-f]{{60}})")


class Hasher:
    """A BLAKE3 hash of a stream, with a count of its bytes."""

    # One thread: it outruns a disk, and BLAKE3's shared pool of threads hangs for ever in a forked child.
    def __init__(self) -> None:
        self._hash = blake3()
        self.size_bytes = 0

    def update(self, data: bytes) -> None:
        """Take the next bytes."""
        self._hash.update(data)
        self.size_bytes += len(data)

    def digest(self, scheme: str = FILE_SCHEME) -> str:
        """Return `SCHEME:HEX` of all bytes so far."""
        return f"{scheme}:{self._hash.hexdigest()}"


def bytes_digest(data: bytes, scheme: str = FILE_SCHEME) -> str:
    """Return `SCHEME:HEX` of some bytes."""
    return f"{scheme}:{blake3(data).hexdigest()}"


def hash_chunks(chunks: Iterable[bytes]) -> Hasher:
    """Hash pieces in order; ask the result for its digest and size."""
    hasher = Hasher()
    for chunk in chunks:
        hasher.update(chunk)
    return hasher


def copy_chunks(chunks: Iterable[bytes], sink: BinaryIO) -> Hasher:
    """Write pieces to `sink` and hash exactly what was written."""
    hasher = Hasher()
    for chunk in chunks:
        sink.write(chunk)
        hasher.update(chunk)
    return hasher


def read_chunks(file: BinaryIO) -> Iterator[bytes]:
    """Yield a file's bytes in pieces, from where it stands."""
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def key_of(digest: str) -> str:
    """Return the relative path that a digest's bytes lie under: `blake3/ab/cd/HEX`.

    Raises:
        InvalidError: the text is not a digest, so it never becomes a path.
    """
    if not (match := _DIGEST.fullmatch(digest)):
        raise InvalidError(
            f"{digest!r} is not a digest: write {FILE_SCHEME}:HEX or {FOLDER_SCHEME}:HEX, 64 small hex digits"
        )
    scheme, digits = match.groups()
    return f"{scheme}/{digits[:2]}/{digits[2:4]}/{digits}"


def digest_at(key: str) -> str | None:
    """Return the digest whose bytes lie under `key`, or None when it is no such key."""
    match = _KEY.fullmatch(key)
    return f"{match[1]}:{match[4]}" if match else None
