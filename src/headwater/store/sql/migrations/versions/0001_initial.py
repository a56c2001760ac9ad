"""The first tables, frozen as they were: nothing here follows the living schema."""

import secrets
from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql, postgresql

revision = "0001"
down_revision = None

BEFORE: tuple[str, ...] = ()
"""SQL run on a database of the version before: rows that an old database holds."""
AFTER: tuple[str, ...] = (
    "SELECT COUNT(*) = 9 FROM type WHERE version = ''",
    "SELECT name = 'mlmd.Deploy' FROM type WHERE id = 9 AND kind = 0",
    "SELECT COUNT(*) = 2 FROM setting WHERE name IN ('lock:parents', 'lock:ledger')",
    "SELECT LENGTH(value) = 32 FROM setting WHERE name = 'store_id'",
)
"""SELECTs that give true on the newest version then."""

SYSTEM_TYPES: Final = (
    *((1, f"mlmd.{name}") for name in ("Dataset", "Model", "Metrics", "Statistics")),
    *((0, f"mlmd.{name}") for name in ("Train", "Transform", "Process", "Evaluate", "Deploy")),
)

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Bytes = sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")
Column = sa.Column[Any]


def upgrade() -> None:
    bind = op.get_bind()
    tables = Tables(is_mariadb=getattr(bind.dialect, "is_mariadb", False))
    tables.all()
    tables.metadata.create_all(bind)
    kind, setting = tables.metadata.tables["type"], tables.metadata.tables["setting"]
    # One by one, so that their ids count up in this order.
    for number, name in SYSTEM_TYPES:
        bind.execute(sa.insert(kind).values(kind=number, name=name, version=""))
    rows = {"lock:parents": "", "lock:ledger": "", "store_id": secrets.token_hex(16)}
    bind.execute(sa.insert(setting), [{"name": name, "value": value} for name, value in rows.items()])


