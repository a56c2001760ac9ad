"""What a blob store does."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from headwater.model.blobs import Blob, ManifestEntry, StoredBlob


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

    def put_manifest(self, entries: Sequence[ManifestEntry], /) -> Blob:
        """Store the manifest of a folder; its files are stored, or will be.

        Raises:
            InvalidError: a path stands twice, or is no plain relative path.
        """
        ...

    def touch(self, digest: str, /) -> bool:
        """Make stored bytes as new as if they were put now, so that nobody removes them as unused.

        Returns:
            False when they are not there, or have to be put again to be new.
        """
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

    def take(self, digest: str, source: "BlobStore", /) -> None:
        """Store what another blob store has under a digest, verified; of a folder only the manifest.

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

    def stored(self) -> Iterable[StoredBlob]:
        """Yield everything that is stored, with size and age, in no order."""
        ...

    def delete_unless_newer(self, digest: str, than_ms: int, /) -> bool:
        """Remove what is stored under one digest, unless it was put after a moment.

        Whoever puts the same bytes at this very moment either makes them newer before they are
        removed, or finds them gone and writes them again.

        Returns:
            Whether it was removed.
        """
        ...

    def delete(self, digest: str, /) -> None:
        """Remove what is stored under one digest; nothing happens when it is not there."""
        ...
