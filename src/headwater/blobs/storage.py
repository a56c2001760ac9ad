"""The content-addressed store over any file system."""

import shutil
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from headwater.blobs.digests import bytes_digest, copy_chunks, digest_at, hash_chunks, key_of, read_chunks
from headwater.blobs.local import sync_file
from headwater.blobs.manifests import (
    check_path,
    check_tree,
    decode_manifest,
    encode_manifest,
    manifest_digest,
)
from headwater.blobs.places import Place
from headwater.blobs.sources import FolderFile, file_blob, file_chunks, list_folder
from headwater.errors import (
    ConflictError,
    CorruptError,
    HeadwaterError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)
from headwater.model.blobs import FILE_SCHEME, Blob, ManifestEntry, StoredBlob
from headwater.model.protocols import BlobStore

T = TypeVar("T")
R = TypeVar("R")

QUICK_S: Final = 1.0
"""In so short a time nothing that was put gets old enough to be taken for unused."""


class FsspecBlobs:
    """Content-addressed bytes over fsspec; implements `headwater.model.protocols.BlobStore`.

    A file lies under `blake3/ab/cd/HEX`, a folder's manifest under
    `blake3-tree/ab/cd/HEX`. A key shows whole bytes or nothing: writers work
    under private names. Any number of threads and processes may use one root.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self.url = place.url

    def __repr__(self) -> str:
        return f"FsspecBlobs({self.url!r})"

    def put_bytes(self, data: bytes, /) -> Blob:
        """Store bytes; the same bytes are stored once."""
        return self._put(bytes_digest(data), data)

    def put_file(self, path: Path, /) -> Blob:
        """Store a file, read in pieces; the same bytes are stored once.

        Raises:
            NotFoundError: there is no such file.
            InvalidError: it is a folder or a device, or cannot be read.
            UnavailableError: the storage is out of reach or full.
        """
        blob = file_blob(path)
        with self._guard():
            if self._is_there(key_of(blob.digest), blob.size_bytes):
                return blob
            # The file may have changed since: what was copied counts.
            stored = self._place.write_chunks(file_chunks(path))
        return Blob(digest=stored.digest(), size_bytes=stored.size_bytes)

    def put_folder(self, path: Path, /) -> Blob:
        """Store all files below a folder, then a manifest of them.

        Links are followed inside the folder. Folders without files,
        permissions and times are not kept. However long it takes, the files
        are there at the end, and as new as if they were put then.

        Raises:
            NotFoundError: there is no such folder.
            InvalidError: a link leaves the folder, or an item cannot be stored; nothing is under the
                folder's digest then.
            UnavailableError: the storage is out of reach or full.
        """
        files = list_folder(path)
        entries, missing = dict[str, ManifestEntry](), files
        while True:
            began_s = time.time()
            entries |= {entry.path: entry for entry in self._each(self._put_entry, missing)}
            blob = self.put_manifest([*entries.values()])
            if time.time() - began_s < QUICK_S:
                return blob
            # What came first may be old by now, and nothing names it yet: it may have been removed as unused.
            are_kept = self._each(self._is_kept, [entries[file.path] for file in files])
            missing = [file for file, is_kept in zip(files, are_kept, strict=True) if not is_kept]
            if not missing:
                return blob

    def put_manifest(self, entries: Sequence[ManifestEntry], /) -> Blob:
        """Store the manifest of a folder; its files are stored, or will be.

        Raises:
            InvalidError: a path stands twice, is a folder of another, or is no plain relative path.
            UnavailableError: the storage is out of reach or full.
        """
        check_tree([check_path(entry.path, error=InvalidError) for entry in entries], error=InvalidError)
        data = encode_manifest(entries)
        digest = self._put(manifest_digest(data), data).digest
        return Blob(digest=digest, size_bytes=sum(e.size_bytes for e in entries))

    def touch(self, digest: str, /) -> bool:
        """Make stored bytes as new as if they were put now, so that nobody removes them as unused.

        Returns:
            False when they are not there, or have to be put again to be new.
        """
        key = key_of(digest)
        with self._guard():
            return self._place.refresh(key)

    def manifest(self, digest: str, /) -> list[ManifestEntry]:
        """Return the files of a folder, by path; of a file, one entry with an empty path.

        Raises:
            NotFoundError: nothing is stored under the digest.
            CorruptError: the manifest does not match it, or names paths outside the folder.
        """
        key = key_of(digest)
        if not _is_file(digest):
            return decode_manifest(self._read(digest))
        with self._guard(digest):
            size_bytes = self._place.size(key)
        if size_bytes is None:
            raise NotFoundError("blob", digest)
        return [ManifestEntry(path="", digest=digest, size_bytes=size_bytes)]

    def open(self, digest: str, /) -> BinaryIO:
        """Open a file's bytes for reading, without verifying them.

        Raises:
            NotFoundError: nothing is stored under the digest.
            InvalidError: it is the digest of a folder.
        """
        key = _file_key(digest)
        with self._guard(digest):
            return self._place.open(key)

    def read(self, digest: str, /) -> bytes:
        """Return a file's bytes, verified.

        Raises:
            NotFoundError: nothing is stored under the digest.
            CorruptError: the bytes do not match it.
            InvalidError: it is the digest of a folder.
        """
        _file_key(digest)
        return self._read(digest)

    def fetch(self, digest: str, target: Path, /) -> Path:
        """Write a file or folder to `target`, verified; all of it or nothing.

        A file that is there already is replaced; a folder must be absent or empty.

        Returns:
            `target`.

        Raises:
            NotFoundError: nothing is stored under the digest.
            CorruptError: the bytes do not match it, or a part of the folder is missing.
            ConflictError: `target` is in the way.
            UnavailableError: the storage is out of reach, or `target` cannot be written.
        """
        entries = self.manifest(digest)
        _check_target(target, is_file=_is_file(digest))
        private = target.with_name(f".headwater-{uuid.uuid4().hex}.tmp")
        with _writing(target, private):
            target.parent.mkdir(parents=True, exist_ok=True)
            if _is_file(digest):
                self._fetch_file(digest, private)
            else:
                self._fetch_folder(entries, private)
            private.replace(target)
        return target

    def take(self, digest: str, source: BlobStore, /) -> None:
        """Store what another blob store has under a digest, verified; of a folder only the manifest.

        Raises:
            NotFoundError: the other has nothing under the digest.
            CorruptError: its bytes do not match it.
            UnavailableError: one of the two is out of reach.
        """
        if not _is_file(digest):
            # Written again as it was: a manifest has one way to be written.
            _expect(digest, self.put_manifest(source.manifest(digest)).digest)
            return
        with source.open(digest) as file, self._guard():
            _expect(digest, self._place.write_chunks(read_chunks(file)).digest())

    def verify(self, digest: str, /) -> None:
        """Read everything under a digest and compare.

        Raises:
            NotFoundError: nothing is stored under the digest.
            CorruptError: bytes do not match, or a part of the folder is missing.
        """
        entries = self.manifest(digest)
        if _is_file(digest):
            _expect(digest, hash_chunks(self._chunks(digest)).digest())
        else:
            self._each(self._verify_part, entries)

    def has(self, digest: str, /) -> bool:
        """Tell whether the bytes are there (all files of a folder, with their sizes).

        Raises:
            CorruptError: the digest is that of a folder whose manifest is damaged.
        """
        try:
            entries = self.manifest(digest)
        except NotFoundError:
            return False
        return _is_file(digest) or all(self._each(self._has_part, entries))

    def digests(self) -> Iterable[str]:
        """Yield every digest that is stored, in no order."""
        with self._guard():
            keys = list(self._place.keys())
        return (digest for key in keys if (digest := digest_at(key)))

    def stored(self) -> Iterable[StoredBlob]:
        """Yield everything that is stored, with size and age, in no order."""
        with self._guard():
            found = list(self._place.stored())
        return (
            StoredBlob(digest=digest, size_bytes=size_bytes, modified_ms=modified_ms)
            for key, size_bytes, modified_ms in found
            if (digest := digest_at(key))
        )

    def delete_unless_newer(self, digest: str, than_ms: int, /) -> bool:
        """Remove what is stored under one digest, unless it was put after a moment.

        Returns:
            Whether it was removed.
        """
        key = key_of(digest)
        with self._guard(digest):
            return self._place.delete_unless_newer(key, than_ms)

    def delete(self, digest: str, /) -> None:
        """Remove what is stored under one digest; nothing happens when it is not there.

        The files of a folder stay: other folders may hold them too.
        """
        key = key_of(digest)
        with self._guard(digest):
            self._place.delete(key)

    def _put(self, digest: str, data: bytes) -> Blob:
        key = key_of(digest)
        with self._guard():
            if not self._is_there(key, len(data)):
                self._place.write(key, data)
        return Blob(digest=digest, size_bytes=len(data))

    def _is_there(self, key: str, size_bytes: int) -> bool:
        # Refreshed, so that whoever removes unused bytes sees that they are about to be used.
        return self._place.size(key) == size_bytes and self._place.refresh(key)

    def _is_kept(self, entry: ManifestEntry) -> bool:
        """Tell whether a file is still there; it is new from now on, where its place can make it so."""
        key = key_of(entry.digest)
        with self._guard():
            return self._place.refresh(key) or self._place.size(key) == entry.size_bytes

    def _put_entry(self, file: FolderFile) -> ManifestEntry:
        blob = self.put_file(file.source)
        return ManifestEntry(path=file.path, digest=blob.digest, size_bytes=blob.size_bytes)

    def _read(self, digest: str) -> bytes:
        with self._guard(digest):
            data = self._place.read(key_of(digest))
        _expect(digest, bytes_digest(data, digest.partition(":")[0]))
        return data

    def _chunks(self, digest: str) -> Iterator[bytes]:
        # A generator, so that the guard sees the storage's errors only, not those of who takes the pieces.
        with self._guard(digest), self._place.open(key_of(digest)) as file:
            yield from read_chunks(file)

    def _fetch_file(self, digest: str, path: Path) -> int:
        with path.open("xb") as file:
            hasher = copy_chunks(self._chunks(digest), file)
            _expect(digest, hasher.digest())
            sync_file(file)
        return hasher.size_bytes

    def _fetch_folder(self, entries: Sequence[ManifestEntry], folder: Path) -> None:
        folder.mkdir()
        for parent in {(folder / e.path).parent for e in entries}:
            parent.mkdir(parents=True, exist_ok=True)

        def fetch_part(entry: ManifestEntry) -> None:
            with _part(entry):
                _expect_size(entry, self._fetch_file(entry.digest, folder / entry.path))

        self._each(fetch_part, entries)

    def _verify_part(self, entry: ManifestEntry) -> None:
        with _part(entry):
            hasher = hash_chunks(self._chunks(entry.digest))
            _expect(entry.digest, hasher.digest())
            _expect_size(entry, hasher.size_bytes)

    def _has_part(self, entry: ManifestEntry) -> bool:
        with self._guard(entry.digest):
            return self._place.size(key_of(entry.digest)) == entry.size_bytes

    def _each(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Do `work` on all items, several at once; the results are index-aligned."""
        workers = min(self._place.workers, len(items))
        if workers <= 1:
            return [work(item) for item in items]
        with ThreadPoolExecutor(workers, thread_name_prefix="headwater-blobs") as pool:
            return list(pool.map(work, items))

    @contextmanager
    def _guard(self, digest: str | None = None) -> Generator[None]:
        """Turn the driver's errors into ours; `digest` is what is asked for, None while storing."""
        try:
            yield
        except HeadwaterError:
            raise
        except self._place.errors as exc:
            if digest and isinstance(exc, FileNotFoundError):
                raise NotFoundError("blob", digest) from exc
            raise UnavailableError(f"blob store {self.url}: {exc}") from exc


