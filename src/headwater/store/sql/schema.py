"""The tables, as SQLAlchemy Core. Change them together with a migration; a test compares the two.

Conventions: ids are 64-bit and never used twice; times are milliseconds since
the epoch, UTC; enums are the integers of `headwater.model`. There are no
foreign keys: writes check what they refer to, `headwater doctor` finds what
dangles, and lineage stays readable after its nodes were removed.
"""

from typing import Any, Final

import sqlalchemy as sa

from headwater.store.sql.access_tables import account as account
from headwater.store.sql.access_tables import account_grant as account_grant
from headwater.store.sql.access_tables import sign_in as sign_in
from headwater.store.sql.access_tables import token as token
from headwater.store.sql.columns import Bytes, Id, clustered, id_column, metadata
from headwater.store.sql.text import Head, Name, Text

SCHEMA_VERSION: Final = 4
"""Version of these tables; the newest migration has this number."""

URI_INDEX_CHARS: Final = 255

setting = clustered(
    "setting",
    sa.Column("name", Name, primary_key=True),
    sa.Column("value", Text, nullable=False),
)

idempotency = clustered(
    "idempotency",
    sa.Column("key", Name, primary_key=True),
    sa.Column("request_digest", sa.String(64), nullable=False),
    sa.Column("result", Bytes, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Index("idempotency_by_time", "created_ms"),
)

type_ = sa.Table(
    "type",
    metadata,
    id_column(),
    sa.Column("kind", sa.SmallInteger, nullable=False),
    sa.Column("name", Name, nullable=False),
    # Empty for a type without a version, so that the unique key covers it.
    sa.Column("version", Head, nullable=False),
    sa.Column("description", Text),
    sa.Column("base_type_id", sa.BigInteger),
    sa.Column("external_id", Name, unique=True),
    sa.Column("input_type", Text),
    sa.Column("output_type", Text),
    sa.UniqueConstraint("kind", "name", "version", name="type_by_name"),
    sqlite_autoincrement=True,
)

type_property = clustered(
    "type_property",
    sa.Column("type_id", sa.BigInteger, primary_key=True),
    sa.Column("name", Name, primary_key=True),
    sa.Column("kind", sa.SmallInteger, nullable=False),
)


def _node(name: str, *columns: sa.Column[Any], indexes: tuple[Any, ...] = ()) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        id_column(),
        sa.Column("type_id", sa.BigInteger, nullable=False),
        sa.Column("name", Name, nullable=name != "context"),
        sa.Column("external_id", Name),
        *columns,
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.Column("deleted_ms", sa.BigInteger),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.UniqueConstraint("type_id", "name", name=f"{name}_by_name"),
        sa.UniqueConstraint("external_id", name=f"{name}_by_external_id"),
        sa.Index(f"{name}_by_created", "created_ms"),
        sa.Index(f"{name}_by_updated", "updated_ms"),
        *indexes,
        sqlite_autoincrement=True,
    )


artifact = _node(
    "artifact",
    sa.Column("uri", Text),
    sa.Column("state", sa.SmallInteger),
    sa.Column("digest", Name),
    sa.Column("size_bytes", sa.BigInteger),
    indexes=(
        # PostgreSQL's ordered index takes no more than 2,700 bytes.
        sa.Index(
            "artifact_by_uri",
            "uri",
            mysql_length={"uri": URI_INDEX_CHARS},
            mariadb_length={"uri": URI_INDEX_CHARS},
            postgresql_using="hash",
        ),
        sa.Index("artifact_by_digest", "digest"),
    ),
)
execution = _node("execution", sa.Column("state", sa.SmallInteger))
context = _node("context")


def _properties(node: str) -> sa.Table:
    """One row per property; `values.py` says what stands in which column."""
    return clustered(
        f"{node}_property",
        sa.Column("node_id", sa.BigInteger, primary_key=True),
        sa.Column("space", sa.SmallInteger, primary_key=True),
        sa.Column("name", Name, primary_key=True),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("int_value", sa.BigInteger),
        sa.Column("number_value", sa.Double),
        sa.Column("head", Head),
        sa.Column("text_value", Text),
        sa.Column("bytes_value", Bytes),
        sa.Index(
            f"{node}_property_by_number",
            "name",
            "space",
            "number_value",
            "node_id",
            sqlite_where=sa.text("number_value IS NOT NULL"),
            postgresql_where=sa.text("number_value IS NOT NULL"),
        ),
        sa.Index(
            f"{node}_property_by_text",
            "name",
            "space",
            "head",
            "node_id",
            sqlite_where=sa.text("head IS NOT NULL"),
            postgresql_where=sa.text("head IS NOT NULL"),
        ),
    )


