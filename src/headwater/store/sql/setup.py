"""Opening a database: empty ones get the tables, older ones are upgraded, newer ones refused."""

import os
import secrets
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from headwater.errors import SchemaError
from headwater.model.builtin import SYSTEM_TYPES
from headwater.model.times import now_ms
from headwater.store.sql import schema
from headwater.store.sql.database import Database
from headwater.store.sql.dialects.sqlite import database_path, read_only
from headwater.store.sql.locks import LEDGER, PARENTS, RELEASES
from headwater.version import VERSION

# Alembic's own table; read here, so that opening a store need not load Alembic.
_versions: Final = sa.MetaData()
_revision: Final = sa.Table(
    "alembic_version", _versions, sa.Column("version_num", sa.String(32), primary_key=True)
)

_HEADER_BYTES: Final = 20
"""Those of a SQLite file up to the two that tell its journal mode (1 or 2, for writing and reading)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrations:
    """Where the migrations are, and the version that they lead to."""

    folder: Path = Path(__file__).parent / "migrations"
    newest: int = schema.SCHEMA_VERSION


def prepare(db: Database, url: str, migrations: Migrations = Migrations()) -> None:
    """Make the tables usable by this version of headwater.

    Raises:
        SchemaError: they are newer, or older on a server, where `headwater db upgrade` upgrades them.
    """
    if db.dialect.name == "sqlite" and not url.startswith("memory:"):
        _refuse_foreign_file(database_path(url))
    found = stored_version(db)
    if found is None:
        found = _create(db)
    _refuse_newer(db, found, migrations.newest)
    if found < migrations.newest:
        if db.dialect.name != "sqlite":
            raise _too_old(found, migrations.newest)
        if not url.startswith("memory:"):
            back_up_file(database_path(url), found)
        upgrade(db, migrations)


def upgrade_url(url: str, migrations: Migrations = Migrations()) -> tuple[int, int]:
    """Run the migrations that the database at `url` lacks; a SQLite file is copied first.

    Returns:
        The version before and after.

    Raises:
        SchemaError: the database is empty, or newer than this headwater.
        UnavailableError: it cannot be reached.
    """
    db = Database(url, clock_ms=now_ms)
    try:
        if db.dialect.name == "sqlite":
            _refuse_foreign_file(database_path(url))
        found = stored_version(db)
        if found is None:
            raise SchemaError(_EMPTY)
        _refuse_newer(db, found, migrations.newest)
        if found < migrations.newest:
            if db.dialect.name == "sqlite":
                back_up_file(database_path(url), found)
            upgrade(db, migrations)
        return found, migrations.newest
    finally:
        db.close()


def check_schema(db: Database, newest: int = schema.SCHEMA_VERSION) -> None:
    """Check that the tables are still of the version that this headwater needs; nothing is changed.

    Raises:
        SchemaError: they are newer or older, or gone.
        UnavailableError: the database cannot be reached.
    """
    found = stored_version(db)
    if found is None:
        raise SchemaError(_EMPTY)
    _refuse_newer(db, found, newest)
    if found < newest:
        raise _too_old(found, newest)


def stored_version(db: Database) -> int | None:
    """Return the version of the tables, or None for an empty database."""
    with db.read() as conn:
        return _version_in(conn)


def upgrade(db: Database, migrations: Migrations = Migrations(), *, to: str = "head") -> None:
    """Run the migrations that the database lacks, in one transaction where it has such for tables.

    Args:
        db: What to upgrade; an empty database gets all its tables.
        migrations: Where they are.
        to: The version to stop at, such as `0001`.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    # Alembic reads % as the start of a variable.
    config.set_main_option("script_location", str(migrations.folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")

    def job(conn: sa.Connection) -> None:
        config.attributes["connection"] = conn
        command.upgrade(config, to)
        _set(conn, "library_version", VERSION)

    with db.setup_turn():
        db.write(job, is_durable=True)


def back_up_file(path: Path, version: int) -> Path:
    """Copy a SQLite database, also while others write; the copy stands beside it and is returned."""
    copy = path.with_name(f"{path.name}.schema-{version}-{time.strftime('%Y%m%dT%H%M%S')}.bak")
    source, target = sqlite3.connect(path), sqlite3.connect(copy)
    try:
        source.backup(target)
    finally:
        target.close()
        source.close()
    return copy


def make_version_table(conn: sa.Connection) -> None:
    """Make Alembic's table, unless it is there."""
    _versions.create_all(conn)


def _create(db: Database) -> int:
    def job(conn: sa.Connection) -> int:
        # Two processes may open one empty database at the same moment.
        found = _version_in(conn)
        if found is not None:
            return found
        _refuse_other_tables(conn)
        # All tables before the first row: where tables are made outside transactions, a process that
        # is killed here leaves no rows, and the next one goes on.
        schema.metadata.create_all(conn)
        make_version_table(conn)
        _fill(conn)
        conn.execute(sa.insert(_revision).values(version_num=f"{schema.SCHEMA_VERSION:04}"))
        return schema.SCHEMA_VERSION

    with db.setup_turn():
        return db.write(job, is_durable=True)


def _refuse_foreign_file(path: Path) -> None:
    """Leave a SQLite file of another program as it is: a connection of ours would change its journal mode.

    A store's own file has that journal mode from its first connection on, so it is not opened twice.
    """
    if not _has_rollback_journal(path):
        return
    engine = sa.create_engine("sqlite://", creator=lambda: read_only(path), poolclass=sa.NullPool)
    try:
        with engine.connect() as conn:
            if _version_in(conn) is None:
                _refuse_other_tables(conn)
    except DBAPIError:
        # Damaged, or left by a crash and to be rolled back by one who may write: told when it is opened.
        return
    finally:
        engine.dispose()


def _has_rollback_journal(path: Path) -> bool:
    if not path.is_file() or not os.access(path, os.R_OK):
        return False
    with path.open("rb") as opened:
        header = opened.read(_HEADER_BYTES)
    return header[:16] == b"SQLite format 3\0" and header[18:20] == b"\x01\x01"


def _refuse_other_tables(conn: sa.Connection) -> None:
    """Leave a database alone in which another program has tables of the same names.

    Tables of our own may be there: those of a process that was killed while it made them.
    """
    inspector = sa.inspect(conn)
    if not inspector.get_table_names():
        return
    for table in schema.metadata.sorted_tables:
        if not inspector.has_table(table.name):
            continue
        found = conn.exec_driver_sql(f"SELECT * FROM {_quoted(conn, table)} LIMIT 0").keys()
        if {name.lower() for name in found} != {*table.columns.keys()}:
            raise SchemaError(
                f"the database holds a table {table.name!r} of another program: give the store a database of "
                "its own; one of ML Metadata is brought into it with `headwater import mlmd`"
            )


def _quoted(conn: sa.Connection, table: sa.Table) -> str:
    return conn.dialect.identifier_preparer.quote_identifier(table.name)


_EMPTY: Final = "the database is empty: open it once as a store to make its tables"


def _too_old(found: int, newest: int) -> SchemaError:
    return SchemaError(
        f"the database has schema {found}, this headwater {VERSION} needs {newest}: "
        "run `headwater db upgrade` once, after a backup"
    )


def _refuse_newer(db: Database, found: int, newest: int) -> None:
    if found > newest:
        raise SchemaError(
            f"the database has schema {found}, last upgraded by headwater {_last_upgrader(db)}; "
            f"this headwater {VERSION} knows schemas up to {newest}: install a newer headwater"
        )


def _fill(conn: sa.Connection) -> None:
    for system_type in SYSTEM_TYPES:
        row = {"kind": system_type.kind, "name": system_type.name, "version": ""}
        conn.execute(sa.insert(schema.type_).values(row))
    for name in (PARENTS, LEDGER, RELEASES):
        _set(conn, name, "")
    _set(conn, "library_version", VERSION)
    _set(conn, "store_id", secrets.token_hex(16))


def _set(conn: sa.Connection, name: str, value: str) -> None:
    conn.execute(sa.delete(schema.setting).where(schema.setting.c.name == name))
    conn.execute(sa.insert(schema.setting).values(name=name, value=value))


def _version_in(conn: sa.Connection) -> int | None:
    if not sa.inspect(conn).has_table(_revision.name):
        return None
    found = conn.execute(sa.select(_revision.c.version_num)).scalar()
    return None if found is None else int(found)


def _last_upgrader(db: Database) -> str:
    with db.read() as conn:
        found = conn.execute(
            sa.select(schema.setting.c.value).where(schema.setting.c.name == "library_version")
        ).scalar()
    return found or "of an unknown version"
