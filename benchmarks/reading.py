"""A long series read back, whole and thinned out."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from benchmarks.frame import Bench, Benchmark, Result, Target
from benchmarks.frame.points import client_in, insert_rows, losses, plain_database
from headwater.store.sql.store import SqlStore

WANTED = 1_000


def run(bench: Bench) -> Iterator[Result]:
    """Compare with selecting the rows of the same points."""
    count = bench.size(100_000, 2_000)
    values = losses(count)
    with bench.folder() as folder:
        with client_in(folder) as client, client.run("bench", capture=False) as run:
            run.log_series("loss", range(count), values)
            execution = run.id
        plain_database(folder / "plain.db").close()
        with (
            closing(sqlite3.connect(folder / "plain.db", isolation_level=None)) as connection,
            SqlStore(f"sqlite:///{folder / 'store.db'}") as store,
        ):
            insert_rows(connection, 1, values.tolist())

            def select() -> None:
                statement = "SELECT step, time_ms, value FROM point WHERE run = 1 AND key = 1"
                assert len(connection.execute(statement).fetchall()) == count

            def whole() -> None:
                assert len(store.series.read(execution, "loss")) == count

            def sampled() -> None:
                assert len(store.series.sample(execution, "loss", max_points=WANTED)) == WANTED

            def bucketed() -> None:
                assert len(store.series.buckets(execution, "loss", count=WANTED)) == WANTED

            peer = f"selecting {count:,} rows"
            yield bench.compare(
                f"read a series of {count:,} points whole",
                peer,
                ours=whole,
                theirs=select,
                target=Target(10.0, "10 times faster"),
            )
            yield bench.compare(
                f"the same thinned out to {WANTED:,} points that keep its shape (LTTB)",
                peer,
                ours=sampled,
                theirs=select,
            )
            yield bench.compare(
                f"the same as {WANTED:,} buckets of minimum, maximum and mean",
                peer,
                ours=bucketed,
                theirs=select,
            )


BENCHMARK = Benchmark(name="reading", summary="a series read whole and thinned out, against rows", run=run)