artifact_property = _properties("artifact")
execution_property = _properties("execution")
context_property = _properties("context")

event = clustered(
    "event",
    sa.Column("execution_id", sa.BigInteger, primary_key=True),
    sa.Column("type", sa.SmallInteger, primary_key=True),
    sa.Column("artifact_id", sa.BigInteger, primary_key=True),
    # JSON list of keys (strings) and indexes (numbers); NULL for no path.
    sa.Column("path", Text),
    sa.Column("time_ms", sa.BigInteger, nullable=False),
    sa.Index("event_by_artifact", "artifact_id", "type", "execution_id"),
    # Whoever keeps the edges in memory asks for the newest ones.
    sa.Index("event_by_time", "time_ms"),
)


def _link(name: str, first: str, second: str) -> sa.Table:
    return clustered(
        name,
        sa.Column(first, sa.BigInteger, primary_key=True),
        sa.Column(second, sa.BigInteger, primary_key=True),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Index(f"{name}_reversed", second, first),
    )


attribution = _link("attribution", "context_id", "artifact_id")
association = _link("association", "context_id", "execution_id")
parent_context = _link("parent_context", "child_id", "parent_id")

run = sa.Table(
    "run",
    metadata,
    sa.Column("execution_id", Id, primary_key=True, autoincrement=False),
    sa.Column("run_id", sa.String(32), nullable=False, unique=True),
    sa.Column("experiment_id", sa.BigInteger, nullable=False),
    sa.Column("name", Name),
    sa.Column("status", sa.SmallInteger, nullable=False),
    sa.Column("start_ms", sa.BigInteger, nullable=False),
    sa.Column("end_ms", sa.BigInteger),
    sa.Column("user", Name),
    sa.Column("host", Name),
    sa.Column("parent_id", sa.BigInteger),
    sa.Column("heartbeat_ms", sa.BigInteger),
    sa.Column("error", Text),
    sa.Index("run_by_start", "start_ms", "execution_id"),
    sa.Index("run_by_experiment", "experiment_id", "start_ms", "execution_id"),
    sa.Index("run_by_parent", "parent_id"),
    sa.Index("run_by_status", "status", "heartbeat_ms"),
    sa.Index("run_by_name", "name"),
)

