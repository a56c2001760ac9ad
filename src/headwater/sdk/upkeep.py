"""Looking after one store: its nodes, its bytes and its journals together."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from headwater.model.protocols import BlobStore, Store
from headwater.model.upkeep import Expiry, Finding
from headwater.tracking import Session
from headwater.upkeep import Collected, Examination, Plan, collect, examine, plan_collection, repair

DAY_S: Final = 24 * 3600
GRACE_S: Final = 30 * DAY_S
"""How long a deletion can be taken back."""
BYTES_GRACE_S: Final = DAY_S
"""How long a writer may take between putting bytes and naming them."""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Garbage collection and examination of a store: `client.upkeep`."""

    store: Store
    blobs: BlobStore
    session: Session

    def plan(self, *, older_than_s: float = GRACE_S, bytes_older_than_s: float = BYTES_GRACE_S) -> Plan:
        """Tell what `collect` would remove; nothing is changed.

        Args:
            older_than_s: How long ago nodes must have been deleted.
            bytes_older_than_s: How long ago bytes must have been put.
        """
        return plan_collection(
            self.store,
            self.blobs,
            self._expiry(older_than_s),
            bytes_before_ms=self._ago_ms(bytes_older_than_s),
            also_used=self.session.tracker.waiting_digests(),
        )

    def collect(
        self,
        *,
        older_than_s: float = GRACE_S,
        bytes_older_than_s: float = BYTES_GRACE_S,
        progress: Callable[[Collected], None] = lambda _: None,
    ) -> Collected:
        """Remove for good what was deleted long enough ago, and bytes that nothing names.

        What dead processes left in their journals is sent first.

        Args:
            older_than_s: How long ago nodes must have been deleted.
            bytes_older_than_s: How long ago bytes must have been put; 0 only while nobody else writes.
            progress: Called after each step.
        """
        self.session.sync()
        return collect(
            self.store,
            self.blobs,
            self._expiry(older_than_s),
            bytes_before_ms=self._ago_ms(bytes_older_than_s),
            also_used=self.session.tracker.waiting_digests,
            progress=progress,
        )

    def examine(self, *, is_deep: bool = False) -> Examination:
        """Look for broken rules, and for bytes that are missing or altered; nothing is changed."""
        return examine(
            self.store,
            self.blobs,
            silent_since_ms=self._silent_since_ms(),
            is_deep=is_deep,
            notes=self._journal_findings(),
        )

    def repair(self, *, is_deep: bool = False) -> list[Finding]:
        """Mend what can be mended, and send what waits in journals.

        Returns:
            What was found and mended.
        """
        waiting = self._journal_findings()
        self.session.sync()
        return [*waiting, *repair(self.store, silent_since_ms=self._silent_since_ms(), is_deep=is_deep)]

    def _journal_findings(self) -> list[Finding]:
        count = self.session.tracker.waiting_journals()
        problem = "journals of ended processes that wait to be sent to the store"
        found = Finding(check="journals", problem=problem, count=count, repair="they are sent")
        return [found] if count else []

    def _silent_since_ms(self) -> int:
        # Twice the time after which the next session marks a run as lost: what it has just looked at is fine.
        return self._ago_ms(2 * self.session.settings.lost_after_s)

    def _expiry(self, older_than_s: float) -> Expiry:
        # A request may be sent again for a day, however soon deleted nodes go.
        return Expiry(nodes_ms=self._ago_ms(older_than_s), keys_ms=self._ago_ms(max(older_than_s, DAY_S)))

    def _ago_ms(self, seconds: float) -> int:
        return self.session.clock_ms() - int(seconds * 1000)
