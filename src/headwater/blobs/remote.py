"""Blobs in memory, in an object store, or in any other file system that fsspec reaches."""

import io
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import BinaryIO, Final, cast

from headwater.blobs.digests import Hasher, copy_chunks, key_of
from headwater.blobs.drivers import FileSystem, driver_errors, protocols_of
from headwater.model.blobs import FILE_SCHEME, FOLDER_SCHEME

_OBJECT_STORES: Final = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oci", "oss", "r2"})
"""An object is there when its upload has ended, and not before."""


class RemotePlace:
    """A prefix in an object store or a folder on another machine."""

    workers = 8

    def __init__(self, files: FileSystem, root: str, url: str) -> None:
        self._files = files
        self._root = root.rstrip("/")
        self._is_atomic = not _OBJECT_STORES.isdisjoint(protocols_of(files))
        self.url = url
        self.errors = driver_errors()

    def size(self, key: str, /) -> int | None:
        """Return the size in bytes, or None when nothing is there."""
        try:
            info = self._files.info(self._path(key))
        except FileNotFoundError:
            return None
        return int(info["size"]) if info["type"] == "file" else None

    def open(self, key: str, /) -> BinaryIO:
        """Open for reading."""
        return self._files.open(self._path(key), "rb")

    def read(self, key: str, /) -> bytes:
        """Return all bytes."""
        return self._files.cat_file(self._path(key))

    def write(self, key: str, data: bytes, /) -> None:
        """Put bytes under a key."""
        if self._is_atomic:
            self._files.pipe_file(self._path(key), data)
        else:
            self._files.pipe_file(private := self._private_path(), data)
            self._move(private, key)

    def write_chunks(self, chunks: Iterable[bytes], /) -> Hasher:
        """Copy pieces to a file of our own, then upload that under the key of what was copied.

        The copy is why a file that changes while it is read is never stored under a digest that it lacks.
        """
        with tempfile.NamedTemporaryFile() as copy:
            hasher = copy_chunks(chunks, cast(BinaryIO, copy))
            copy.flush()
            self._upload(copy.name, key_of(hasher.digest()))
        return hasher

    def delete(self, key: str, /) -> None:
        """Remove a key, if it is there."""
        with suppress(FileNotFoundError):
            self._files.rm_file(self._path(key))

    def keys(self) -> Iterator[str]:
        """Yield all keys, and perhaps other files' paths."""
        for scheme in (FILE_SCHEME, FOLDER_SCHEME):
            for path in self._files.find(self._path(scheme)):
                yield path.removeprefix(self._root).lstrip("/")

    def _upload(self, local: str, key: str) -> None:
        if self._is_atomic:
            self._files.put_file(local, self._path(key))
        else:
            self._files.put_file(local, private := self._private_path())
            self._move(private, key)

    def _private_path(self) -> str:
        self._files.makedirs(self._path("tmp"), exist_ok=True)
        return self._path(f"tmp/{uuid.uuid4().hex}")

    def _move(self, private: str, key: str) -> None:
        self._files.makedirs(self._path(key.rpartition("/")[0]), exist_ok=True)
        self._files.mv(private, self._path(key))

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"


class MemoryPlace(RemotePlace):
    """A prefix in fsspec's memory: one dictionary, each change of which no thread can see half of."""

    workers = 1

    def size(self, key: str, /) -> int | None:
        """Return the size in bytes, or None when nothing is there."""
        try:  # `info` would look at every other file
            return self._files.open(self._path(key), "rb").size
        except FileNotFoundError:
            return None

    def open(self, key: str, /) -> BinaryIO:
        """Open for reading: a copy, because fsspec hands every reader the same file with one position."""
        return io.BytesIO(self.read(key))

    def write(self, key: str, data: bytes, /) -> None:
        """Put bytes under a key."""
        self._files.pipe_file(self._path(key), data)

    def write_chunks(self, chunks: Iterable[bytes], /) -> Hasher:
        """Put pieces under the key of what they are."""
        hasher = copy_chunks(chunks, copy := io.BytesIO())
        self.write(key_of(hasher.digest()), copy.getvalue())
        return hasher