class Tables:
    """All tables of this version, for one kind of database."""

    def __init__(self, *, is_mariadb: bool) -> None:
        self.metadata = sa.MetaData()
        self._collation = "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"
        self._text, self._name, self._head = self._texts(None), self._texts(500), self._texts(128)

    def all(self) -> None:
        self._types()
        self._nodes()
        self._edges()
        self._runs()
        self._versions()
        self._clustered("setting", self._key("name"), sa.Column("value", self._text, nullable=False))
        self._clustered(
            "idempotency",
            self._key("key"),
            sa.Column("request_digest", sa.String(64), nullable=False),
            sa.Column("result", Bytes, nullable=False),
            sa.Column("created_ms", sa.BigInteger, nullable=False),
            sa.Index("idempotency_by_time", "created_ms"),
        )

    def _types(self) -> None:
        sa.Table(
            "type",
            self.metadata,
            sa.Column("id", Id, primary_key=True, autoincrement=True),
            sa.Column("kind", sa.SmallInteger, nullable=False),
            sa.Column("name", self._name, nullable=False),
            sa.Column("version", self._head, nullable=False),
            sa.Column("description", self._text),
            sa.Column("base_type_id", sa.BigInteger),
            sa.Column("external_id", self._name, unique=True),
            sa.Column("input_type", self._text),
            sa.Column("output_type", self._text),
            sa.UniqueConstraint("kind", "name", "version", name="type_by_name"),
            sqlite_autoincrement=True,
        )
        self._clustered(
            "type_property",
            self._number_key("type_id"),
            self._key("name"),
            sa.Column("kind", sa.SmallInteger, nullable=False),
        )

    def _nodes(self) -> None:
        self._node(
            "artifact",
            sa.Column("uri", self._text),
            sa.Column("state", sa.SmallInteger),
            sa.Column("digest", self._name),
            sa.Column("size_bytes", sa.BigInteger),
            indexes=(
                sa.Index(
                    "artifact_by_uri",
                    "uri",
                    mysql_length={"uri": 255},
                    mariadb_length={"uri": 255},
                    postgresql_using="hash",
                ),
                sa.Index("artifact_by_digest", "digest"),
            ),
        )
        self._node("execution", sa.Column("state", sa.SmallInteger))
        self._node("context")
        for node in ("artifact", "execution", "context"):
            self._properties(node)

    def _edges(self) -> None:
        self._clustered(
            "event",
            self._number_key("execution_id"),
            sa.Column("type", sa.SmallInteger, primary_key=True),
            self._number_key("artifact_id"),
            sa.Column("path", self._text),
            sa.Column("time_ms", sa.BigInteger, nullable=False),
            sa.Index("event_by_artifact", "artifact_id", "type", "execution_id"),
        )
        self._link("attribution", "context_id", "artifact_id")
        self._link("association", "context_id", "execution_id")
        self._link("parent_context", "child_id", "parent_id")

    def _runs(self) -> None:
        sa.Table(
            "run",
            self.metadata,
            sa.Column("execution_id", Id, primary_key=True, autoincrement=False),
            sa.Column("run_id", sa.String(32), nullable=False, unique=True),
            sa.Column("experiment_id", sa.BigInteger, nullable=False),
            sa.Column("name", self._name),
            sa.Column("status", sa.SmallInteger, nullable=False),
            sa.Column("start_ms", sa.BigInteger, nullable=False),
            sa.Column("end_ms", sa.BigInteger),
            sa.Column("user", self._name),
            sa.Column("host", self._name),
            sa.Column("parent_id", sa.BigInteger),
            sa.Column("heartbeat_ms", sa.BigInteger),
            sa.Column("error", self._text),
            sa.Index("run_by_start", "start_ms", "execution_id"),
            sa.Index("run_by_experiment", "experiment_id", "start_ms", "execution_id"),
            sa.Index("run_by_parent", "parent_id"),
            sa.Index("run_by_status", "status", "heartbeat_ms"),
            sa.Index("run_by_name", "name"),
        )
        sa.Table(
            "series",
            self.metadata,
            sa.Column("id", Id, primary_key=True, autoincrement=True),
            sa.Column("execution_id", sa.BigInteger, nullable=False),
            sa.Column("key", self._name, nullable=False),
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
        self._clustered(
            "metric_chunk",
            *(self._number_key(name) for name in ("series_id", "writer", "batch")),
            sa.Column("count", sa.Integer, nullable=False),
            sa.Column("min_step", sa.BigInteger, nullable=False),
            sa.Column("max_step", sa.BigInteger, nullable=False),
            sa.Column("payload", Bytes, nullable=False),
        )
        self._clustered(
            "merged_batch",
            self._number_key("series_id"),
            self._number_key("writer"),
            sa.Column("batch", sa.BigInteger, nullable=False),
        )

    def _versions(self) -> None:
        sa.Table(
            "version",
            self.metadata,
            sa.Column("artifact_id", Id, primary_key=True, autoincrement=False),
            sa.Column("context_id", sa.BigInteger, nullable=False),
            sa.Column("number", sa.BigInteger, nullable=False),
            sa.Column("stage", self._head),
            sa.Column("exclusive_stage", self._head),
            sa.Column("content", self._name),
            sa.UniqueConstraint("context_id", "number", name="version_by_number"),
            sa.UniqueConstraint("context_id", "exclusive_stage", name="version_by_exclusive_stage"),
            sa.UniqueConstraint("context_id", "content", name="version_by_content"),
        )
        self._clustered(
            "alias",
            self._number_key("context_id"),
            self._key("name"),
            sa.Column("artifact_id", sa.BigInteger, nullable=False),
            sa.Index("alias_by_artifact", "artifact_id"),
        )
        sa.Table(
            "ledger",
            self.metadata,
            sa.Column("seq", Id, primary_key=True, autoincrement=False),
            sa.Column("time_ms", sa.BigInteger, nullable=False),
            *(sa.Column(name, self._name, nullable=False) for name in ("actor", "action", "subject")),
            sa.Column("reason", self._text, nullable=False),
            sa.Column("details", self._text, nullable=False),
            sa.Column("previous_hash", sa.String(64), nullable=False, unique=True),
            sa.Column("hash", sa.String(64), nullable=False),
            sa.Index("ledger_by_subject", "subject", "seq"),
        )

    def _node(self, name: str, *columns: Column, indexes: tuple[sa.Index, ...] = ()) -> None:
        sa.Table(
            name,
            self.metadata,
            sa.Column("id", Id, primary_key=True, autoincrement=True),
            sa.Column("type_id", sa.BigInteger, nullable=False),
            sa.Column("name", self._name, nullable=name != "context"),
            sa.Column("external_id", self._name),
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

    def _properties(self, node: str) -> None:
        self._clustered(
            f"{node}_property",
            self._number_key("node_id"),
            sa.Column("space", sa.SmallInteger, primary_key=True),
            self._key("name"),
            sa.Column("kind", sa.SmallInteger, nullable=False),
            sa.Column("int_value", sa.BigInteger),
            sa.Column("number_value", sa.Double),
            sa.Column("head", self._head),
            sa.Column("text_value", self._text),
            sa.Column("bytes_value", Bytes),
            *(
                sa.Index(
                    f"{node}_property_by_{kind}",
                    "name",
                    "space",
                    column,
                    "node_id",
                    sqlite_where=sa.text(f"{column} IS NOT NULL"),
                    postgresql_where=sa.text(f"{column} IS NOT NULL"),
                )
                for kind, column in (("number", "number_value"), ("text", "head"))
            ),
        )

    def _link(self, name: str, first: str, second: str) -> None:
        self._clustered(
            name,
            self._number_key(first),
            self._number_key(second),
            sa.Column("created_ms", sa.BigInteger, nullable=False),
            sa.Index(f"{name}_reversed", second, first),
        )

    def _clustered(self, name: str, *items: Column | sa.Index) -> None:
        sa.Table(name, self.metadata, *items, sqlite_with_rowid=False)

    def _key(self, name: str) -> Column:
        return sa.Column(name, self._name, primary_key=True)

    def _number_key(self, name: str) -> Column:
        return sa.Column(name, sa.BigInteger, primary_key=True)

    def _texts(self, length: int | None) -> sa.types.TypeEngine[Any]:
        mine = {"charset": "utf8mb4", "collation": self._collation}
        on_mysql = mysql.VARCHAR(length, **mine) if length else mysql.LONGTEXT(**mine)
        on_postgresql = postgresql.VARCHAR(length, "C") if length else postgresql.TEXT(None, "C")
        return sa.Text().with_variant(on_mysql, "mysql", "mariadb").with_variant(on_postgresql, "postgresql")
