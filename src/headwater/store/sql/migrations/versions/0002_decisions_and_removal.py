"""Approvals, deprecations, tombstones, and events by time."""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

revision = "0002"
down_revision = "0001"

BEFORE: tuple[str, ...] = (
    "INSERT INTO event (execution_id, type, artifact_id, path, time_ms) VALUES (1, 4, 1, NULL, 1234)",
)
"""SQL run on a database of the version before: rows that an old database holds."""
AFTER: tuple[str, ...] = (
    "SELECT COUNT(*) = 1 FROM event WHERE time_ms = 1234",
    "SELECT COUNT(*) = 1 FROM setting WHERE name = 'lock:releases'",
    *(
        f"SELECT COUNT(*) = 0 FROM {table}"
        for table in ("deprecation", "approval_request", "approval_vote", "tombstone")
    ),
)
"""SELECTs that give true on the newest version then."""

MAX_NAME_CHARS: Final = 500
HEAD_CHARS: Final = 128
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    bind = op.get_bind()
    op.create_index("event_by_time", "event", ["time_ms"])
    tables(is_mariadb=getattr(bind.dialect, "is_mariadb", False)).create_all(bind)
    # The row that keeps release processes as they are while a version moves by them.
    setting = sa.table("setting", sa.column("name", sa.String), sa.column("value", sa.String))
    op.bulk_insert(setting, [{"name": "lock:releases", "value": ""}])


def tables(*, is_mariadb: bool) -> sa.MetaData:
    """The new tables, for one kind of database."""
    metadata = sa.MetaData()
    text, name, head = (_text(n, is_mariadb=is_mariadb) for n in (None, MAX_NAME_CHARS, HEAD_CHARS))
    sa.Table(
        "deprecation",
        metadata,
        sa.Column("artifact_id", Id, primary_key=True, autoincrement=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("actor", name, nullable=False),
        sa.Column("time_ms", sa.BigInteger, nullable=False),
    )
    sa.Table(
        "approval_request",
        metadata,
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("artifact_id", sa.BigInteger, nullable=False),
        sa.Column("stage", head, nullable=False),
        sa.Column("open_stage", head),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("requester", name, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("closed_ms", sa.BigInteger),
        sa.UniqueConstraint("artifact_id", "open_stage", name="approval_request_by_open_stage"),
        sa.Index("approval_request_by_status", "status", "created_ms"),
        sqlite_autoincrement=True,
    )
    sa.Table(
        "approval_vote",
        metadata,
        sa.Column("request_id", sa.BigInteger, primary_key=True),
        sa.Column("actor", name, primary_key=True),
        sa.Column("approves", sa.SmallInteger, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("time_ms", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    sa.Table(
        "tombstone",
        metadata,
        sa.Column("kind", sa.SmallInteger, primary_key=True),
        sa.Column("node_id", sa.BigInteger, primary_key=True),
        sa.Column("type_id", sa.BigInteger, nullable=False),
        sa.Column("name", name),
        sa.Column("uri", text),
        sa.Column("digest", name),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("deleted_ms", sa.BigInteger, nullable=False),
        sa.Column("removed_ms", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    return metadata


def _text(length: int | None, *, is_mariadb: bool) -> sa.types.TypeEngine[Any]:
    mine = {"charset": "utf8mb4", "collation": "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"}
    on_mysql = mysql.VARCHAR(length, **mine) if length else mysql.LONGTEXT(**mine)
    on_postgresql = postgresql.VARCHAR(length, "C") if length else postgresql.TEXT(None, "C")
    return sa.Text().with_variant(on_mysql, "mysql", "mariadb").with_variant(on_postgresql, "postgresql")
