"""What people decided on steps: the ledger has it, and nothing else."""

from headwater.model.ledger import LedgerEntry
from headwater.model.protocols import Store


def decision_on(store: Store, subject: str) -> LedgerEntry | None:
    """Return the newest decision on a subject; None where nobody has decided."""
    return next(iter(store.ledger.entries(subject=subject, limit=1, newest=True)), None)


def decisions_below(store: Store, subject: str) -> dict[str, LedgerEntry]:
    """Return the newest decision on each subject below one."""
    return {entry.subject: entry for entry in store.ledger.entries(subject=subject, newest=True)}


def told(entry: LedgerEntry) -> str:
    """Return who decided, and why."""
    return f"by {entry.actor}: {entry.reason}"
