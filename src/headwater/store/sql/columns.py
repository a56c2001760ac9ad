"""What tables are made of: the schema that they belong to, and columns that many have."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

metadata = sa.MetaData()

# SQLite counts up only an INTEGER key, which is 64 bits wide there.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Bytes = sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")


def id_column() -> sa.Column[int]:
    """Build the key of a table whose rows are numbered."""
    return sa.Column("id", Id, primary_key=True, autoincrement=True)


def clustered(name: str, *items: Any) -> sa.Table:
    """Build a table that is stored in the order of its key, so that the key needs no second copy."""
    return sa.Table(name, metadata, *items, sqlite_with_rowid=False)
