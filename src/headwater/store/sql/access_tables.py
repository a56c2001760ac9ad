"""The tables of accounts, their rights, and what they sign in with; `schema` hands them out."""

import sqlalchemy as sa

from headwater.store.sql.columns import clustered, id_column, metadata
from headwater.store.sql.text import Head, Name, Text

# Who may do something here. A person of an identity provider is found by a digest of issuer and
# subject: the two together are longer than an index on MySQL takes.
account = clustered(
    "account",
    sa.Column("name", Head, primary_key=True),
    sa.Column("role", sa.SmallInteger),
    sa.Column("password_hash", Text),
    sa.Column("issuer", Text),
    sa.Column("oidc_subject", Text),
    sa.Column("oidc_digest", sa.String(64), unique=True),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
)

account_grant = clustered(
    "account_grant",
    sa.Column("account", Head, primary_key=True),
    sa.Column("subject", Name, primary_key=True),
    sa.Column("role", sa.SmallInteger, nullable=False),
)

# Tokens of programs and sessions of browsers; of the secret only its SHA-256 is kept.
token = sa.Table(
    "token",
    metadata,
    id_column(),
    sa.Column("account", Head, nullable=False),
    sa.Column("name", Name, nullable=False),
    sa.Column("kind", sa.SmallInteger, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("role_limit", sa.SmallInteger),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("expires_ms", sa.BigInteger),
    sa.Column("last_used_ms", sa.BigInteger),
    sa.Index("token_by_account", "account"),
    sqlite_autoincrement=True,
)

# Logins at an identity provider that have begun and not ended.
sign_in = clustered(
    "sign_in",
    sa.Column("state_digest", sa.String(64), primary_key=True),
    sa.Column("browser_digest", sa.String(64), nullable=False),
    sa.Column("nonce", Text, nullable=False),
    sa.Column("verifier", Text, nullable=False),
    sa.Column("return_to", Text, nullable=False),
    sa.Column("expires_ms", sa.BigInteger, nullable=False),
    sa.Index("sign_in_by_expiry", "expires_ms"),
)
