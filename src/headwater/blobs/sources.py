"""Files and folders of the user's, read for storing."""

import os
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from headwater.blobs.digests import CHUNK_BYTES, hash_chunks
from headwater.blobs.manifests import check_path, encode_manifest, manifest_digest
from headwater.errors import InvalidError, NotFoundError
from headwater.model.blobs import Blob, ManifestEntry


@dataclass(frozen=True, slots=True)
class FolderFile:
    """A file below a folder: its place in the manifest and where its bytes are."""

    path: str
    source: Path


def file_chunks(path: Path) -> Iterator[bytes]:
    """Yield a regular file's bytes in pieces.

    Raises:
        NotFoundError: there is no such file.
        InvalidError: it is a folder or a device, or cannot be read.
    """
    with _reading(path):
        # Before opening: opening a named pipe would wait for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            raise InvalidError(f"{path} is not a file")
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk


def file_blob(path: Path) -> Blob:
    """Return what storing a file would give, without storing it.

    Raises:
        NotFoundError, InvalidError: as in `file_chunks`.
    """
    hasher = hash_chunks(file_chunks(path))
    return Blob(digest=hasher.digest(), size_bytes=hasher.size_bytes)


def folder_blob(path: Path) -> Blob:
    """Return what storing a folder would give, without storing it.

    Raises:
        NotFoundError, InvalidError: as in `list_folder` and `file_chunks`.
    """
    files = [(file.path, file_blob(file.source)) for file in list_folder(path)]
    entries = [ManifestEntry(path=p, digest=b.digest, size_bytes=b.size_bytes) for p, b in files]
    return Blob(
        digest=manifest_digest(encode_manifest(entries)), size_bytes=sum(e.size_bytes for e in entries)
    )


def list_folder(folder: Path) -> list[FolderFile]:
    """List all files below a folder, in no order; folders that hold no file leave no trace.

    Symbolic links are followed while they stay inside the folder.

    Raises:
        NotFoundError: there is no such folder.
        InvalidError: it is not a folder; a link leaves it, is broken or goes round in a circle; or it
            holds something that is no file, or a name that not every system can write.
    """
    with _reading(folder):
        root = folder.resolve(strict=True)
        if not root.is_dir():
            raise InvalidError(f"{folder} is not a folder")
        return list(_walk(root, root, (root,), ""))


def _walk(root: Path, folder: Path, above: tuple[Path, ...], prefix: str) -> Iterator[FolderFile]:
    """Yield the files of `folder`; `above` are the real paths from the root down to it."""
    with os.scandir(folder) as items:
        for item in items:
            path = check_path(prefix + item.name, error=InvalidError)
            real = _real_path(root, Path(item.path)) if item.is_symlink() else Path(item.path)
            if real.is_dir():
                if real in above:
                    raise InvalidError(f"{item.path} links to a folder that it is in")
                yield from _walk(root, real, (*above, real), path + "/")
            elif real.is_file():
                yield FolderFile(path, real)
            else:
                raise InvalidError(f"{item.path} is neither a file nor a folder")


def _real_path(root: Path, link: Path) -> Path:
    try:
        real = link.resolve(strict=True)
    except (FileNotFoundError, RuntimeError) as exc:
        raise InvalidError(f"{link} is a broken link") from exc
    if not real.is_relative_to(root):
        raise InvalidError(
            f"{link} links to {real}, outside the folder: copy the file in, or remove the link"
        )
    return real


@contextmanager
def _reading(path: Path) -> Generator[None]:
    try:
        yield
    except FileNotFoundError as exc:
        raise NotFoundError("file or folder", str(path)) from exc
    except (PermissionError, NotADirectoryError, IsADirectoryError) as exc:
        raise InvalidError(f"cannot read {path}: {exc.strerror}") from exc
