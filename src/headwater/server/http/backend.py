"""What the routes work on."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

from headwater.model.protocols import BlobStore, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A store, its bytes, and where uploads wait until they are whole.

    Attributes:
        is_embedded: The database works in this process: threads that read at once keep each other waiting.
        stopping: Set when the server wants to stop: answers that go on for ever have to end then.
    """

    store: Store
    blobs: BlobStore
    spool: Path
    is_embedded: bool = False
    stopping: threading.Event = field(default_factory=threading.Event)

    def store_at(self, time_ms: int | None) -> Store:
        """Return the store as it is, or as it was at a moment."""
        return self.store if time_ms is None else self.store.at(time_ms)
