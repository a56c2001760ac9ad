"""The same search as in MLflow, at a size that it can bear."""

from collections.abc import Iterator
from typing import Final

from benchmarks.data.mlflow import fill_mlflow
from benchmarks.data.runs import Runs, fill_store
from benchmarks.frame import Bench, Benchmark, Result, Target
from benchmarks.peers.environment import Worker, mlflow_worker
from benchmarks.search import LIMIT, Case, cases, question
from headwater.store.sql.store import SqlStore

TARGET: Final = Target(50.0, "50 times faster")


def run(bench: Bench) -> Iterator[Result]:
    """Put the same runs into both, and ask both the same."""
    runs = Runs(bench.size(10_000, 100))
    stored = bench.cached(f"runs-{runs.count}.db", lambda file: fill_store(f"sqlite:///{file}", runs))
    with (
        bench.folder() as folder,
        mlflow_worker(bench, folder) as mlflow,
        SqlStore(f"sqlite:///{stored}") as store,
    ):
        experiment = mlflow.ask("experiment")
        fill_mlflow(f"sqlite:///{folder / 'mlflow.db'}", experiment, runs)
        for case in cases(runs.count):
            yield compare(bench, store, mlflow, experiment, case, runs.count)


def compare(bench: Bench, store: SqlStore, mlflow: Worker, experiment: int, case: Case, count: int) -> Result:
    """Measure one question both ways."""
    ask = question(store, case.filter)
    # Its params are text.
    text = f"metrics.acc > {case.above} and params.{case.param} = '{case.value}'"

    def theirs() -> float:
        arguments = {"experiment": experiment, "text": text, "order": "metrics.acc DESC", "limit": LIMIT}
        answer = mlflow.ask("search", **arguments)
        assert answer["best"] == [run.metrics["acc"].value for run in ask()]
        return answer["seconds"]

    return bench.compare(
        f"search {count:,} runs, {case.words}: filter, order, first {LIMIT} with 20 fields each",
        "MLflow's `search_runs`, SQLite in process",
        ours=lambda: void(ask()),
        theirs=theirs,
        target=TARGET,
        repeats=5,
    )


def void(_: object) -> None:
    """Let the frame take the time."""


BENCHMARK = Benchmark(name="search_mlflow", summary="run search against MLflow's search_runs", run=run)
