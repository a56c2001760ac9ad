"""A source that cannot be read is told, with the way out."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from headwater.compat.mlmd.importing import import_database, open_source
from headwater.errors import CorruptError, InvalidError, NotFoundError, SchemaError, UnavailableError
from headwater.store import open_store


def overwrite(file: Path) -> None:
    """Put noise where the pages of the tables are."""
    data = bytearray(file.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    file.write_bytes(data)


LEAVE = """
import os, signal, sqlite3, sys
conn = sqlite3.connect(sys.argv[1], isolation_level=None)
conn.execute("PRAGMA cache_size = 1")
conn.execute("BEGIN")
conn.execute("UPDATE Type SET description = hex(randomblob(9000))")
os.kill(os.getpid(), signal.SIGKILL)
"""


def leave_in_a_write(file: Path) -> None:
    """Let a process die that writes to it."""
    subprocess.run([sys.executable, "-c", LEAVE, file], check=False, timeout=60)


def to_folder(file: Path) -> None:
    """Put a folder in its place."""
    file.unlink()
    file.mkdir()


def to_store(file: Path) -> None:
    """Put a store of our own in its place."""
    file.unlink()
    open_store(f"sqlite:///{file}").close()


@pytest.mark.parametrize(
    ("damage", "error", "problem"),
    [
        (lambda f: f.unlink(), NotFoundError, "no file"),
        (lambda f: f.write_text("no database"), InvalidError, "is not a SQLite database"),
        (leave_in_a_write, UnavailableError, "left in the middle of a write"),
        (to_folder, InvalidError, "is a folder"),
        (lambda f: f.write_bytes(b""), InvalidError, "but empty, or of another program"),
        (to_store, InvalidError, "but a store of headwater"),
        (lambda f: run_sql(f, "DROP TABLE MLMDEnv"), InvalidError, "but lacks the tables MLMDEnv"),
        (
            lambda f: run_sql(f, "UPDATE MLMDEnv SET schema_version = 11"),
            SchemaError,
            "schema 11; .* newer headwater",
        ),
        (lambda f: run_sql(f, "UPDATE MLMDEnv SET schema_version = 4"), SchemaError, "schema 4; .* upgrade"),
        (lambda f: run_sql(f, "DELETE FROM MLMDEnv"), SchemaError, "0 versions of the schema"),
        (overwrite, CorruptError, "is damaged"),
        (lambda f: run_sql(f, "UPDATE Artifact SET state = 99"), CorruptError, "Artifact 1 has a state"),
        (
            lambda f: run_sql(f, "UPDATE TypeProperty SET data_type = NULL"),
            CorruptError,
            "Type 10 declares property",
        ),
    ],
    ids=[
        "no-file",
        "no-database",
        "left",
        "folder",
        "empty",
        "store",
        "not-mlmd",
        "newer",
        "too-old",
        "no-version",
        "damaged",
        "odd-state",
        "odd-kind",
    ],
)
def test_what_cannot_be_read_is_told(
    file: Path, store_url: str, damage: Callable[[Path], Any], error: type[Exception], problem: str
):
    damage(file)

    with (
        open_store(store_url) as store,
        pytest.raises(error, match=problem),
        open_source(str(file)) as source,
    ):
        import_database(source, store)


def run_sql(file: Path, statement: str) -> None:
    """Change a file."""
    with closing(sqlite3.connect(file)) as conn, conn:
        conn.execute(statement)