# One row per metric of a run: its identity, and its newest point and range,
# which search, tables and ordering use. `value` is NULL for NaN and clamped to
# the largest double for an infinity; `infinite` tells which of value (1),
# min_value (2) and max_value (4) really are infinite.
series = sa.Table(
    "series",
    metadata,
    id_column(),
    sa.Column("execution_id", sa.BigInteger, nullable=False),
    sa.Column("key", Name, nullable=False),
    sa.Column("step", sa.BigInteger, nullable=False),
    sa.Column("time_ms", sa.BigInteger, nullable=False),
    sa.Column("value", sa.Double),
    sa.Column("min_value", sa.Double),
    sa.Column("max_value", sa.Double),
    sa.Column("infinite", sa.SmallInteger, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("execution_id", "key", name="series_by_execution"),
    sa.Index("series_by_value", "key", "value", "execution_id"),
    sqlite_autoincrement=True,
)

# Writer 0 is the store itself, which merges chunks; `chunks.py` says what the payload holds.
metric_chunk = clustered(
    "metric_chunk",
    sa.Column("series_id", sa.BigInteger, primary_key=True),
    sa.Column("writer", sa.BigInteger, primary_key=True),
    sa.Column("batch", sa.BigInteger, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("min_step", sa.BigInteger, nullable=False),
    sa.Column("max_step", sa.BigInteger, nullable=False),
    sa.Column("payload", Bytes, nullable=False),
)

# The last batch of a writer that was merged away: a retry up to it is known.
merged_batch = clustered(
    "merged_batch",
    sa.Column("series_id", sa.BigInteger, primary_key=True),
    sa.Column("writer", sa.BigInteger, primary_key=True),
    sa.Column("batch", sa.BigInteger, nullable=False),
)

# Numbered versions of a registered model or a data set: the artifact, its
# context and its number. `exclusive_stage` repeats the stage where only one
# version may hold it, and `content` the digest where equal content is one
# version (data sets); both are NULL otherwise, and NULLs never collide.
version = sa.Table(
    "version",
    metadata,
    sa.Column("artifact_id", Id, primary_key=True, autoincrement=False),
    sa.Column("context_id", sa.BigInteger, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("stage", Head),
    sa.Column("exclusive_stage", Head),
    sa.Column("content", Name),
    sa.UniqueConstraint("context_id", "number", name="version_by_number"),
    sa.UniqueConstraint("context_id", "exclusive_stage", name="version_by_exclusive_stage"),
    sa.UniqueConstraint("context_id", "content", name="version_by_content"),
)

alias = clustered(
    "alias",
    sa.Column("context_id", sa.BigInteger, primary_key=True),
    sa.Column("name", Name, primary_key=True),
    sa.Column("artifact_id", sa.BigInteger, nullable=False),
    sa.Index("alias_by_artifact", "artifact_id"),
)

# Versions that nobody should use any more.
deprecation = sa.Table(
    "deprecation",
    metadata,
    sa.Column("artifact_id", Id, primary_key=True, autoincrement=False),
    sa.Column("reason", Text, nullable=False),
    sa.Column("actor", Name, nullable=False),
    sa.Column("time_ms", sa.BigInteger, nullable=False),
)

# Somebody asks that a version may go to a stage. `open_stage` repeats the stage
# while the request is open, so that there is one open request for each.
approval_request = sa.Table(
    "approval_request",
    metadata,
    id_column(),
    sa.Column("artifact_id", sa.BigInteger, nullable=False),
    sa.Column("stage", Head, nullable=False),
    sa.Column("open_stage", Head),
    sa.Column("status", sa.SmallInteger, nullable=False),
    sa.Column("requester", Name, nullable=False),
    sa.Column("reason", Text, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("closed_ms", sa.BigInteger),
    sa.UniqueConstraint("artifact_id", "open_stage", name="approval_request_by_open_stage"),
    sa.Index("approval_request_by_status", "status", "created_ms"),
    sqlite_autoincrement=True,
)

# The present vote of each approver; the ledger keeps those that were taken back.
approval_vote = clustered(
    "approval_vote",
    sa.Column("request_id", sa.BigInteger, primary_key=True),
    sa.Column("actor", Name, primary_key=True),
    sa.Column("approves", sa.SmallInteger, nullable=False),
    sa.Column("reason", Text, nullable=False),
    sa.Column("time_ms", sa.BigInteger, nullable=False),
)

# What is left of a node that was removed for good, so that lineage stays readable.
tombstone = clustered(
    "tombstone",
    sa.Column("kind", sa.SmallInteger, primary_key=True),
    sa.Column("node_id", sa.BigInteger, primary_key=True),
    sa.Column("type_id", sa.BigInteger, nullable=False),
    sa.Column("name", Name),
    sa.Column("uri", Text),
    sa.Column("digest", Name),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("deleted_ms", sa.BigInteger, nullable=False),
    sa.Column("removed_ms", sa.BigInteger, nullable=False),
)

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("seq", Id, primary_key=True, autoincrement=False),
    sa.Column("time_ms", sa.BigInteger, nullable=False),
    sa.Column("actor", Name, nullable=False),
    sa.Column("action", Name, nullable=False),
    sa.Column("subject", Name, nullable=False),
    sa.Column("reason", Text, nullable=False),
    sa.Column("details", Text, nullable=False),
    # Unique: two entries cannot follow the same one.
    sa.Column("previous_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Index("ledger_by_subject", "subject", "seq"),
)

# Whom to tell of decisions. `events` is a JSON list; the secret is read by the sender alone.
webhook = clustered(
    "webhook",
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("name", Name, nullable=False),
    sa.Column("url", Text, nullable=False),
    sa.Column("events", Text, nullable=False),
    sa.Column("description", Text),
    sa.Column("secret", Text),
    sa.Column("is_active", sa.SmallInteger, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("updated_ms", sa.BigInteger, nullable=False),
)
