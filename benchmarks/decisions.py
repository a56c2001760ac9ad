"""Promotion, and the ledger that each decision is written to."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Final

from benchmarks.frame import Bench, Benchmark, Result
from benchmarks.frame.turns import take_turns
from headwater.model.models import PRODUCTION, NewVersion, Transition
from headwater.store.sql.store import SqlStore

MODEL: Final = "late-flights"
ACTOR: Final = "bench@example"
TABLES: Final = """
CREATE TABLE version (id INTEGER PRIMARY KEY, model TEXT, number INTEGER, stage TEXT, UNIQUE (model, number));
CREATE TABLE ledger (
    seq INTEGER PRIMARY KEY, time_ms INTEGER, actor TEXT, action TEXT, subject TEXT, reason TEXT,
    details TEXT, previous_hash TEXT UNIQUE, hash TEXT
);
"""


def run(bench: Bench) -> Iterator[Result]:
    """Compare with a bare transaction that writes the same, equally safe against a power cut."""
    count = bench.size(50, 2)
    with bench.folder() as folder:
        file = folder / "store.db"
        with SqlStore(f"sqlite:///{file}") as store, closing(plain(folder / "plain.db")) as connection:
            for _ in range(2):
                store.models.add_version(NewVersion(model=MODEL), actor=ACTOR)
            hand = ByHand(connection)
            repeats = bench.size(7, 1)

            def promote() -> float:
                start = perf_counter()
                for number in range(count):
                    move(store, 1 + number % 2)
                return (perf_counter() - start) / count

            def name() -> float:
                start = perf_counter()
                for number in range(count):
                    store.models.set_alias(MODEL, "champion", 1 + number % 2, actor=ACTOR, reason="bench")
                return (perf_counter() - start) / count

            def by_hand() -> float:
                start = perf_counter()
                for number in range(count):
                    hand.promote(1 + number % 2)
                return (perf_counter() - start) / count

            move(store, 2)
            peer = "two updates and a hashed row by hand, also with `synchronous=FULL`"
            promoted, aliased, bare = take_turns([promote, name, by_hand], repeats=repeats)
            yield bench.result("promote a version, the one before steps down", peer, promoted, bare)
            yield bench.result("move an alias", peer, aliased, bare)


def move(store: SqlStore, number: int) -> None:
    """Promote a version."""
    wanted = Transition(model=MODEL, version=number, to=PRODUCTION, reason="bench", actor=ACTOR)
    store.models.transition(wanted)


def plain(file: Path) -> sqlite3.Connection:
    """Make the tables of the bare transaction."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.executescript(TABLES)
    connection.executemany("INSERT INTO version VALUES (?, ?, ?, 'none')", [(1, MODEL, 1), (2, MODEL, 2)])
    return connection


class ByHand:
    """A promotion without checks."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def promote(self, number: int) -> None:
        """Move two versions and chain a record, in one transaction."""
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        run("UPDATE version SET stage = 'archived' WHERE model = ? AND stage = 'production'", (MODEL,))
        run("UPDATE version SET stage = 'production' WHERE model = ? AND number = ?", (MODEL, number))
        last = run("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1").fetchone() or (0, "")
        details = json.dumps({"to": "production", "evidence": {}})
        row = (last[0] + 1, 0, ACTOR, "promote", f"models/{MODEL}/{number}", "bench", details, last[1])
        digest = hashlib.sha256(json.dumps(row).encode()).hexdigest()
        run("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, digest))
        run("COMMIT")


BENCHMARK = Benchmark(
    name="decisions", summary="promotion and the ledger against a bare transaction", run=run
)
