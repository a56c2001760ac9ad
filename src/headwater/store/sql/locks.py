"""Locks for rules that span many rows; a lock is a row that writers lock first, held until they commit."""

from typing import Final

import sqlalchemy as sa

from headwater.store.sql.schema import setting

PARENTS: Final = "lock:parents"
"""Parent contexts stay free of cycles."""
LEDGER: Final = "lock:ledger"
"""Ledger entries follow each other without gaps."""


def lock(conn: sa.Connection, name: str) -> None:
    """Wait for a lock; a no-op on SQLite, where there is one writer at a time."""
    conn.execute(sa.select(setting.c.name).where(setting.c.name == name).with_for_update())
