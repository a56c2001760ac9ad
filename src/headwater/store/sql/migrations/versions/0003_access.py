"""Accounts, grants, tokens, and logins that have begun."""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

revision = "0003"
down_revision = "0002"

BEFORE: tuple[str, ...] = (
    "INSERT INTO ledger VALUES (1, 1234, 'ann', 'register', 'models/m/1', '', '{}', 'a', 'b')",
)
"""SQL run on a database of the version before: rows that an old database holds."""
AFTER: tuple[str, ...] = (
    "SELECT COUNT(*) = 1 FROM ledger WHERE time_ms = 1234",
    *(f"SELECT COUNT(*) = 0 FROM {table}" for table in ("account", "account_grant", "token", "sign_in")),
)
"""SELECTs that give true on the newest version then."""

MAX_NAME_CHARS: Final = 500
HEAD_CHARS: Final = 128
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    bind = op.get_bind()
    tables(is_mariadb=getattr(bind.dialect, "is_mariadb", False)).create_all(bind)


def tables(*, is_mariadb: bool) -> sa.MetaData:
    """The new tables, for one kind of database."""
    metadata = sa.MetaData()
    text, name, head = (_text(n, is_mariadb=is_mariadb) for n in (None, MAX_NAME_CHARS, HEAD_CHARS))
    sa.Table(
        "account",
        metadata,
        sa.Column("name", head, primary_key=True),
        sa.Column("role", sa.SmallInteger),
        sa.Column("password_hash", text),
        sa.Column("issuer", text),
        sa.Column("oidc_subject", text),
        sa.Column("oidc_digest", sa.String(64), unique=True),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    sa.Table(
        "account_grant",
        metadata,
        sa.Column("account", head, primary_key=True),
        sa.Column("subject", name, primary_key=True),
        sa.Column("role", sa.SmallInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    sa.Table(
        "token",
        metadata,
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("account", head, nullable=False),
        sa.Column("name", name, nullable=False),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("role_limit", sa.SmallInteger),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger),
        sa.Column("last_used_ms", sa.BigInteger),
        sa.Index("token_by_account", "account"),
        sqlite_autoincrement=True,
    )
    sa.Table(
        "sign_in",
        metadata,
        sa.Column("state_digest", sa.String(64), primary_key=True),
        sa.Column("browser_digest", sa.String(64), nullable=False),
        sa.Column("nonce", text, nullable=False),
        sa.Column("verifier", text, nullable=False),
        sa.Column("return_to", text, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Index("sign_in_by_expiry", "expires_ms"),
        sqlite_with_rowid=False,
    )
    return metadata


def _text(length: int | None, *, is_mariadb: bool) -> sa.types.TypeEngine[Any]:
    mine = {"charset": "utf8mb4", "collation": "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"}
    on_mysql = mysql.VARCHAR(length, **mine) if length else mysql.LONGTEXT(**mine)
    on_postgresql = postgresql.VARCHAR(length, "C") if length else postgresql.TEXT(None, "C")
    return sa.Text().with_variant(on_mysql, "mysql", "mariadb").with_variant(on_postgresql, "postgresql")
