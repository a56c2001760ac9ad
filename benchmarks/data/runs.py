"""Runs with params and metrics, the same ones in a store and in tables written by hand."""

import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from headwater.model.graph import ExecutionState
from headwater.model.runs import NewRun, RunStatus
from headwater.model.values import PropertyValue
from headwater.store.sql import properties, schema
from headwater.store.sql.dialects import Row, dialect_for
from headwater.store.sql.store import SqlStore
from headwater.store.sql.values import Space, value_row

START_MS: Final = 1_760_000_000_000
EXPERIMENT: Final = "search"
CHUNK: Final = 20_000

RATES: Final = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001, 0.00003)
SEEDS: Final = 100
"""A learning rate is that of one run in nine, a seed that of one in a hundred, a trial that of one."""


@dataclass(frozen=True)
class Runs:
    """Runs by number, counted from 0.

    Attributes:
        params: At least 3: `lr`, `seed` and `trial`.
        metrics: At least 1: `acc`.
    """

    count: int
    params: int = 10
    metrics: int = 10

    @cached_property
    def _rates(self) -> list[int]:
        return np.random.default_rng(2).integers(0, len(RATES), self.count).tolist()

    @cached_property
    def _seeds(self) -> list[int]:
        return np.random.default_rng(3).integers(0, SEEDS, self.count).tolist()

    @cached_property
    def _scores(self) -> list[list[float]]:
        return np.random.default_rng(4).random((self.count, self.metrics)).tolist()

    @property
    def metric_names(self) -> list[str]:
        """Names of the metrics."""
        return ["acc", *(f"metric{i}" for i in range(1, self.metrics))]

    def params_of(self, number: int) -> dict[str, PropertyValue]:
        """Return the params of one run."""
        known: dict[str, PropertyValue] = {
            "lr": RATES[self._rates[number]],
            "seed": self._seeds[number],
            "trial": f"trial-{number}",
        }
        for i in range(3, self.params):
            known[f"param{i}"] = (number * i) % 1000
        return known

    def metrics_of(self, number: int) -> dict[str, float]:
        """Return the metrics of one run."""
        return dict(zip(self.metric_names, self._scores[number], strict=True))


def fill_store(url: str, runs: Runs) -> None:
    """Put runs into an empty store, past its interface: a million take a minute, not hours."""
    with SqlStore(url) as store:
        first = store.runs.start(NewRun(run_id=run_id(0), experiment=EXPERIMENT, start_ms=START_MS))
        execution = store.executions.get([first.id])[0]
    fill = _Fill(runs, int(first.id), execution.type_id, first.experiment_id)
    engine = dialect_for(url).open_engine(url)
    insert = dialect_for(url).insert_rows
    with engine.begin() as conn, _without_indexes(conn):
        for table in (schema.run, schema.association, schema.execution):
            conn.execute(sa.delete(table))
        for table, columns, make in fill.tables():
            rows = make()
            while part := list(islice(rows, CHUNK)):
                insert(conn, table, columns, part)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        if conn.dialect.name == "postgresql":
            # VACUUM takes no row for visible to all whose commit, or a later one, is not on disk yet.
            conn.exec_driver_sql("SET synchronous_commit = on")
            numbers = "pg_get_serial_sequence('execution', 'id')"
            conn.exec_driver_sql(f"SELECT setval({numbers}, (SELECT max(id) FROM execution))")
            # As the server does by itself, a minute later.
            conn.exec_driver_sql("VACUUM ANALYZE")
        elif conn.dialect.name == "sqlite":
            conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()


@contextmanager
def _without_indexes(conn: sa.Connection) -> Generator[None]:
    """Build SQLite's indexes at the end, at once: half the time of indexes that grow row by row."""
    found: list[tuple[str, str]] = []
    if conn.dialect.name == "sqlite":
        text = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        found = [(name, statement) for name, statement in conn.exec_driver_sql(text)]
    for name, _ in found:
        conn.exec_driver_sql(f"DROP INDEX {name}")
    yield
    for _, statement in found:
        conn.exec_driver_sql(statement)


