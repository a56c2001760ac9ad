"""`log_metric` and `log_metrics`: what a training loop waits for, and what arrives in the store."""

from collections.abc import Callable, Iterator
from contextlib import closing
from time import perf_counter
from typing import Final, TypeAlias

from benchmarks.frame import Bench, Benchmark, Result, Target
from benchmarks.frame.points import client_in, insert_rows, losses, plain_database
from benchmarks.peers.environment import Worker, mlflow_worker
from headwater.tracking import ActiveRun

KEYS: Final = 10
BATCH: Final = 1_000
Log: TypeAlias = Callable[[ActiveRun, list[float]], None]


def run(bench: Bench) -> Iterator[Result]:
    """Compare with rows written by hand, then with MLflow in its own process."""
    count = bench.size(1_000_000, 2_000)
    yield from against_rows(bench, losses(count).tolist())
    if bench.is_quick:
        return
    with bench.folder() as folder, mlflow_worker(bench, folder) as mlflow:
        yield thread_cost(bench, mlflow)
        yield arrival(bench, mlflow)


def against_rows(bench: Bench, values: list[float]) -> Iterator[Result]:
    """Compare a million calls, until all is in the store, with `executemany` of as many rows."""

    def rows() -> float:
        with bench.folder() as folder, closing(plain_database(folder / "plain.db")) as connection:
            start = perf_counter()
            insert_rows(connection, 1, values)
            return perf_counter() - start

    for words, log in (
        (f"{len(values):,} calls of `log_metric`", log_each),
        (f"{len(values) // KEYS:,} calls of `log_metrics` with {KEYS} each", log_together),
    ):
        yield bench.compare(
            f"{words}, until they are in SQLite",
            "`sqlite3.executemany`, a row per point",
            ours=lambda log=log: logged(bench, log, values),
            theirs=rows,
            repeats=3,
            warm_ups=0,
            note="every call also survives `kill -9`",
        )


def logged(bench: Bench, log: Log, values: list[float]) -> float:
    """Return the seconds until everything is in the store."""
    with (
        bench.folder() as folder,
        client_in(folder) as client,
        client.run("bench", capture=False) as run,
    ):
        start = perf_counter()
        log(run, values)
        assert run.flush(timeout_s=300)
        return perf_counter() - start


def log_each(run: ActiveRun, values: list[float]) -> None:
    """Log one point a call."""
    for step, value in enumerate(values):
        run.log_metric("loss", value, step)


def log_together(run: ActiveRun, values: list[float]) -> None:
    """Log one step of all metrics a call."""
    names = [f"metric{i}" for i in range(KEYS)]
    for step, first in enumerate(range(0, len(values), KEYS)):
        run.log_metrics(dict(zip(names, values[first : first + KEYS], strict=True)), step)


def thread_cost(bench: Bench, mlflow: Worker) -> Result:
    """Compare what the calling thread pays for one point."""
    calls, their_calls = bench.size(100_000, 100), bench.size(200, 2)
    with (
        bench.folder() as folder,
        client_in(folder) as client,
        client.run("bench", capture=False) as run,
    ):

        def ours() -> float:
            start = perf_counter()
            for step in range(calls):
                run.log_metric("loss", 0.5, step)
            return (perf_counter() - start) / calls

        return bench.compare(
            "one `log_metric` on the training thread",
            "MLflow's `log_metric`, SQLite in process",
            ours=ours,
            theirs=lambda: mlflow.ask("log_metric", count=their_calls) / their_calls,
            target=Target(100.0, "100 times cheaper"),
        )


def arrival(bench: Bench, mlflow: Worker) -> Result:
    """Compare points in bulk, until they are in the store."""
    count = bench.size(20_000, 100)
    values = losses(count).tolist()
    return bench.compare(
        f"{count:,} points by `log_metric`, until they are in SQLite",
        f"MLflow's `log_batch` of {BATCH:,}",
        ours=lambda: logged(bench, log_each, values),
        theirs=lambda: mlflow.ask("log_batches", count=count, size=BATCH),
        repeats=5,
    )


BENCHMARK = Benchmark(
    name="metrics", summary="log_metric and log_metrics against rows by hand and MLflow", run=run
)
