"""Whole series: a million points into SQLite."""

from collections.abc import Iterator
from contextlib import closing
from time import perf_counter

from benchmarks.frame import Bench, Benchmark, Result, Target
from benchmarks.frame.points import client_in, insert_rows, losses, plain_database, size_of

SERIES = 10


def run(bench: Bench) -> Iterator[Result]:
    """Compare `log_series`, until everything is in the store, with a row per point."""
    count = bench.size(1_000_000, 5_000) // SERIES
    columns = [losses(count, seed=number) for number in range(SERIES)]
    lists = [column.tolist() for column in columns]

    def ours() -> float:
        with bench.folder() as folder, client_in(folder) as client:
            with client.run("bench", capture=False) as run:
                start = perf_counter()
                for number, column in enumerate(columns):
                    run.log_series(f"metric{number}", range(count), column)
                assert run.flush()
                took = perf_counter() - start
            bytes_ours.append(size_of(folder / "store.db") / (SERIES * count))
        return took

    def theirs() -> float:
        with bench.folder() as folder:
            with closing(plain_database(folder / "plain.db")) as connection:
                start = perf_counter()
                for number, values in enumerate(lists):
                    insert_rows(connection, number, values)
                took = perf_counter() - start
            bytes_theirs.append(size_of(folder / "plain.db") / (SERIES * count))
        return took

    bytes_ours, bytes_theirs = list[float](), list[float]()
    yield bench.compare(
        f"{SERIES * count:,} points by `log_series`, until they are in SQLite",
        "`sqlite3.executemany`, a row per point",
        ours=ours,
        theirs=theirs,
        target=Target(1.0, "at least as fast"),
    )
    yield bench.result(
        "the same, bytes per point on disk",
        "`sqlite3.executemany`, a row per point",
        bytes_ours[-1:],
        bytes_theirs[-1:],
        unit="B",
        target=Target(3.0, "a third"),
    )


BENCHMARK = Benchmark(name="series", summary="log_series against a row per point: time and bytes", run=run)
