"""Copies of whole databases: SQLite by its online backup, servers by their own dump programs."""

import os
import shlex
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from headwater.errors import CorruptError, RefusedError, SchemaError, UnavailableError
from headwater.model.times import now_ms
from headwater.model.upkeep import DatabaseCopy
from headwater.store.sql.byte_uses import digests_in_use, named_bytes
from headwater.store.sql.database import Database
from headwater.store.sql.dialects.sqlite import BUSY_TIMEOUT_S, database_path
from headwater.store.sql.integrity import facts_in
from headwater.store.sql.schema import artifact, context, execution, ledger
from headwater.store.sql.setup import stored_version

FILES: Final = {"sqlite": "store.db", "postgresql": "store.dump", "mysql": "store.sql"}
"""What a copy is called: a SQLite file, pg_dump's custom format, SQL."""
_HOLDS: Final = (artifact, execution, context, ledger)


def copy_database(url: str, folder: Path) -> DatabaseCopy:
    """Copy the database at `url` into a folder, while others write.

    Returns:
        The file, with what was in it at the moment of the copy.

    Raises:
        RefusedError: the program that dumps such a server is not installed, or failed.
        CorruptError: the copy of a SQLite file is damaged, because the file is.
        UnavailableError: the database cannot be reached.
    """
    db = _open(url)
    try:
        file = folder / FILES[db.dialect.name]
        match db.dialect.name:
            case "sqlite":
                return _copy_file(database_path(url), file)
            case "postgresql":
                return _dump_postgresql(db, url, file)
            case _:
                return _dump_mysql(db, url, file)
    finally:
        db.close()


def needed_bytes(url: str) -> frozenset[str]:
    """Return the digests of the bytes that a database needs now, whatever the version of its tables.

    Raises:
        UnavailableError: the database cannot be reached.
    """
    db = _open(url)
    try:
        with db.read() as conn:
            return _needed(conn)
    finally:
        db.close()


def load_database(url: str, file: Path) -> None:
    """Make the database at `url` what a copy of one of the same kind holds, in one transaction if it can.

    Raises:
        RefusedError: the file is a copy of another kind of database, or the program that loads it is
            not installed, or failed.
        UnavailableError: the database cannot be reached, or is in use for too long.
    """
    kind = sa.make_url(url).get_backend_name().replace("mariadb", "mysql").replace("postgres", "postgresql")
    kind = "postgresql" if kind.startswith("postgresql") else kind
    if file.name != FILES.get(kind):
        raise RefusedError(f"{file.name} is no copy of a {kind} database: restore it into one of its kind")
    match kind:
        case "sqlite":
            _load_file(file, database_path(url))
        case "postgresql":
            words = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction"]
            _run(["pg_restore", *words, f"--dbname={_plain(url)}", str(file)], _password(url, "PGPASSWORD"))
        case _:
            _run(
                [*_mysql(("mariadb", "mysql"), url), f"--execute=source {file}"], _password(url, "MYSQL_PWD")
            )


def is_empty(url: str) -> bool:
    """Tell whether nothing would be lost if the database at `url` were replaced."""
    if url.startswith("sqlite:") and not database_path(url).exists():
        return True
    db = _open(url)
    try:
        if stored_version(db) is None:
            return True
        with db.read() as conn:
            return all(conn.execute(sa.select(table).limit(1)).first() is None for table in _HOLDS)
    finally:
        db.close()


def _open(url: str) -> Database:
    if url.startswith("memory:"):
        raise RefusedError("a store in memory is gone with its process: back up another one")
    return Database(url, clock_ms=now_ms)


def _copy_file(source: Path, file: Path) -> DatabaseCopy:
    if not source.exists():
        raise SchemaError(f"there is no store at {source}")
    # All pages in one step: a read transaction, beside which others go on writing.
    _copy_pages(source, file)
    db = Database(f"sqlite:///{file}", clock_ms=lambda: 0)
    try:
        with db.read() as conn:
            line = conn.exec_driver_sql("PRAGMA quick_check(1)").scalar()
            if line != "ok":
                raise CorruptError(f"the SQLite file {source} is damaged ({line}): `headwater doctor --deep`")
            return _copy_of(conn, file)
    finally:
        db.close()
        _sync(file)


def _load_file(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # Into the file that is there, in one transaction: other processes that have it open see the new content.
    _copy_pages(file, target)


def _copy_pages(source: Path, target: Path) -> None:
    try:
        with (
            closing(sqlite3.connect(source, timeout=BUSY_TIMEOUT_S)) as from_,
            closing(sqlite3.connect(target, timeout=BUSY_TIMEOUT_S)) as to,
        ):
            from_.backup(to)
    except sqlite3.Error as error:
        raise UnavailableError(f"cannot copy {source} to {target}: {error}") from error


def _sync(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def _dump_postgresql(db: Database, url: str, file: Path) -> DatabaseCopy:
    with db.read() as conn:
        # The dump sees exactly what this transaction sees, so its counts are those of the dump.
        snapshot = conn.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
        words = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
        _run(["pg_dump", *words, f"--file={file}", f"--dbname={_plain(url)}"], _password(url, "PGPASSWORD"))
        return _copy_of(conn, file)


def _dump_mysql(db: Database, url: str, file: Path) -> DatabaseCopy:
    with db.read() as conn:
        before = _copy_of(conn, file)
    words = ["--single-transaction", "--hex-blob", "--skip-lock-tables", f"--result-file={file}"]
    _run([*_mysql(("mariadb-dump", "mysqldump"), url, words)], _password(url, "MYSQL_PWD"))
    with db.read() as conn:
        after = _copy_of(conn, file)
    # The dump's moment lies between: what it names was named before, or is named now.
    digests = before.digests | after.digests
    return DatabaseCopy(file=file, facts=None, digests=digests, needed=before.needed & after.needed)


def _copy_of(conn: sa.Connection, file: Path) -> DatabaseCopy:
    return DatabaseCopy(
        file=file,
        facts=facts_in(conn),
        digests=frozenset(digests_in_use(conn)),
        needed=_needed(conn),
    )


def _needed(conn: sa.Connection) -> frozenset[str]:
    return frozenset(named.digest for named in named_bytes(conn))


def _mysql(programs: Sequence[str], url: str, words: Sequence[str] = ()) -> list[str]:
    parts = sa.make_url(url)
    found = next((name for name in programs if shutil.which(name)), programs[0])
    account = [f"--host={parts.host or 'localhost'}", f"--port={parts.port or 3306}"]
    user = [f"--user={parts.username}"] if parts.username else []
    return [found, *account, *user, *words, str(parts.database)]


def _plain(url: str) -> str:
    parts = sa.make_url(url)
    without = sa.URL.create(
        "postgresql", parts.username, None, parts.host, parts.port, parts.database, parts.query
    )
    return without.render_as_string(hide_password=False)


def _password(url: str, variable: str) -> Mapping[str, str]:
    # Never on the command line, which every account of the machine can read.
    password = sa.make_url(url).password
    return {variable: str(password)} if password else {}


def _run(command: Sequence[str], secrets: Mapping[str, str]) -> None:
    shown = shlex.join(command)
    if not shutil.which(command[0]):
        raise RefusedError(f"{command[0]} is not installed here; where it is, run: {shown}")
    done = subprocess.run(
        command,
        env={**os.environ, **secrets},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise RefusedError(f"{command[0]} failed: {done.stderr.strip()[-500:]}; the command was: {shown}")
