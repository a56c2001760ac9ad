"""Webhooks."""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

revision = "0004"
down_revision = "0003"

BEFORE: tuple[str, ...] = ()
"""SQL run on a database of the version before: rows that an old database holds."""
AFTER: tuple[str, ...] = ("SELECT COUNT(*) = 0 FROM webhook",)
"""SELECTs that give true on the newest version then."""

MAX_NAME_CHARS: Final = 500


def upgrade() -> None:
    bind = op.get_bind()
    tables(is_mariadb=getattr(bind.dialect, "is_mariadb", False)).create_all(bind)


def tables(*, is_mariadb: bool) -> sa.MetaData:
    """The new table, for one kind of database."""
    metadata = sa.MetaData()
    text, name = (_text(n, is_mariadb=is_mariadb) for n in (None, MAX_NAME_CHARS))
    sa.Table(
        "webhook",
        metadata,
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("name", name, nullable=False),
        sa.Column("url", text, nullable=False),
        sa.Column("events", text, nullable=False),
        sa.Column("description", text),
        sa.Column("secret", text),
        sa.Column("is_active", sa.SmallInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    return metadata


def _text(length: int | None, *, is_mariadb: bool) -> sa.types.TypeEngine[Any]:
    mine = {"charset": "utf8mb4", "collation": "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"}
    on_mysql = mysql.VARCHAR(length, **mine) if length else mysql.LONGTEXT(**mine)
    on_postgresql = postgresql.VARCHAR(length, "C") if length else postgresql.TEXT(None, "C")
    return sa.Text().with_variant(on_mysql, "mysql", "mariadb").with_variant(on_postgresql, "postgresql")
