"""Connections to database servers that stay open between transactions."""

import pytest
import sqlalchemy as sa
from sqlalchemy.event import listen

from headwater.errors import NotFoundError
from headwater.model.ids import new_run_id
from headwater.model.runs import NewRun
from headwater.model.series import Points
from headwater.store.sql import connections

SQL_BACKENDS = ("postgresql", "mysql")
END_ALL = {
    "postgresql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid != pg_backend_pid()",
    "mysql": "SELECT CONCAT('KILL ', id) FROM information_schema.processlist WHERE db = DATABASE() "
    "AND id != CONNECTION_ID()",
}


def end_all(store):
    """End every connection of the database but one of its own, as a restart of the server does."""
    engine = sa.create_engine(store._db.engine.url)
    with engine.connect() as conn:
        for (told,) in conn.exec_driver_sql(END_ALL[store._db.dialect.name]).all():
            if isinstance(told, str):
                conn.exec_driver_sql(told)
    engine.dispose()


def test_the_next_transaction_uses_the_same_connection(store):
    opened = []
    store.runs.experiments()
    listen(store._db.engine, "checkout", lambda *_: opened.append(1))

    for _ in range(5):
        store.runs.experiments()
        store.runs.with_prefix("ab")

    assert opened == []


def test_reads_and_writes_go_on_after_the_server_ended_all_connections(store, monkeypatch):
    run = store.runs.start(NewRun(run_id=new_run_id(), experiment="e"))
    monkeypatch.setattr(connections, "TRUSTED_S", 0.0)

    end_all(store)

    store.runs.log(run.id, points={"loss": Points.of([(0, 0, 0.5)])})
    assert store.series.keys(run.id) == ["loss"]


def test_a_transaction_that_fails_leaves_nothing_behind(store):
    run = store.runs.start(NewRun(run_id=new_run_id(), experiment="e"))

    for _ in range(3):
        with pytest.raises(NotFoundError):
            store.runs.log_params(10**9, {"a": 1})
        store.runs.log(run.id, tags={"t": "v"})

    assert store.runs.get([run.run_id])[0].tags == {"t": "v"}


def test_a_closed_store_has_no_connection(store):
    store.runs.experiments()
    store.runs.start(NewRun(run_id=new_run_id(), experiment="e"))

    store.close()

    pool = store._db.engine.pool
    assert (pool.checkedout(), pool.checkedin()) == (0, 0)
