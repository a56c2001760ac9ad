"""Blobs in memory, in an object store, or in any other file system that fsspec reaches."""

import io
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final, cast

from headwater.blobs.digests import Hasher, copy_chunks, key_of
from headwater.blobs.drivers import FileSystem, driver_errors, protocols_of
from headwater.model.blobs import FILE_SCHEME, FOLDER_SCHEME
from headwater.model.times import now_ms

_OBJECT_STORES: Final = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oci", "oss", "r2"})
"""An object is there when its upload has ended, and not before."""


REFRESH_AFTER_S: Final = 12 * 3600
"""Bytes that are put again are written again when they are older: less than the grace of a removal."""


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

    def refresh(self, key: str, /) -> bool:
        """Tell whether a key is new enough; an object's time changes only when it is written again."""
        modified_ms = self._modified_ms(key)
        return modified_ms is not None and time.time() * 1000 - modified_ms < REFRESH_AFTER_S * 1000

    def stored(self) -> Iterator[tuple[str, int, int]]:
        """Yield (key, size in bytes, time in milliseconds)."""
        for scheme in (FILE_SCHEME, FOLDER_SCHEME):
            for path, info in self._files.find(self._path(scheme), detail=True).items():
                key = path.removeprefix(self._root).lstrip("/")
                yield key, int(info["size"]), _time_of(info)

    def delete_unless_newer(self, key: str, than_ms: int, /) -> bool:
        """Remove a key unless it was written after a moment.

        Between the look and the removal lies one request: object stores cannot do both at once.
        """
        modified_ms = self._modified_ms(key)
        if modified_ms is None or modified_ms > than_ms:
            return False
        self.delete(key)
        return True

    def _modified_ms(self, key: str) -> int | None:
        try:
            return _time_of(self._files.info(self._path(key)))
        except FileNotFoundError:
            return None

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


def _time_of(info: Mapping[str, Any]) -> int:
    """Return the time of a file or object; drivers call and write it differently."""
    for name in ("LastModified", "last_modified", "mtime", "created", "updated", "modified"):
        match info.get(name):
            case datetime() as moment:
                return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
            case int() | float() as seconds:
                return int(seconds * 1000)
            case str() as text:
                return int(datetime.fromisoformat(text).timestamp() * 1000)
            case _:
                continue
    # Unknown counts as new: what is new is never removed.
    return now_ms()


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
