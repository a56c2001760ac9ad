"""A database whose disk is full says so, and goes on when there is room."""

import pytest

from headwater.errors import UnavailableError
from headwater.store.sql.database import Database

LARGE = "INSERT INTO t VALUES (randomblob(1000000))"


def test_a_full_disk_is_told_and_nothing_is_half_written(tmp_path):
    db = Database(f"sqlite:///{tmp_path / 'store.db'}", clock_ms=lambda: 0)
    db.write(lambda conn: conn.exec_driver_sql("CREATE TABLE t (data)"))
    # No fewer than there are.
    db.write(lambda conn: conn.exec_driver_sql("PRAGMA max_page_count = 1"))

    with pytest.raises(UnavailableError, match="disk is full"):
        db.write(lambda conn: conn.exec_driver_sql(LARGE))

    db.write(lambda conn: conn.exec_driver_sql("PRAGMA max_page_count = 1000000"))
    db.write(lambda conn: conn.exec_driver_sql(LARGE))
    with db.read() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM t").scalar() == 1
    db.close()
