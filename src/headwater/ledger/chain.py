"""The chain of hashes, and what is wrong where it breaks.

The hash of an entry is SHA-256 over the UTF-8 bytes of one JSON object: the
fields `action`, `actor`, `details`, `previous_hash`, `reason`, `seq`,
`subject` and `time_ms`, keys sorted at every depth, no blanks, characters
beyond ASCII escaped. That is `json.dumps(fields, sort_keys=True,
separators=(",", ":"))` in Python, so that anybody can check a ledger.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as quoted
from typing import Final

from headwater.model.ledger import LedgerEntry, LedgerHead, LedgerRecord
from headwater.model.values import Json

FIRST_HASH: Final = "0" * 64
"""What the first entry names as the hash before it."""

MOST_FAULTS: Final = 100
"""After so many faults the rest is only counted: a ledger that was written anew breaks everywhere."""

MOVES: Final = 50
"""How many numbers away an entry that was moved is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something in a ledger that no decision can have written.

    Attributes:
        seq: Number of the entry that is wrong, or of the first that is missing.
        text: What is wrong with it.
    """

    seq: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What checking a ledger has found.

    Attributes:
        count: Entries that were read.
        hash: Hash of the last one.
        faults: What is wrong, by number; the first `MOST_FAULTS` of them.
        fault_count: How much is wrong.
    """

    count: int
    hash: str
    faults: tuple[Fault, ...]
    fault_count: int

    @property
    def is_intact(self) -> bool:
        """True when nothing is wrong."""
        return not self.fault_count


def canonical(value: Mapping[str, Json]) -> str:
    """Return the one JSON text of a mapping that is hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def record_of(entry: LedgerEntry) -> LedgerRecord:
    """Return an entry as it is stored."""
    values = (getattr(entry, name) for name in LedgerRecord._fields)
    return LedgerRecord(*values)._replace(details=canonical(entry.details))


def record_hash(record: LedgerRecord) -> str:
    """Return the hash that an entry has to have.

    The details go in as they stand: JSON that was written differently is another text, and so is altered.
    """
    # By hand, as a general encoder would parse and write the details again, at three times the cost.
    text = (
        f'{{"action":{quoted(record.action)},"actor":{quoted(record.actor)},"details":{record.details},'
        f'"previous_hash":{quoted(record.previous_hash)},"reason":{quoted(record.reason)},"seq":{record.seq},'
        f'"subject":{quoted(record.subject)},"time_ms":{record.time_ms}}}'
    )
    # A surrogate can only come from details that somebody else wrote; it is altered then, whatever its bytes.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def verify(records: Iterable[LedgerRecord], head: LedgerHead | None = None) -> Verification:
    """Check a ledger from its first entry to its last.

    Args:
        records: All of them, by number.
        head: Where the ledger stood once, as somebody kept it: finds a ledger that was cut off or written
            anew, which its own hashes cannot tell.

    Returns:
        Every entry that is altered, missing, added or at another's place, by number.
    """
    check = _Check(head)
    for record in records:
        check.see(record)
    return check.result()


class _Check:
    """Goes along a ledger, and notes what does not follow."""

    def __init__(self, head: LedgerHead | None) -> None:
        self._head = head
        self._count = 0
        self._expected = 1
        self._previous: str = FIRST_HASH
        self._faults: list[Fault] = []
        self._fault_count = 0

    def see(self, record: LedgerRecord) -> None:
        """Look at the next entry."""
        self._count += 1
        if record.seq != self._expected:
            self._note_numbers(record.seq)
        is_whole = record_hash(record) == record.hash
        if not is_whole:
            self._note(record.seq, self._altered(record))
        elif record.previous_hash != self._previous and record.seq == self._expected:
            self._note(record.seq, "does not follow the entry before it: one of them was written anew")
        if self._head is not None and record.seq == self._head.seq and record.hash != self._head.hash:
            self._note(record.seq, "is not the one that the kept head names: the ledger was written anew")
        self._previous, self._expected = record.hash, record.seq + 1

    def result(self) -> Verification:
        """Return what was found, after the last entry."""
        last = self._expected - 1
        if self._head is not None and last < self._head.seq:
            self._note(last + 1, _missing(last + 1, self._head.seq) + ": the kept head names them")
        faults = tuple(sorted(self._faults, key=lambda fault: fault.seq))
        return Verification(
            count=self._count, hash=self._previous, faults=faults, fault_count=self._fault_count
        )

    def _note(self, seq: int, text: str) -> None:
        self._fault_count += 1
        if len(self._faults) < MOST_FAULTS:
            self._faults.append(Fault(seq=seq, text=text))

    def _note_numbers(self, seq: int) -> None:
        if seq > self._expected:
            self._note(self._expected, _missing(self._expected, seq - 1))
        else:
            self._note(seq, "stands after a later one, or twice")

    def _altered(self, record: LedgerRecord) -> str:
        """Tell an altered entry from one that was moved: that one's hash is right under its old number."""
        near = (record.seq + step for step in range(-MOVES, MOVES + 1) if step)
        for seq in near:
            if record_hash(record._replace(seq=seq)) == record.hash:
                return f"is entry {seq} at another place"
        return "is altered: its fields do not have its hash"


def _missing(first: int, last: int) -> str:
    return "is missing" if first == last else f"to {last} are missing"
