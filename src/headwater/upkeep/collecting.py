"""Garbage collection: what was deleted long ago goes for good, and bytes that nothing names."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from headwater.errors import CorruptError
from headwater.model.blobs import StoredBlob
from headwater.model.protocols import BlobStore, Store
from headwater.model.upkeep import Expiry, Removal
from headwater.upkeep.bytes_in_use import with_parts

BATCH: Final = 500
"""Nodes that are removed in one transaction: others write in between, and Ctrl-C loses one batch at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a collection would remove.

    Attributes:
        nodes: Nodes and idempotency keys.
        unused: Bytes that nothing names now and that are old enough.
        recent: How many more nothing names, but somebody may be about to.
    """

    nodes: Removal
    unused: tuple[StoredBlob, ...] = ()
    recent: int = 0

    @property
    def unused_bytes(self) -> int:
        """Size of the unused bytes."""
        return sum(blob.size_bytes for blob in self.unused)


@dataclass(slots=True, kw_only=True)
class Collected:
    """What a collection has removed so far."""

    nodes: Counter[str] = field(default_factory=Counter[str])
    points: int = 0
    keys: int = 0
    blobs: int = 0
    freed_bytes: int = 0


def plan_collection(
    store: Store, blobs: BlobStore, expiry: Expiry, *, bytes_before_ms: int, also_used: Iterable[str] = ()
) -> Plan:
    """Tell what `collect` would remove now; nothing is changed.

    Bytes that only the nodes to be removed name are not among `unused` yet: they
    are once the nodes are gone.

    Raises:
        CorruptError: as in `collect`.
    """
    unused, recent = _unused(store, blobs, bytes_before_ms, also_used)
    return Plan(nodes=store.upkeep.removable(expiry), unused=tuple(unused), recent=recent)


def collect(
    store: Store,
    blobs: BlobStore,
    expiry: Expiry,
    *,
    bytes_before_ms: int,
    also_used: Callable[[], Iterable[str]] = tuple,
    progress: Callable[[Collected], None] = lambda _: None,
) -> Collected:
    """Remove nodes that were deleted long enough ago, then bytes that nothing names.

    May be stopped at any moment and called again; two may run at once.

    Bytes of a writer that is about to name them are safe: a put ends with bytes
    that are new, also when they were there already. So bytes that were old when
    they were listed, that nothing named afterwards, and that are still old at the
    moment they are taken away, are not about to be named, as long as a writer
    takes less than the grace between a put's end and naming.

    Args:
        store: The metadata.
        blobs: The bytes.
        expiry: How long ago nodes must have been deleted.
        bytes_before_ms: Bytes that were put after this moment stay.
        also_used: Gives digests that something outside the store names, such as journals that wait.
        progress: Called after each batch.

    Returns:
        What was removed.

    Raises:
        CorruptError: a folder that is in use cannot be read, so that nobody knows which bytes it uses;
            no bytes were removed then.
    """
    done = Collected()
    while True:
        removed = store.upkeep.remove(expiry, limit=BATCH)
        done.nodes.update(removed.nodes)
        done.points += removed.points
        done.keys += removed.keys
        progress(done)
        if not removed.count and not removed.keys:
            break
    for blob in _unused(store, blobs, bytes_before_ms, also_used())[0]:
        if blobs.delete_unless_newer(blob.digest, bytes_before_ms):
            done.blobs += 1
            done.freed_bytes += blob.size_bytes
            progress(done)
    return done


def _unused(
    store: Store, blobs: BlobStore, before_ms: int, also_used: Iterable[str]
) -> tuple[list[StoredBlob], int]:
    # Listed first: what is put from now on is not in the list, and what it names is not looked at.
    stored = {blob.digest: blob for blob in blobs.stored()}
    used = with_parts(blobs, store.upkeep.digests_in_use().union(also_used), stored)
    if used.unreadable:
        raise CorruptError(
            f"the folder {used.unreadable[0]} cannot be read, so the bytes that it uses are not known: "
            "`headwater doctor` tells which artifact it belongs to"
        )
    free = [blob for digest, blob in stored.items() if digest not in used.digests]
    # Folders before files: a folder that is left without a file would look damaged.
    old = sorted((b for b in free if b.modified_ms <= before_ms), key=lambda b: b.digest, reverse=True)
    return old, len(free) - len(old)
