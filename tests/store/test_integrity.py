"""What doctor repairs on SQLite it repairs on servers."""

import sqlalchemy as sa

from headwater.model.graph import (
    ArtifactState,
    Event,
    EventType,
    ExecutionState,
    NewArtifact,
    NewExecution,
    NodeKind,
)
from headwater.store.sql.store import SqlStore
from tests.contract.builders import append, put_type, start_run
from tests.upkeep.damage import DAMAGE

APART = {
    "runs-without-execution",
    "series-without-execution",
    "metric-chunks-without-series",
    "newest-points",
}
"""These two pairs damage the same rows."""


def damage(url, statements):
    drivers = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "sqlite": "sqlite"}
    engine = sa.create_engine(sa.make_url(url).set(drivername=drivers[url.partition(":")[0]]))
    try:
        with engine.begin() as conn:
            for statement in statements:
                conn.exec_driver_sql(statement)
    finally:
        engine.dispose()


def fill(store):
    run = start_run(store, params={"lr": 0.1})
    append(store, run.id, [(1, 2, 0.5), (2, 3, float("nan"))])
    kinds = [put_type(store, kind) for kind in (NodeKind.ARTIFACT, NodeKind.EXECUTION)]
    new = NewArtifact(type_id=kinds[0], state=ArtifactState.PENDING, custom_properties={"a": 1})
    [artifact] = store.artifacts.add([new])
    [step] = store.executions.add([NewExecution(type_id=kinds[1], state=ExecutionState.FAILED)])
    store.links.add_events([Event(artifact_id=artifact, execution_id=step, type=EventType.PENDING_OUTPUT)])


def test_all_damage_is_found_and_repaired_on_every_database(sql_url):
    with SqlStore(sql_url) as store:
        for names in (DAMAGE.keys() - APART, {"series-without-execution"}, {"newest-points"}):
            fill(store)
            damage(sql_url, [DAMAGE[name] for name in sorted(names)])

            found = {finding.check for finding in store.upkeep.check(silent_since_ms=10_000, is_deep=True)}
            mended = {finding.check for finding in store.upkeep.repair(silent_since_ms=10_000, is_deep=True)}

            assert names <= found
            assert found == mended
            assert "half-published" in found
            assert store.upkeep.check(silent_since_ms=10_000, is_deep=True) == []