def _is_file(digest: str) -> bool:
    return digest.startswith(FILE_SCHEME + ":")


def _file_key(digest: str) -> str:
    key = key_of(digest)
    if not _is_file(digest):
        raise InvalidError(f"{digest} is a folder: fetch it, or read the files of its manifest")
    return key


def _expect(digest: str, found: str) -> None:
    if found != digest:
        raise CorruptError(f"the bytes stored as {digest} have the digest {found}")


def _expect_size(entry: ManifestEntry, size_bytes: int) -> None:
    if size_bytes != entry.size_bytes:
        raise CorruptError(f"{entry.path!r} has {size_bytes} bytes; its manifest says {entry.size_bytes}")


@contextmanager
def _part(entry: ManifestEntry) -> Generator[None]:
    try:
        yield
    except NotFoundError as exc:
        raise CorruptError(f"{entry.path!r} of a stored folder is missing: {entry.digest}") from exc


def _check_target(target: Path, *, is_file: bool) -> None:
    """Refuse before anything is read what the rename at the end would refuse."""
    if is_file and target.is_dir():
        raise ConflictError(f"{target} is a folder: name the file to write")
    if not is_file and target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise ConflictError(f"{target} exists already: name a new or an empty folder")


@contextmanager
def _writing(target: Path, private: Path) -> Generator[None]:
    """Turn errors of the target's file system into ours, and leave no private file behind."""
    try:
        yield
    except HeadwaterError:
        raise
    except OSError as exc:
        raise UnavailableError(f"cannot write {target}: {exc}") from exc
    finally:
        if private.is_dir():
            shutil.rmtree(private)
        else:
            private.unlink(missing_ok=True)
