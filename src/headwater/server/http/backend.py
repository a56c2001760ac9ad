"""What the routes work on."""

from dataclasses import dataclass
from pathlib import Path

from headwater.model.protocols import BlobStore, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A store, its bytes, and where uploads wait until they are whole."""

    store: Store
    blobs: BlobStore
    spool: Path

    def store_at(self, time_ms: int | None) -> Store:
        """Return the store as it is, or as it was at a moment."""
        return self.store if time_ms is None else self.store.at(time_ms)
