"""Bytes under their digest: values of the content-addressed store."""

from dataclasses import dataclass
from typing import Final

FILE_SCHEME: Final = "blake3"
FOLDER_SCHEME: Final = "blake3-tree"


def is_digest(text: str) -> bool:
    """Tell whether a text has the form of a digest that the blob store may hold."""
    return text.startswith((f"{FILE_SCHEME}:", f"{FOLDER_SCHEME}:"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A file or folder in the blob store.

    Attributes:
        digest: `blake3:HEX` of a file's bytes, or `blake3-tree:HEX` of a folder's manifest.
        size_bytes: Bytes of the file, or of all files of the folder.
    """

    digest: str
    size_bytes: int

    @property
    def is_folder(self) -> bool:
        """True when the digest is that of a manifest."""
        return self.digest.startswith(FOLDER_SCHEME + ":")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBlob:
    """Bytes as they lie in the blob store: a file, or the manifest of a folder.

    Attributes:
        size_bytes: Bytes of the file, or of the manifest itself.
        modified_ms: When they were written, or put again, last.
    """

    digest: str
    size_bytes: int
    modified_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestEntry:
    """One file of a folder; `path` is relative, with forward slashes."""

    path: str
    digest: str
    size_bytes: int
