"""Files that MLflow keeps, copied into the blob store: from a disk, or as a source hands them out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from headwater.compat.mlflow.files import Owner
from headwater.model.blobs import Blob
from headwater.model.protocols import BlobStore


class FileTree(Protocol):
    """The files below a place."""

    def names(self) -> Iterator[str]:
        """Yield the paths of all files, relative to the place."""
        ...

    def store(self, name: str, blobs: BlobStore, /) -> Blob:
        """Put the bytes of a file into a blob store."""
        ...


class Files(Protocol):
    """Where the files of a source can be had."""

    def tree(self, uri: str | None, /) -> FileTree | None:
        """Return the files below a URI; None where they are out of reach, or there are none."""
        ...

    def is_elsewhere(self, uri: str, /) -> bool:
        """Tell whether a URI without a tree may have files somewhere else."""
        ...


class DiskTree:
    """The files below a folder; links are left out."""

    def __init__(self, root: Path) -> None:
        """Take the folder."""
        self._root = root

    def names(self) -> Iterator[str]:
        """Yield the paths of all files, relative to the folder."""
        return (name for name, _ in files_below(self._root))

    def store(self, name: str, blobs: BlobStore, /) -> Blob:
        """Put the bytes of a file into a blob store."""
        return blobs.put_file(self._root / name)


class DiskFiles:
    """Files on a disk of this machine."""

    def tree(self, uri: str | None, /) -> FileTree | None:
        """Return the files below a folder of this machine."""
        root = local_root(uri)
        return None if root is None else DiskTree(root)

    def is_elsewhere(self, uri: str, /) -> bool:
        """Tell whether a URI is another machine's."""
        return not uri.startswith(("/", "file:"))


def local_root(uri: str | None) -> Path | None:
    """Return the folder that a URI names, if it is one of this machine's."""
    if not uri:
        return None
    parts = urlsplit(uri)
    if parts.scheme not in {"", "file"} or parts.netloc not in {"", "localhost"}:
        return None
    path = Path(unquote(parts.path))
    return path if path.is_dir() else None


def in_place(folder: Path, uri: str | None) -> str | None:
    """Return the URI of a folder beside the records, if files lie there; otherwise the one that was recorded.

    What is recorded is where files were when they were written: a folder may have been moved since.
    """
    has_files = folder.is_dir() and any(folder.iterdir())
    return folder.resolve().as_uri() if has_files else uri


def files_below(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files below a folder with their relative paths; links are left out."""
    # A link may lead to any file of this machine.
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.resolve().is_relative_to(root.resolve()):
            yield path.relative_to(root).as_posix(), path


def copy_files(tree: FileTree, owner: Owner, blobs: BlobStore) -> int:
    """Copy the files of a tree that an owner does not have yet; return how many the tree has."""
    stored = owner.files()
    count = 0
    for name in tree.names():
        count += 1
        if name not in stored:
            owner.put(name, tree.store(name, blobs))
    return count
