"""Everything that an artifact came from, among a million artifacts."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Final

from benchmarks.data.lineage import Families, fill_store
from benchmarks.frame import Bench, Benchmark, Result, Target
from benchmarks.frame.turns import take_turns, timed_loop
from headwater.model.ids import ArtifactId
from headwater.model.lineage import Walk
from headwater.store.sql.store import SqlStore

# Outputs are events 4, inputs 3: from an artifact to whatever its execution read.
ARTIFACTS: Final = """
WITH RECURSIVE up(id) AS (
    SELECT ? UNION
    SELECT used.artifact_id FROM up
    CROSS JOIN event made ON made.artifact_id = up.id AND made.type IN (1, 4, 6, 7)
    CROSS JOIN event used ON used.execution_id = made.execution_id AND used.type IN (2, 3, 5)
)
SELECT id FROM up
"""
# The same nodes as the store gives: artifacts are of kind 1, executions of kind 0.
NODES: Final = """
WITH RECURSIVE up(kind, id) AS (
    SELECT 1, ?
    UNION SELECT 0, made.execution_id FROM up CROSS JOIN event made
        ON up.kind = 1 AND made.artifact_id = up.id AND made.type IN (1, 4, 6, 7)
    UNION SELECT 1, used.artifact_id FROM up CROSS JOIN event used
        ON up.kind = 0 AND used.execution_id = up.id AND used.type IN (2, 3, 5)
)
SELECT kind, id FROM up
"""
COLD: Final = Target(1 / 1.5, "within 1.5 times")


def run(bench: Bench) -> Iterator[Result]:
    """Compare hop by hop with one recursive query on the same tables, for three sizes of answer."""
    families = Families.of(bench.size(500_000, 2_000))
    file = bench.cached(f"lineage-{families.executions}.db", lambda file: fill_store(file, families))
    with SqlStore(f"sqlite:///{file}") as store, closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA cache_size=-64000")
        starts = [families.last_artifact(family) for family in (len(families.sizes) - 1, 1, 0)]
        for start, loops in zip(starts, (200, 3, 1), strict=True):
            yield from compare(bench, store, connection, start, bench.size(loops, 1))
        store.lineage.keep_in_memory(max_age_s=3600)
        for start, loops in zip(starts[1:], (10, 2), strict=True):
            yield warm(bench, store, connection, start, bench.size(loops, 1))


def compare(
    bench: Bench, store: SqlStore, connection: sqlite3.Connection, start: int, loops: int
) -> Iterator[Result]:
    """Measure one closure three ways; ours also has the hops and the edges."""
    question = Walk(artifacts=(ArtifactId(start),), max_nodes=1_000_000)

    def bare(query: str) -> list[tuple[int, ...]]:
        return connection.execute(query, (start,)).fetchall()

    reached = store.lineage.reach(question)
    assert {i for (i,) in bare(ARTIFACTS)} == set(reached.artifacts)
    assert {i for kind, i in bare(NODES) if not kind} == set(reached.executions)
    work: list[Callable[[], object]] = [
        lambda: store.lineage.reach(question),
        lambda: bare(NODES),
        lambda: bare(ARTIFACTS),
    ]
    arms = [timed_loop(lambda _, one=one: one(), loops) for one in work]
    ours, nodes, artifacts = take_turns(arms, repeats=bench.size(9, 1))
    count = len(reached.artifacts) + len(reached.executions)
    words = f"upstream closure of {count:,} nodes in a store of {_words(connection)}, cold"
    peer = "the bare recursive query"
    yield bench.result(words, f"{peer} for the same nodes", ours, nodes, target=COLD)
    yield bench.result(words, f"{peer} for the artifacts alone", ours, artifacts)


def warm(bench: Bench, store: SqlStore, connection: sqlite3.Connection, start: int, loops: int) -> Result:
    """Measure one closure with the edges in memory."""
    question = Walk(artifacts=(ArtifactId(start),), max_nodes=1_000_000)
    count = len(store.lineage.reach(question).artifacts) + len(store.lineage.reach(question).executions)
    return bench.compare(
        f"upstream closure of {count:,} nodes in a store of {_words(connection)}, warm",
        "the bare recursive query for the same nodes",
        ours=timed_loop(lambda _: store.lineage.reach(question), loops),
        theirs=timed_loop(lambda _: connection.execute(NODES, (start,)).fetchall(), loops),
        target=Target(5.0, "5 times faster above 5,000 nodes"),
        repeats=9,
    )


def _words(connection: sqlite3.Connection) -> str:
    artifacts, events = (
        connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("artifact", "event")
    )
    return f"{artifacts:,} artifacts and {events:,} events"


BENCHMARK = Benchmark(name="lineage", summary="upstream closures against the bare recursive query", run=run)
