"""Ingest and search on PostgreSQL and MariaDB, against their own bulk paths and SQL by hand."""

from array import array
from collections.abc import Iterator
from contextlib import closing
from time import perf_counter
from typing import Any, Final, TypeAlias
from urllib.parse import unquote, urlsplit

import psycopg
import pymysql

from benchmarks.data.runs import Runs, fill_store
from benchmarks.frame import Bench, Benchmark, Result, Target
from benchmarks.frame.points import START_MS, losses, rows
from benchmarks.search import LIMIT, TARGET, Case, cases, question
from headwater.model.runs import NewRun
from headwater.model.series import Points, SeriesBatch
from headwater.store.sql.store import SqlStore

Connection: TypeAlias = Any
BATCH: Final = 50_000
TABLE: Final = """
CREATE TABLE point (
    run BIGINT, series BIGINT, step BIGINT, time_ms BIGINT, value DOUBLE PRECISION,
    PRIMARY KEY (run, series, step)
)
"""


def run(bench: Bench) -> Iterator[Result]:
    """Measure both servers."""
    for kind, name in (("postgresql", "PostgreSQL"), ("mysql", "MariaDB")):
        with bench.database(kind) as url, bench.database(kind) as plain:
            runs = Runs(bench.size(20_000, 50))
            fill_store(url, runs)
            with (
                SqlStore(url) as store,
                closing(connect(kind, plain)) as connection,
                closing(connect(kind, url)) as same,
            ):
                yield ingest(bench, name, store, Bulk(kind, connection))
                for case in cases(runs.count):
                    yield search(bench, name, store, same, case)


def ingest(bench: Bench, name: str, store: SqlStore, bulk: "Bulk") -> Result:
    """Compare a series in batches with the server's own bulk path."""
    count = bench.size(200_000, 1_000)
    values = losses(count)
    numbers = iter(range(1_000_000))
    steps, times = array("q", range(count)), array("q", [START_MS]) * count
    column = array("d", values.tobytes())

    def ours() -> float:
        run = store.runs.start(NewRun(run_id=f"{next(numbers):032x}", experiment="ingest"))
        start = perf_counter()
        for batch, first in enumerate(range(0, count, BATCH)):
            part = slice(first, first + BATCH)
            points = Points(steps[part], times[part], column[part])
            store.series.append(
                [SeriesBatch(execution_id=run.id, key="loss", writer=1, batch=batch, points=points)]
            )
        return perf_counter() - start

    return bench.compare(
        f"{count:,} points of a series into {name}, {BATCH:,} at once",
        bulk.words,
        ours=ours,
        theirs=lambda: bulk.load(next(numbers), values.tolist()),
        target=Target(1.0, "at least as fast"),
        repeats=5,
    )


class Bulk:
    """The fastest way that a server itself has for rows."""

    def __init__(self, kind: str, connection: Connection) -> None:
        self._is_postgresql, self._connection = kind == "postgresql", connection
        self.words = "`COPY`, a row per point" if self._is_postgresql else "`executemany`, a row per point"
        with connection.cursor() as cursor:
            cursor.execute(TABLE)
        connection.commit()

    def load(self, number: int, values: list[float]) -> float:
        """Write one series and return the seconds."""
        start = perf_counter()
        with self._connection.cursor() as cursor:
            if self._is_postgresql:
                with cursor.copy("COPY point FROM STDIN") as copy:
                    for row in rows(number, values):
                        copy.write_row(row)
            else:
                # The driver makes one statement of many rows of this.
                cursor.executemany("INSERT INTO point VALUES (%s, %s, %s, %s, %s)", rows(number, values))
        self._connection.commit()
        return perf_counter() - start


def search(bench: Bench, name: str, store: SqlStore, connection: Connection, case: Case) -> Result:
    """Compare a search with SQL by hand on the same tables: the server chooses where it starts."""
    ask = question(store, case.filter)
    expected = [run.metrics["acc"].value for run in ask()]

    def theirs() -> None:
        found = by_hand(connection, case)
        assert [fields["acc"] for fields in found] == expected

    return bench.compare(
        f"search {Runs(bench.size(20_000, 50)).count:,} runs on {name}, {case.words}: "
        f"first {LIMIT} with 20 fields each",
        "SQL by hand on the same tables",
        ours=lambda: forget(ask()),
        theirs=theirs,
        target=TARGET,
        repeats=9,
    )


def forget(_: object) -> None:
    """Let the frame take the time."""


def by_hand(connection: Connection, case: Case) -> list[dict[str, Any]]:
    """Return runs as dictionaries of 20 fields."""
    column = "head" if isinstance(case.value, str) else "number_value"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.execution_id FROM series s JOIN execution_property p ON p.node_id = s.execution_id"
            f" WHERE s.key = 'acc' AND s.value > %s AND p.name = %s AND p.space = 2 AND p.{column} = %s"
            " ORDER BY s.value DESC, s.execution_id DESC LIMIT %s".replace("s.key", _key(connection)),
            (case.above, case.param, case.value, LIMIT),
        )
        ids = [i for (i,) in cursor.fetchall()]
        return _fields(cursor, ids, _key(connection)) if ids else []


def _fields(cursor: Any, ids: list[int], key: str) -> list[dict[str, Any]]:
    marks = ", ".join(["%s"] * len(ids))
    runs: dict[int, dict[str, Any]] = {i: {} for i in ids}
    cursor.execute(
        "SELECT execution_id, run_id, name, status, start_ms, end_ms FROM run"
        f" WHERE execution_id IN ({marks})",
        ids,
    )
    for i, *head in cursor.fetchall():
        runs[i]["head"] = head
    cursor.execute(
        "SELECT node_id, name, number_value, head FROM execution_property"
        f" WHERE space = 2 AND node_id IN ({marks})",
        ids,
    )
    for i, name, number, text in cursor.fetchall():
        runs[i][name] = text if number is None else number
    cursor.execute(f"SELECT execution_id, {key}, value FROM series s WHERE execution_id IN ({marks})", ids)
    for i, name, value in cursor.fetchall():
        runs[i][name] = value
    return [runs[i] for i in ids]


def _key(connection: Connection) -> str:
    # The column's name is a reserved word in MySQL.
    return "s.key" if isinstance(connection, psycopg.Connection) else "s.`key`"


def connect(kind: str, url: str) -> Connection:
    """Open a connection of the driver."""
    if kind == "postgresql":
        return psycopg.connect(url)
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=parts.path[1:],
    )


BENCHMARK = Benchmark(
    name="servers", summary="PostgreSQL and MariaDB against their bulk paths and SQL by hand", run=run
)