@dataclass(frozen=True)
class _Fill:
    runs: Runs
    first: int
    type_id: int
    experiment: int

    def tables(self) -> Iterator[tuple[sa.Table, Sequence[str], Callable[[], Iterator[Row]]]]:
        yield schema.execution, EXECUTION, self._executions
        yield schema.run, RUN, self._run_rows
        yield schema.association, ("context_id", "execution_id", "created_ms"), self._associations
        yield schema.execution_property, properties.COLUMNS, self._properties
        yield schema.series, SERIES, self._series

    def _numbers(self) -> Iterator[tuple[int, int, int]]:
        return ((number, self.first + number, START_MS + 1000 * number) for number in range(self.runs.count))

    def _executions(self) -> Iterator[Row]:
        state = int(ExecutionState.COMPLETE)
        for _, i, time_ms in self._numbers():
            yield (i, self.type_id, state, time_ms, time_ms, 1)

    def _run_rows(self) -> Iterator[Row]:
        status = int(RunStatus.FINISHED)
        for number, i, time_ms in self._numbers():
            yield (i, run_id(number), self.experiment, f"run {number}", status, time_ms, time_ms + 900)

    def _associations(self) -> Iterator[Row]:
        for _, i, time_ms in self._numbers():
            yield (self.experiment, i, time_ms)

    def _properties(self) -> Iterator[Row]:
        space = int(Space.PARAM)
        for number, i, _ in self._numbers():
            for name, value in sorted(self.runs.params_of(number).items()):
                kind, *rest = value_row(name, value, Space.PARAM)
                yield (i, space, name, int(kind), *rest)

    def _series(self) -> Iterator[Row]:
        for number, i, time_ms in self._numbers():
            for key, value in self.runs.metrics_of(number).items():
                yield (i, key, 99, time_ms, value, 0.0, 1.0, 0, 100)


EXECUTION: Final = ("id", "type_id", "state", "created_ms", "updated_ms", "revision")
RUN: Final = ("execution_id", "run_id", "experiment_id", "name", "status", "start_ms", "end_ms")
SERIES: Final = (
    *("execution_id", "key", "step", "time_ms", "value"),
    *("min_value", "max_value", "infinite", "count"),
)


def run_id(number: int) -> str:
    """Return the public id of a run: spread as random ones are."""
    return f"{(number * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128:032x}"


PLAIN_TABLES: Final = """
CREATE TABLE run (
    id INTEGER PRIMARY KEY, run_id TEXT, name TEXT, status INTEGER, start_ms INTEGER, end_ms INTEGER
);
CREATE TABLE param (run INTEGER, key INTEGER, value, PRIMARY KEY (run, key)) WITHOUT ROWID;
CREATE TABLE metric (
    run INTEGER, key INTEGER, step INTEGER, time_ms INTEGER, value REAL, PRIMARY KEY (run, key)
) WITHOUT ROWID;
"""
PLAIN_INDEXES: Final = """
CREATE INDEX param_by_value ON param (key, value, run);
CREATE INDEX metric_by_value ON metric (key, value, run);
ANALYZE;
"""


def fill_plain(file: Path, runs: Runs) -> None:
    """Put the same runs into tables by hand: integers for keys, both covering indexes, statistics."""
    names = sorted(runs.params_of(0))
    connection = sqlite3.connect(file)
    connection.executescript("PRAGMA journal_mode=WAL;" + PLAIN_TABLES)
    numbers = range(runs.count)
    times = [START_MS + 1000 * n for n in numbers]
    heads: Iterator[tuple[Any, ...]] = (
        (n, run_id(n), f"run {n}", 3, times[n], times[n] + 900) for n in numbers
    )
    connection.executemany("INSERT INTO run VALUES (?, ?, ?, ?, ?, ?)", heads)
    params = ((n, key, runs.params_of(n)[name]) for n in numbers for key, name in enumerate(names))
    connection.executemany("INSERT INTO param VALUES (?, ?, ?)", params)
    metrics = (
        (n, key, 99, times[n], value)
        for n in numbers
        for key, value in enumerate(runs.metrics_of(n).values())
    )
    connection.executemany("INSERT INTO metric VALUES (?, ?, ?, ?, ?)", metrics)
    connection.executescript(PLAIN_INDEXES)
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
