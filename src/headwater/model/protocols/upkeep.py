"""What a store does to be looked after."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from headwater.model.graph import NodeKind
from headwater.model.upkeep import Expiry, Finding, NamedBytes, Removal, StoreFacts, Subject, Tombstone


class UpkeepStore(Protocol):
    """Deletion, removal for good, and the store's own integrity."""

    def delete(self, subjects: Sequence[Subject], /, *, actor: str, reason: str) -> None:
        """Mark nodes with their parts as deleted, all or none, each with an entry in the ledger.

        Nodes that are deleted already stay as they are, without another entry.

        Raises:
            NotFoundError: one is not stored.
            InvalidError: the actor is missing or too long.
        """
        ...

    def restore(self, subjects: Sequence[Subject], /, *, actor: str, reason: str) -> None:
        """Take the mark of deletion away, all or none, each with an entry in the ledger.

        Raises:
            NotFoundError, InvalidError: as in `delete`; what was removed for good cannot be restored.
        """
        ...

    def tombstones(self, kind: NodeKind, ids: Sequence[int], /) -> list[Tombstone]:
        """Return what is left of nodes that were removed for good, by id; others are left out."""
        ...

    def removed_runs(self, prefix: str, /, *, limit: int = 10) -> list[Tombstone]:
        """Return what is left of removed runs whose run id begins like this."""
        ...

    def removable(self, expiry: Expiry, /) -> Removal:
        """Tell what `remove` would remove in the end."""
        ...

    def remove(self, expiry: Expiry, /, *, limit: int = 500) -> Removal:
        """Remove nodes for good: at most `limit`, in one transaction; call it until nothing is removed.

        A node's row, properties, memberships, run and metrics go. Its events and version number stay,
        and a tombstone, so that lineage stays readable. What others refer to stays: a version that is
        in an exclusive stage or has an alias; one that once was in such a stage, unless its deletion
        is in the ledger; a registered model or data set with versions; an experiment with runs.
        """
        ...

    def digests_in_use(self) -> set[str]:
        """Return every digest that a node which is not removed names, deleted ones among them."""
        ...

    def named_bytes(self) -> Iterable[NamedBytes]:
        """Yield what has to be in the blob store."""
        ...

    def check(self, *, silent_since_ms: int, is_deep: bool = False) -> list[Finding]:
        """Look for what contradicts the store's rules.

        Args:
            silent_since_ms: A run counts as stale when it runs and no heartbeat came since.
            is_deep: Read the payload of every metric chunk and every page of a SQLite file, too.
        """
        ...

    def repair(self, *, silent_since_ms: int, is_deep: bool = False) -> list[Finding]:
        """Mend what can be mended without losing anything that is referred to.

        Returns:
            What was found and mended.
        """
        ...

    def facts(self) -> StoreFacts:
        """Count the rows of all tables in one moment."""
        ...

    def check_schema(self) -> None:
        """Check that the database is reached, and that its tables are still of the version they must have.

        Raises:
            SchemaError: another headwater has upgraded or replaced them meanwhile.
            UnavailableError: it cannot be reached.
        """
        ...
