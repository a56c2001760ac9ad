"""What a blob store does."""

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Protocol

from headwater.model.blobs import Blob, ManifestEntry


class BlobStore(Protocol):
    """Content-addressed bytes. What is under a digest never changes."""

    url: str

    def put_bytes(self, data: bytes, /) -> Blob:
        """Store bytes; the same bytes are stored once."""
        ...

    def put_file(self, path: Path, /) -> Blob:
        """Store a file, read in pieces.

        Raises:
            NotFoundError: there is no such file.
        """
        ...

    def put_folder(self, path: Path, /) -> Blob:
        """Store all files below a folder and a manifest of them."""
        ...

    def manifest(self, digest: str, /) -> list[ManifestEntry]:
        """Return the files of a folder, by path; of a file, one entry with an empty path."""
        ...

    def open(self, digest: str, /) -> BinaryIO:
        """Open a file's bytes for reading, without verifying them."""
        ...

    def read(self, digest: str, /) -> bytes:
        """Return a file's bytes, verified.

        Raises:
            NotFoundError: nothing is stored under the digest.
            CorruptError: the bytes do not match it.
        """
        ...

    def fetch(self, digest: str, target: Path, /) -> Path:
        """Write a file or folder to `target`, verified; all of it or nothing.

        Raises:
            NotFoundError, CorruptError: as in `read`.
        """
        ...

    def verify(self, digest: str, /) -> None:
        """Read everything under a digest and compare.

        Raises:
            NotFoundError, CorruptError: as in `read`.
        """
        ...

    def has(self, digest: str, /) -> bool:
        """Tell whether the bytes are there (all files of a folder)."""
        ...

    def digests(self) -> Iterable[str]:
        """Yield every digest that is stored, in no order."""
        ...

    def delete(self, digest: str, /) -> None:
        """Remove what is stored under one digest; nothing happens when it is not there."""
        ...
