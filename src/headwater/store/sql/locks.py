"""Locks for rules that span many rows; a lock is a row that writers lock first, held until they commit."""

from typing import Final

import sqlalchemy as sa

from headwater.store.sql.schema import setting

PARENTS: Final = "lock:parents"
"""Parent contexts stay free of cycles."""
LEDGER: Final = "lock:ledger"
"""Ledger entries follow each other without gaps."""
RELEASES: Final = "lock:releases"
"""Release processes stay as they are while a version moves by them."""


def lock(conn: sa.Connection, name: str, *, is_shared: bool = False) -> None:
    """Wait for a lock; a no-op on SQLite, where there is one writer at a time.

    Args:
        conn: The transaction that will hold it.
        name: Which lock.
        is_shared: Others may hold it at the same time, if they share it too.
    """
    row = sa.select(setting.c.name).where(setting.c.name == name)
    conn.execute(row.with_for_update(read=is_shared))
