"""Decisions as the ledger keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from headwater.errors import RefusedError
from headwater.model.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One decision, chained to the one before by its hash.

    Attributes:
        seq: 1, 2, 3 … without gaps.
        action: `register`, `promote`, `rollback`, `alias`, `delete` …
        subject: Reference of what was decided on, such as `models/late-flights/3`.
        details: What the action changed, such as `from`, `to` and `replaced`.
        hash: Hex SHA-256 over all other fields; `headwater.ledger.chain` says how.
    """

    seq: int
    time_ms: int
    actor: str
    action: str
    subject: str
    reason: str
    details: Mapping[str, Json] = field(default_factory=dict[str, Json])
    previous_hash: str
    hash: str


class LedgerRecord(NamedTuple):
    """An entry as it is stored and hashed: its details are text, canonical JSON."""

    seq: int
    time_ms: int
    actor: str
    action: str
    subject: str
    reason: str
    details: str
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerHead:
    """Where a ledger stands: whoever keeps this elsewhere notices when it is cut off or written anew.

    Attributes:
        store_id: Which store's ledger it is.
        seq: Number of the last entry; 0 for an empty ledger.
        hash: Its hash.
        time_ms: Its time.
    """

    store_id: str
    seq: int
    hash: str
    time_ms: int


def check_reason(reason: str) -> None:
    """Check that a decision has a reason.

    Raises:
        RefusedError: it is blank.
    """
    if not reason.strip():
        raise RefusedError("a decision needs a reason: it is kept in the ledger for those who ask later")
