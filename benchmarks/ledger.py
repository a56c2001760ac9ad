"""Checking the ledger: every record read and hashed again."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Final

from benchmarks.frame import Bench, Benchmark, Result, Target
from headwater.ledger import FIRST_HASH, all_records, record_hash, verify
from headwater.ledger.chain import canonical
from headwater.model.ledger import LedgerRecord
from headwater.store.sql.store import SqlStore

COLUMNS: Final = ", ".join(LedgerRecord._fields)


def run(bench: Bench) -> Iterator[Result]:
    """Compare with a loop by hand that follows the definition of the hash."""
    count = bench.size(200_000, 200)
    with bench.folder() as folder:
        file = folder / "store.db"
        SqlStore(f"sqlite:///{file}").close()
        fill(file, count)
        with SqlStore(f"sqlite:///{file}") as store, closing(sqlite3.connect(file)) as connection:

            def ours() -> float:
                start = perf_counter()
                assert verify(all_records(store.ledger.records)).is_intact
                return (perf_counter() - start) / count

            def by_hand() -> float:
                start = perf_counter()
                check_by_hand(connection)
                return (perf_counter() - start) / count

            yield bench.compare(
                f"verify a record of the ledger, of {count:,} (100,000 a second are 10 µs)",
                "a loop by hand that writes each record's JSON anew and hashes it",
                ours=ours,
                theirs=by_hand,
                target=Target(1.0, "at least as fast"),
                repeats=bench.size(5, 1),
            )


def fill(file: Path, count: int) -> None:
    """Store decisions by the fastest way that there is."""
    rows: list[LedgerRecord] = []
    previous = FIRST_HASH
    for seq in range(1, count + 1):
        details = canonical(
            {"from": "none", "to": "production", "replaced": seq - 1, "evidence": {"auc": 0.7}}
        )
        subject, reason = f"models/late-flights/{seq}", "wins by more than the margin on the hold-out days"
        record = LedgerRecord(seq, seq, "ann@desk", "promote", subject, reason, details, previous, "")
        previous = record_hash(record)
        rows.append(record._replace(hash=previous))
    marks = ", ".join("?" * len(LedgerRecord._fields))
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executemany(f"INSERT INTO ledger ({COLUMNS}) VALUES ({marks})", rows)


def check_by_hand(connection: sqlite3.Connection) -> None:
    """Do what the guide to the ledger tells outsiders to do."""
    previous = FIRST_HASH
    names = LedgerRecord._fields
    for row in connection.execute(f"SELECT {COLUMNS} FROM ledger ORDER BY seq"):
        fields = dict(zip(names, row, strict=True))
        stored = fields.pop("hash")
        fields["details"] = json.loads(fields["details"])
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        assert fields["previous_hash"] == previous
        assert hashlib.sha256(text.encode()).hexdigest() == stored
        previous = stored


BENCHMARK = Benchmark(name="ledger", summary="verification of the ledger against a loop by hand", run=run)
