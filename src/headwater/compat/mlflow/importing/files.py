"""Files that MLflow keeps on a disk of this machine, copied into the blob store."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from headwater.compat.mlflow.files import Owner
from headwater.model.blobs import Blob
from headwater.model.protocols import BlobStore


def local_root(uri: str | None) -> Path | None:
    """Return the folder that a URI names, if it is one of this machine's."""
    if not uri:
        return None
    parts = urlsplit(uri)
    if parts.scheme not in {"", "file"} or parts.netloc not in {"", "localhost"}:
        return None
    path = Path(unquote(parts.path))
    return path if path.is_dir() else None


def files_below(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files below a folder with their relative paths; links are left out."""
    # A link may lead to any file of this machine.
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.resolve().is_relative_to(root.resolve()):
            yield path.relative_to(root).as_posix(), path


def copy_files(root: Path, owner: Owner, blobs: BlobStore) -> int:
    """Copy the files below a folder that an owner does not have yet; return how many it has then."""
    stored = owner.files()
    count = 0
    for name, path in files_below(root):
        count += 1
        if name not in stored:
            blob: Blob = blobs.put_file(path)
            owner.put(name, blob)
    return count
