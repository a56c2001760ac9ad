"""Which bytes of the blob store are used, down to the files of folders."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headwater.errors import CorruptError, NotFoundError
from headwater.model.blobs import FOLDER_SCHEME, ManifestEntry, StoredBlob
from headwater.model.protocols import BlobStore


@dataclass(frozen=True, slots=True)
class Used:
    """Digests that are used, and folders whose manifest cannot be read."""

    digests: frozenset[str]
    unreadable: tuple[str, ...]


def is_folder(digest: str) -> bool:
    """Tell whether a digest is that of a folder's manifest."""
    return digest.startswith(FOLDER_SCHEME + ":")


def with_parts(blobs: BlobStore, named: Iterable[str], stored: Mapping[str, StoredBlob]) -> Used:
    """Add the files of all named folders that are stored."""
    digests = set(named)
    unreadable: list[str] = []
    for folder in sorted(d for d in digests if is_folder(d) and d in stored):
        try:
            digests |= {entry.digest for entry in entries_of(blobs, folder)}
        except (CorruptError, NotFoundError):
            unreadable.append(folder)
    return Used(frozenset(digests), tuple(unreadable))


def entries_of(blobs: BlobStore, folder: str) -> list[ManifestEntry]:
    """Return the files of a folder.

    Raises:
        NotFoundError, CorruptError: its manifest is gone or altered.
    """
    return blobs.manifest(folder)
