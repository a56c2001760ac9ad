"""The ledger: decisions, each chained to the one before by its hash."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from headwater.model.models import LedgerEntry
from headwater.model.values import Json
from headwater.store.sql.database import Database
from headwater.store.sql.locks import LEDGER, lock
from headwater.store.sql.schema import ledger
from headwater.store.sql.text import check_length

FIRST_HASH: Final = "0" * 64
"""What the first entry names as the hash before it."""


class Ledger:
    """`LedgerStore` in SQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def entries(self, *, subject: str | None = None, after: int = 0, limit: int = 1000) -> list[LedgerEntry]:
        wanted = ledger.c.seq > after
        if subject is not None:
            wanted = sa.and_(wanted, sa.or_(ledger.c.subject == subject, below(subject)))
        with self._db.read() as conn:
            return self.entries_in(conn, wanted, limit=limit)

    def entries_in(
        self, conn: sa.Connection, wanted: sa.ColumnElement[bool], *, limit: int | None = None
    ) -> list[LedgerEntry]:
        """Return entries inside a running transaction, oldest first."""
        rows = conn.execute(sa.select(ledger).where(wanted).order_by(ledger.c.seq).limit(limit))
        return [_entry(row) for row in rows.mappings()]

    def append(
        self,
        conn: sa.Connection,
        *,
        actor: str,
        action: str,
        subject: str,
        reason: str,
        details: Mapping[str, Json],
    ) -> None:
        """Add an entry inside the transaction of the decision that it records.

        Raises:
            InvalidError: the actor or the action is missing or too long.
        """
        for what, text in (("actor", actor), ("action", action), ("subject", subject)):
            check_length(what, text, least=1)
        lock(conn, LEDGER)
        last = conn.execute(
            sa.select(ledger.c.seq, ledger.c.time_ms, ledger.c.hash).order_by(ledger.c.seq.desc()).limit(1)
        ).one_or_none()
        fields: dict[str, Any] = {
            "seq": last.seq + 1 if last else 1,
            # Clocks may step back; the order of decisions does not.
            "time_ms": max(self._db.clock_ms(), last.time_ms if last else 0),
            "actor": actor,
            "action": action,
            "subject": subject,
            "reason": reason,
            "details": dict(details),
            "previous_hash": last.hash if last else FIRST_HASH,
        }
        values = {**fields, "details": _canonical(fields["details"]), "hash": entry_hash(fields)}
        conn.execute(sa.insert(ledger).values(values))


def below(subject: str) -> sa.ColumnElement[bool]:
    """Build the condition that an entry is on something below a reference."""
    # "0" follows "/" in ASCII: all that begins with the subject and a slash lies between.
    return sa.and_(ledger.c.subject > subject + "/", ledger.c.subject < subject + "0")


def entry_hash(fields: Mapping[str, Any]) -> str:
    """Return the hash of an entry: SHA-256 over the canonical JSON of all fields but `hash`."""
    kept = {name: value for name, value in fields.items() if name != "hash"}
    return hashlib.sha256(_canonical(kept).encode()).hexdigest()


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _entry(row: sa.RowMapping) -> LedgerEntry:
    fields: dict[str, Any] = {**row, "details": json.loads(row["details"])}
    return LedgerEntry(**fields)
