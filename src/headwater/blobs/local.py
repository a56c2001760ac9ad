"""Blobs in a folder of this machine."""

import os
import uuid
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from headwater.blobs.digests import Hasher, copy_chunks, key_of, read_chunks
from headwater.model.blobs import FILE_SCHEME, FOLDER_SCHEME

_STALE_S: Final = 24 * 3600
"""A temporary file that nobody has written to for so long was left by a process that died."""

# Stored bytes never change, so nobody may write to them. Windows cannot delete a read-only file.
_MODE: Final = 0o444 if os.name == "posix" else 0o666


class LocalPlace:
    """A folder whose files appear whole or not at all, also across a power cut.

    Bytes go to a private file on the same file system, which is synced and
    then renamed; the folder that gained the name is synced too. A disk may
    take long for that, so the file is made new at the end, or it might look
    unused to whoever removes what is old and named by nothing.
    """

    errors: tuple[type[Exception], ...] = (OSError,)
    workers = 8  # waiting for the disk to sync, not for the processor

    def __init__(self, root: Path) -> None:
        self._root = root
        self._has_swept = False
        self.url = root.as_uri()

    def size(self, key: str, /) -> int | None:
        """Return the size in bytes, or None when nothing is there."""
        try:
            return (self._root / key).stat().st_size
        except FileNotFoundError:
            return None

    def open(self, key: str, /) -> BinaryIO:
        """Open for reading."""
        return (self._root / key).open("rb")

    def read(self, key: str, /) -> bytes:
        """Return all bytes."""
        return (self._root / key).read_bytes()

    def write(self, key: str, data: bytes, /) -> None:
        """Put bytes under a key."""
        with self._private_file() as (path, file):
            file.write(data)
            self._publish(path, file, key)

    def write_chunks(self, chunks: Iterable[bytes], /) -> Hasher:
        """Copy pieces to a private file, then show it under the key of what was copied."""
        with self._private_file() as (path, file):
            hasher = copy_chunks(chunks, file)
            self._publish(path, file, key_of(hasher.digest()))
        return hasher

    def refresh(self, key: str, /) -> bool:
        """Make a key as new as if it were written now."""
        try:
            os.utime(self._root / key)
        except FileNotFoundError:
            return False
        except PermissionError:  # somebody else's file: its time cannot be set, and writing replaces it
            return False
        return True

    def stored(self) -> Iterator[tuple[str, int, int]]:
        """Yield (key, size in bytes, time in milliseconds)."""
        for key in self.keys():
            with suppress(FileNotFoundError):
                found = (self._root / key).stat()
                yield key, found.st_size, found.st_mtime_ns // 1_000_000

    def delete_unless_newer(self, key: str, than_ms: int, /) -> bool:
        """Take a key away, look at its time once more, and put it back if somebody has just refreshed it.

        From the moment that it is away nobody can refresh it any more: they write it anew.
        """
        folder = self._root / "tmp"
        private = folder / uuid.uuid4().hex
        try:
            if (self._root / key).stat().st_mtime_ns // 1_000_000 > than_ms:
                return False
            _make_folder(folder)
            (self._root / key).rename(private)
        except FileNotFoundError:
            return False
        if private.stat().st_mtime_ns // 1_000_000 > than_ms:
            private.replace(self._root / key)
            return False
        private.unlink()
        return True

    def delete(self, key: str, /) -> None:
        """Remove a key, if it is there."""
        (self._root / key).unlink(missing_ok=True)

    def keys(self) -> Iterator[str]:
        """Yield all keys, and perhaps other files' paths."""
        for scheme in (FILE_SCHEME, FOLDER_SCHEME):
            for path in (self._root / scheme).glob("*/*/*"):
                yield path.relative_to(self._root).as_posix()

    @contextmanager
    def _private_file(self) -> Generator[tuple[Path, BinaryIO]]:
        folder = self._root / "tmp"
        _make_folder(folder)
        path = folder / uuid.uuid4().hex
        try:
            with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _MODE), "w+b") as file:
                self._sweep(folder, now_s=path.stat().st_mtime)
                yield path, file
        finally:
            path.unlink(missing_ok=True)

    def _publish(self, path: Path, file: BinaryIO, key: str) -> None:
        sync_file(file)
        target = self._root / key
        _make_folder(target.parent)
        path.replace(target)
        _sync_folder(target.parent)
        if not self.refresh(key) and self.size(key) is None:
            # Taken away already: it is written again from what is still open.
            file.seek(0)
            self.write_chunks(read_chunks(file))

    def _sweep(self, folder: Path, *, now_s: float) -> None:
        """Remove, once, what dead processes left; `now_s` is the file system's own clock."""
        if self._has_swept:
            return
        self._has_swept = True
        for path in folder.iterdir():
            try:
                if now_s - path.stat().st_mtime > _STALE_S:
                    path.unlink(missing_ok=True)
            except FileNotFoundError:  # another process was quicker
                continue


def sync_file(file: BinaryIO) -> None:
    """Wait until a file's bytes are on the disk."""
    file.flush()
    os.fsync(file.fileno())


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, and wait until their names are on the disk."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
