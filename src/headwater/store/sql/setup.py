"""Opening a database: empty ones get the tables, older ones are upgraded, newer ones refused."""

import secrets
import sqlite3
import time
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from headwater.errors import SchemaError
from headwater.model.builtin import SYSTEM_TYPES
from headwater.store.sql import schema
from headwater.store.sql.database import Database
from headwater.store.sql.dialects.sqlite import database_path
from headwater.store.sql.locks import LEDGER, PARENTS
from headwater.version import VERSION

# Alembic's own table; read here, so that opening a store need not load Alembic.
_revision: Final = sa.table("alembic_version", sa.column("version_num", sa.String))


def prepare(db: Database, url: str) -> None:
    """Make the tables usable by this version of headwater.

    Raises:
        SchemaError: they are newer, or older on a server, where `headwater db upgrade` upgrades them.
    """
    found = stored_version(db)
    if found is None:
        found = _create(db)
    if found > schema.SCHEMA_VERSION:
        raise SchemaError(
            f"the database has schema {found}, last upgraded by headwater {_last_upgrader(db)}; this headwater "
            f"{VERSION} knows schemas up to {schema.SCHEMA_VERSION}: install a newer headwater"
        )
    if found < schema.SCHEMA_VERSION:
        if db.dialect.name != "sqlite":
            raise SchemaError(
                f"the database has schema {found}, this headwater {VERSION} needs {schema.SCHEMA_VERSION}: "
                "run `headwater db upgrade` once, after a backup"
            )
        back_up_file(database_path(url), found)
        upgrade(db)


def stored_version(db: Database) -> int | None:
    """Return the version of the tables, or None for an empty database."""
    with db.read() as conn:
        return _version_in(conn)


def upgrade(db: Database, folder: Path = Path(__file__).parent / "migrations") -> None:
    """Run the migrations that the database lacks, in one transaction where it has such for tables."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    # Alembic reads % as the start of a variable.
    config.set_main_option("script_location", str(folder).replace("%", "%%"))

    def job(conn: sa.Connection) -> None:
        db.dialect.lock_setup(conn)
        config.attributes["connection"] = conn
        command.upgrade(config, "head")
        _set(conn, "library_version", VERSION)

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


def _create(db: Database) -> int:
    def job(conn: sa.Connection) -> int:
        # Two processes may open one empty database at the same moment.
        db.dialect.lock_setup(conn)
        found = _version_in(conn)
        if found is not None:
            return found
        schema.metadata.create_all(conn)
        _fill(conn)
        conn.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        conn.execute(sa.insert(_revision).values(version_num=f"{schema.SCHEMA_VERSION:04}"))
        return schema.SCHEMA_VERSION

    return db.write(job, is_durable=True)


def _fill(conn: sa.Connection) -> None:
    for system_type in SYSTEM_TYPES:
        row = {"kind": system_type.kind, "name": system_type.name, "version": ""}
        conn.execute(sa.insert(schema.type_).values(row))
    for name in (PARENTS, LEDGER):
        _set(conn, name, "")
    _set(conn, "library_version", VERSION)
    _set(conn, "store_id", secrets.token_hex(16))


def _set(conn: sa.Connection, name: str, value: str) -> None:
    conn.execute(sa.delete(schema.setting).where(schema.setting.c.name == name))
    conn.execute(sa.insert(schema.setting).values(name=name, value=value))


def _version_in(conn: sa.Connection) -> int | None:
    if not sa.inspect(conn).has_table("alembic_version"):
        return None
    found = conn.execute(sa.select(_revision.c.version_num)).scalar()
    return None if found is None else int(found)


def _last_upgrader(db: Database) -> str:
    with db.read() as conn:
        found = conn.execute(
            sa.select(schema.setting.c.value).where(schema.setting.c.name == "library_version")
        ).scalar()
    return found or "of an unknown version"
