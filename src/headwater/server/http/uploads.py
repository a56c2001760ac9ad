"""Uploads: files that grow until they are whole, and then become blobs."""

import re
import secrets
import time
from collections.abc import AsyncIterator
from io import FileIO
from os import fstat
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool

from headwater.blobs import file_blob
from headwater.blobs.manifests import decode_manifest, manifest_digest
from headwater.errors import ConflictError, CorruptError, InvalidError, NotFoundError
from headwater.model.blobs import FOLDER_SCHEME, Blob
from headwater.model.protocols import BlobStore
from headwater.tracking.journal_lock import lock_open

_ID: Final = re.compile(r"[0-9a-f]{32}")
_STALE_S: Final = 24 * 3600
"""An upload that nobody has added to for so long is given up."""
_MAX_MANIFEST_BYTES: Final = 64 * 2**20


class Uploads:
    """A folder of unfinished files. The processes of one machine may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def start(self) -> str:
        """Begin an empty upload and return its id."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sweep()
        upload = secrets.token_hex(16)
        (self._folder / upload).touch(mode=0o600, exist_ok=False)
        return upload

    def path(self, upload: str) -> Path:
        """Return the file of an upload.

        Raises:
            NotFoundError: there is none, or it was given up.
        """
        path = self._folder / upload
        if not _ID.fullmatch(upload) or not path.is_file():
            raise NotFoundError("upload", upload, gone="it was finished or given up; start it again")
        return path

    def size_bytes(self, upload: str) -> int:
        """Return how far an upload has come."""
        return self.path(upload).stat().st_size

    async def add(self, upload: str, offset: str | None, pieces: AsyncIterator[bytes]) -> int:
        """Add bytes at the end of an upload; returns its size then.

        Raises:
            ConflictError: the upload does not end at `offset`, or somebody adds to it at this moment.
        """
        with self.path(upload).open("ab", buffering=0) as file:
            # One at a time: what came before a break may still be on its way to the disk.
            if not lock_open(file.fileno()):
                raise ConflictError("another request adds to this upload: ask how far it has come, and go on")
            size_bytes = fstat(file.fileno()).st_size
            if offset != str(size_bytes):
                raise ConflictError(f"the upload has {size_bytes} bytes: send Upload-Offset: {size_bytes}")
            await _write(file, pieces)
            return fstat(file.fileno()).st_size

    async def spool(self, pieces: AsyncIterator[bytes]) -> Path:
        """Write the whole of a body to a new upload's file."""
        path = self.path(self.start())
        try:
            with path.open("ab", buffering=0) as file:
                await _write(file, pieces)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    def drop(self, upload: str) -> bool:
        """Give up an upload; tell whether there was one."""
        if not _ID.fullmatch(upload):
            return False
        path = self._folder / upload
        was_there = path.exists()
        path.unlink(missing_ok=True)
        return was_there

    def _sweep(self) -> None:
        for path in self._folder.iterdir():
            try:
                if time.time() - path.stat().st_mtime > _STALE_S:
                    path.unlink(missing_ok=True)
            except FileNotFoundError:  # another process was quicker
                continue


async def _write(file: FileIO, pieces: AsyncIterator[bytes]) -> None:
    # One write after another, each to its end: what is in the file is always a beginning of the body.
    async for piece in pieces:
        await run_in_threadpool(file.write, piece)


def keep_verified(blobs: BlobStore, digest: str, path: Path) -> Blob:
    """Store a spooled file under the digest that it must have, and remove the file.

    Raises:
        InvalidError: the bytes have another digest, or are no manifest where one is to be.
    """
    try:
        if digest.startswith(f"{FOLDER_SCHEME}:"):
            return _keep_manifest(blobs, digest, path)
        _check_digest(digest, file_blob(path).digest)
        return blobs.put_file(path)
    finally:
        path.unlink(missing_ok=True)


def _keep_manifest(blobs: BlobStore, digest: str, path: Path) -> Blob:
    if path.stat().st_size > _MAX_MANIFEST_BYTES:
        raise InvalidError("a manifest has at most 64 MiB")
    data = path.read_bytes()
    _check_digest(digest, manifest_digest(data))
    try:
        entries = decode_manifest(data)
    except CorruptError as error:
        raise InvalidError(f"the body is no manifest of a folder: {error}") from error
    return blobs.put_manifest(entries)


def _check_digest(expected: str, found: str) -> None:
    if found != expected:
        raise InvalidError(f"the bytes that came have the digest {found}, not {expected}: send them again")
