"""What a store does with the record of decisions."""

from typing import Protocol

from headwater.model.ledger import LedgerEntry, LedgerHead, LedgerRecord


class LedgerStore(Protocol):
    """The append-only record of decisions. Entries are written by the decisions themselves."""

    def entries(
        self,
        *,
        subject: str | None = None,
        action: str | None = None,
        actor: str | None = None,
        after: int = 0,
        limit: int = 1000,
        newest: bool = False,
    ) -> list[LedgerEntry]:
        """Return entries, oldest first.

        Args:
            subject: Only those on this reference or below it (`models/late-flights`).
            action: Only those of this action, such as `promote`.
            actor: Only those that this person or program decided.
            after: Only those with a greater number than this.
            limit: At most this many.
            newest: The last ones of them, instead of the first ones.
        """
        ...

    def records(self, *, after: int = 0, limit: int = 10_000) -> list[LedgerRecord]:
        """Return entries with a greater number than `after` as they are stored, by number."""
        ...

    def head(self) -> LedgerHead:
        """Return where the ledger stands."""
        ...
