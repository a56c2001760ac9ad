"""The ledger: decisions, each chained to the one before by its hash."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from headwater.ledger.chain import FIRST_HASH, canonical, record_hash
from headwater.model.ledger import LedgerEntry, LedgerHead, LedgerRecord
from headwater.model.values import Json
from headwater.store.sql.database import Database
from headwater.store.sql.locks import LEDGER, lock
from headwater.store.sql.schema import ledger, setting
from headwater.store.sql.text import check_length, decode

RECORDS: Final = 10_000
"""Entries that are read at once."""

_COLUMNS: Final = ", ".join(LedgerRecord._fields)


class Ledger:
    """`LedgerStore` in SQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

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
        wanted = [ledger.c.seq > after]
        if subject is not None:
            wanted.append(sa.or_(ledger.c.subject == subject, below(subject)))
        wanted += [ledger.c[n] == v for n, v in (("action", action), ("actor", actor)) if v is not None]
        with self._db.read() as conn:
            return self.entries_in(conn, sa.and_(*wanted), limit=limit, newest=newest)

    def records(self, *, after: int = 0, limit: int = RECORDS) -> list[LedgerRecord]:
        with self._db.read() as conn:
            return records_in(conn, after=after, limit=limit)

    def head(self) -> LedgerHead:
        last = sa.select(ledger.c.seq, ledger.c.hash, ledger.c.time_ms).order_by(ledger.c.seq.desc()).limit(1)
        store = sa.select(setting.c.value).where(setting.c.name == "store_id")
        with self._db.read() as conn:
            store_id, row = conn.execute(store).scalar_one(), conn.execute(last).one_or_none()
        seq, digest, time_ms = row or (0, FIRST_HASH, 0)
        return LedgerHead(store_id=store_id, seq=seq, hash=digest, time_ms=time_ms)

    def entries_in(
        self,
        conn: sa.Connection,
        wanted: sa.ColumnElement[bool],
        *,
        limit: int | None = None,
        newest: bool = False,
    ) -> list[LedgerEntry]:
        """Return entries inside a running transaction, oldest first."""
        order = ledger.c.seq.desc() if newest else ledger.c.seq
        rows = conn.execute(sa.select(ledger).where(wanted).order_by(order).limit(limit))
        found = [_entry(row) for row in rows.mappings()]
        return found[::-1] if newest else found

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
        record = LedgerRecord(
            seq=last.seq + 1 if last else 1,
            # Clocks may step back; the order of decisions does not.
            time_ms=max(self._db.clock_ms(), last.time_ms if last else 0),
            actor=actor,
            action=action,
            subject=subject,
            reason=reason,
            details=canonical(details),
            previous_hash=last.hash if last else FIRST_HASH,
            hash="",
        )
        conn.execute(sa.insert(ledger).values(record._replace(hash=record_hash(record))._asdict()))


def records_in(conn: sa.Connection, *, after: int = 0, limit: int = RECORDS) -> list[LedgerRecord]:
    """Return entries as they are stored, inside a running transaction, by number."""
    mark = "?" if conn.dialect.paramstyle == "qmark" else "%s"
    # The driver's own rows: a verification reads every entry that there is.
    statement = f"SELECT {_COLUMNS} FROM ledger WHERE seq > {mark} ORDER BY seq LIMIT {int(limit)}"
    with conn.exec_driver_sql(statement, (after,)) as result:
        rows: Sequence[Sequence[Any]] = [] if result.cursor is None else result.cursor.fetchall()
    return [_record(row) for row in rows]


def below(subject: str) -> sa.ColumnElement[bool]:
    """Build the condition that an entry is on something below a reference."""
    # "0" follows "/" in ASCII: all that begins with the subject and a slash lies between.
    return sa.and_(ledger.c.subject > subject + "/", ledger.c.subject < subject + "0")


def _record(row: Sequence[Any]) -> LedgerRecord:
    # The driver gives texts as they are stored.
    return LedgerRecord._make(decode(value) if isinstance(value, str) else value for value in row)


def _entry(row: sa.RowMapping) -> LedgerEntry:
    fields: dict[str, Any] = {**row, "details": json.loads(row["details"])}
    return LedgerEntry(**fields)
