"""Rows in MLflow's own tables, as it would have written them."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, Final, TypeAlias

import psycopg

from benchmarks.data.runs import START_MS, Runs, run_id

Table: TypeAlias = tuple[str, Sequence[str], Iterator[Sequence[Any]]]
_METRIC: Final = ("key", "value", "timestamp", "run_uuid", "step", "is_nan")


def fill_mlflow(url: str, experiment: int, runs: Runs) -> None:
    """Write runs with their params and metrics into a database that MLflow has made."""
    _write(url, _run_tables(experiment, runs))


def fill_history(url: str, run: str, key: str, values: Sequence[float]) -> None:
    """Write one series of a run: a row per point."""
    rows = ((key, value, START_MS + step, run, step, False) for step, value in enumerate(values))
    last = (key, values[-1], START_MS + len(values) - 1, run, len(values) - 1, False)
    _write(url, iter([("metrics", _METRIC, rows), ("latest_metrics", _METRIC, iter([last]))]))


def _run_tables(experiment: int, runs: Runs) -> Iterator[Table]:
    columns = (
        *("run_uuid", "name", "source_type", "user_id", "status", "start_time", "end_time"),
        *("lifecycle_stage", "artifact_uri", "experiment_id"),
    )
    numbers = range(runs.count)
    times = [START_MS + 1000 * n for n in numbers]
    yield (
        "runs",
        columns,
        (
            (
                *(run_id(n), f"run {n}", "UNKNOWN", "user", "FINISHED", times[n], times[n] + 900),
                *("active", "file:///tmp/none", experiment),
            )
            for n in numbers
        ),
    )
    yield (
        "params",
        ("key", "value", "run_uuid"),
        ((name, str(value), run_id(n)) for n in numbers for name, value in runs.params_of(n).items()),
    )
    for table in ("metrics", "latest_metrics"):
        yield (
            table,
            _METRIC,
            (
                (name, value, times[n], run_id(n), 99, False)
                for n in numbers
                for name, value in runs.metrics_of(n).items()
            ),
        )


def _write(url: str, tables: Iterator[Table]) -> None:
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=60)) as connection, connection:
            # What is lost with the machine is made again; the server opens connections of its own.
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("PRAGMA cache_size=-256000")
            for table, columns, rows in tables:
                marks = ", ".join("?" * len(columns))
                statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
                connection.executemany(statement, rows)
        return
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        # VACUUM takes no row for visible to all whose commit, or a later one, is not on disk yet.
        cursor.execute("SET synchronous_commit = on")
        for table, columns, rows in tables:
            with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        # As the server does by itself, a minute later.
        cursor.execute("VACUUM ANALYZE")
