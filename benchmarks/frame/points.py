"""Metric points to log, and the plain table that a careful hand would write them to."""

import sqlite3
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headwater.sdk.client import Client

# The best plain layout that the prototypes found: rows in the order of the key, which needs no second copy.
TABLE = """
CREATE TABLE point (
    run INTEGER, key INTEGER, step INTEGER, time_ms INTEGER, value REAL, PRIMARY KEY (run, key, step)
) WITHOUT ROWID
"""
INSERT = "INSERT INTO point VALUES (?, ?, ?, ?, ?)"
START_MS = 1_760_000_000_000


def losses(count: int, *, seed: int = 1) -> NDArray[np.float64]:
    """Return a curve that falls with noise: all 52 bits of its values are used."""
    noise = np.random.default_rng(seed).normal(0, 0.01, count)
    return np.exp(-np.arange(count) / (count / 5 + 1)) + noise


def client_in(folder: Path) -> Client:
    """Open a project of its own with a SQLite store."""
    (folder / "pyproject.toml").touch()
    return Client(f"sqlite:///{folder / 'store.db'}", blobs=str(folder / "blobs"))


def plain_database(file: Path) -> sqlite3.Connection:
    """Open a database with the plain table, as safe against a crash as the store is."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(TABLE)
    return connection


def insert_rows(connection: sqlite3.Connection, key: int, values: list[float]) -> None:
    """Write one series as rows, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(INSERT, rows(key, values))
    connection.execute("COMMIT")


def rows(key: int, values: list[float]) -> Iterator[tuple[int, int, int, int, float]]:
    """Yield the rows of one series."""
    return zip(repeat(1), repeat(key), range(len(values)), repeat(START_MS), values, strict=False)


def size_of(file: Path) -> int:
    """Return the bytes of a database with everything in its main file."""
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return file.stat().st_size
