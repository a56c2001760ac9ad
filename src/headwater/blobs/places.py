"""Where bytes lie: one small seam, with a local folder behind it, or memory, or an object store."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, Protocol

from headwater.blobs.digests import Hasher


class Place(Protocol):
    """Named bytes. A key names either nothing or whole bytes, whatever stops the writer.

    Reading what is not there raises FileNotFoundError; other trouble raises one of `errors`.
    """

    url: str
    workers: int
    """How many transfers at once are worth while."""
    errors: tuple[type[Exception], ...]
    """What its driver raises."""

    def size(self, key: str, /) -> int | None:
        """Return the size in bytes, or None when nothing is there."""
        ...

    def open(self, key: str, /) -> BinaryIO:
        """Open for reading."""
        ...

    def read(self, key: str, /) -> bytes:
        """Return all bytes."""
        ...

    def write(self, key: str, data: bytes, /) -> None:
        """Put bytes under a key."""
        ...

    def write_chunks(self, chunks: Iterable[bytes], /) -> Hasher:
        """Copy pieces to a private place, then show them under the key of what was copied."""
        ...

    def delete(self, key: str, /) -> None:
        """Remove a key, if it is there."""
        ...

    def keys(self) -> Iterator[str]:
        """Yield all keys, and perhaps other files' paths."""
        ...
