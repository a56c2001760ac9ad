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

    def refresh(self, key: str, /) -> bool:
        """Make a key as new as if it were written now, if that is cheap or due; False: write it again."""
        ...

    def stored(self) -> Iterator[tuple[str, int, int]]:
        """Yield (key, size in bytes, time in milliseconds) of all keys, and perhaps of other files."""
        ...

    def delete_unless_newer(self, key: str, than_ms: int, /) -> bool:
        """Remove a key unless it was written or refreshed after a moment; tell whether it was removed."""
        ...

    def delete(self, key: str, /) -> None:
        """Remove a key, if it is there."""
        ...

    def keys(self) -> Iterator[str]:
        """Yield all keys, and perhaps other files' paths."""
        ...
