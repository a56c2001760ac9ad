"""How the cost of everyday calls grows from a thousand runs to a million."""

from array import array
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from statistics import median
from time import time_ns
from typing import Any, Final

from benchmarks.data import lineage
from benchmarks.data.lineage import Families
from benchmarks.data.runs import START_MS, Runs, fill_store, run_id
from benchmarks.frame import Bench, Benchmark
from benchmarks.frame.results import Curve
from benchmarks.frame.turns import take_turns, timed_loop
from benchmarks.search import question
from headwater.model.ids import ArtifactId, RunId
from headwater.model.lineage import Walk
from headwater.model.listing import Listing
from headwater.model.runs import NewRun
from headwater.model.series import Points, SeriesBatch
from headwater.store.sql.store import SqlStore

PARAMS: Final = 3
METRICS: Final = 2
POINTS: Final = 100


def run(bench: Bench) -> Iterator[Curve]:
    """Let stores of all sizes take turns."""
    sizes = (400, 800) if bench.is_quick else (1_000, 10_000, 100_000, 1_000_000)
    with ExitStack() as opened:
        stores = [opened.enter_context(SqlStore(runs_of(bench, size))) for size in sizes]
        graphs = [opened.enter_context(SqlStore(graph_of(bench, size))) for size in sizes]
        works = [Work(store, size) for store, size in zip(stores, sizes, strict=True)]
        yield curve(bench, "first page of all runs, newest first", sizes, [w.newest for w in works])
        yield curve(bench, "search by metric and param, first 100", sizes, [w.search for w in works])
        yield curve(bench, "get one run by its id", sizes, [w.get for w in works])
        yield curve(bench, f"flush {POINTS} points of one metric", sizes, [w.flush for w in works])
        walks = [upstream(graph, size) for graph, size in zip(graphs, sizes, strict=True)]
        yield curve(bench, "upstream closure of about 80 nodes", sizes, walks)


def curve(bench: Bench, work: str, sizes: tuple[int, ...], calls: list[Callable[[int], object]]) -> Curve:
    """Measure one kind of call on all stores."""
    arms = [timed_loop(call, bench.size(20, 2)) for call in calls]
    costs = take_turns(arms, repeats=bench.size(7, 1), warm_ups=bench.size(2, 0))
    return Curve(benchmark=bench.name, work=work, sizes=sizes, seconds=[median(c) for c in costs])


def runs_of(bench: Bench, size: int) -> str:
    """Return the URL of a store with this many runs."""
    runs = Runs(size, params=PARAMS, metrics=METRICS)
    file = bench.cached(f"growth-{size}.db", lambda file: fill_store(f"sqlite:///{file}", runs))
    return f"sqlite:///{file}"


def graph_of(bench: Bench, size: int) -> str:
    """Return the URL of a store with about this many artifacts."""
    families = Families.of(size // lineage.OUTPUTS)
    name = f"lineage-{families.executions}.db"
    return f"sqlite:///{bench.cached(name, lambda file: lineage.fill_store(file, families))}"


def upstream(store: SqlStore, size: int) -> Callable[[int], object]:
    """Return what walks up from the last artifact of the last small family."""
    families = Families.of(size // lineage.OUTPUTS)
    start = families.last_artifact(len(families.sizes) - 1)
    question = Walk(artifacts=(ArtifactId(start),))
    return lambda _: store.lineage.reach(question)


class Work:
    """The calls on one store."""

    def __init__(self, store: SqlStore, size: int) -> None:
        self._store, self._size = store, size
        self._ask = question(store, "metrics.acc > 0.5 and params.seed = 7")
        # The same run in every repetition, so that the cached store does not grow; new batches each time.
        self._run = store.runs.start(NewRun(run_id=RunId("f" * 32), experiment="growth", start_ms=START_MS))
        self._batch = time_ns()

    def newest(self, _: int) -> Any:
        """List the newest runs."""
        return self._store.runs.page(Listing())

    def search(self, _: int) -> Any:
        """Filter, sort and read the first hundred."""
        return self._ask()

    def get(self, number: int) -> Any:
        """Read one run."""
        return self._store.runs.get([RunId(run_id(number * 7919 % self._size))])

    def flush(self, _: int) -> None:
        """Write points as a running process does each second."""
        self._batch += 1
        steps = array("q", range(POINTS))
        points = Points(steps, array("q", [START_MS]) * POINTS, array("d", [0.5]) * POINTS)
        batch = SeriesBatch(execution_id=self._run.id, key="loss", writer=1, batch=self._batch, points=points)
        self._store.series.append([batch])


BENCHMARK = Benchmark(name="growth", summary="costs of everyday calls from 1k to 1M runs", run=run)
