"""Where answers about lineage come from."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from headwater.errors import CorruptError, NotFoundError
from headwater.model.protocols import BlobStore, Store


@dataclass(frozen=True, slots=True)
class Sources:
    """Where histories are read from.

    Attributes:
        store: The metadata store.
        blobs: Opens the blob store, which only some questions need.
        folder: A folder in the repository at hand, for what only git can tell.
    """

    store: Store
    blobs: Callable[[], BlobStore]
    folder: Path

    def read(self, digest: object) -> bytes | None:
        """Return stored bytes; None where there are none."""
        if not isinstance(digest, str):
            return None
        try:
            return self.blobs().read(digest)
        except (NotFoundError, CorruptError):
            return None
