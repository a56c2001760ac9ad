"""What a pipeline adds to the steps that it runs, and how fast it decides that none has to run."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from benchmarks.frame import Bench, Benchmark, Fact, Result, Target
from benchmarks.frame.bench import SkippedError
from benchmarks.frame.turns import take_turns
from benchmarks.peers.environment import prefect_worker
from headwater.sdk import Client

WORKERS: Final = 2
FLOW: Final = """
import headwater as hw


@hw.step
def one(x: int) -> int:
    return x + 1


@hw.pipeline
def many(first: int, count: int):
    one.map(list(range(first, first + count)))
"""


def run(bench: Bench) -> Iterator[Result | Fact]:
    """Compare steps that do next to nothing: what is measured is what is done around them."""
    count, repeats = bench.size(200, 4), bench.size(5, 1)
    with steps() as ours:
        yield bench.result(
            f"a pipeline of {count} steps that add 1, in {WORKERS} threads, on SQLite: time per step",
            "the same calls in a bare thread pool, nothing recorded",
            *take_turns([lambda: ours(count), lambda: bare(count)], repeats=repeats, warm_ups=1),
            note="what the record of a step costs",
        )
    yield from cached(bench)
    try:
        yield against_prefect(bench, count, repeats)
    except SkippedError:
        if not bench.is_quick:
            raise


def against_prefect(bench: Bench, count: int, repeats: int) -> Result:
    """Compare with Prefect, whose tasks run in threads too, on a SQLite of its own, results kept."""
    with bench.folder() as folder, prefect_worker(bench, folder) as peer, steps() as ours:

        def theirs() -> float:
            return peer.ask("run", count=count) / count

        return bench.result(
            f"a pipeline of {count} steps that add 1: time per step",
            "Prefect, tasks in threads, results kept",
            *take_turns([lambda: ours(count), theirs], repeats=repeats, warm_ups=1),
            target=Target(5.0, "a fifth"),
        )


def cached(bench: Bench) -> Iterator[Fact]:
    """Run what has run already: each step is decided, verified and recorded as reused."""
    count = bench.size(1000, 4)
    with opened(bench) as (client, pipeline):
        params = {"first": 0, "count": count}
        client.pipelines.start(pipeline, params, workers=WORKERS)
        rates: list[float] = []
        for _ in range(bench.size(5, 1)):
            start = perf_counter()
            client.pipelines.start(pipeline, params, workers=WORKERS)
            rates.append(count / (perf_counter() - start))
    best = sorted(rates)[len(rates) // 2]
    yield bench.fact(
        f"a pipeline of {count} steps of which nothing changed: steps decided, verified and recorded",
        f"{best:,.0f} a second",
        target="1,000 a second",
        is_met=None if bench.is_quick else best >= 1000,
    )


@contextmanager
def steps() -> Generator[Any]:
    """Give a function that runs new steps, and returns the seconds of one."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder, store(Path(folder)) as (client, pipeline):
        first = [0]

        def arm(count: int) -> float:
            start = perf_counter()
            client.pipelines.start(pipeline, {"first": first[0], "count": count}, workers=WORKERS)
            first[0] += count
            return (perf_counter() - start) / count

        yield arm


@contextmanager
def opened(bench: Bench) -> Generator[tuple[Client, Any]]:
    """Open a store in a folder of the benchmark."""
    with bench.folder() as folder, store(folder) as found:
        yield found


@contextmanager
def store(folder: Path) -> Generator[tuple[Client, Any]]:
    """Open an empty store, with the pipeline's file beside it."""
    (folder / "pyproject.toml").touch()
    file = folder / "flow.py"
    file.write_text(FLOW)
    with Client(f"sqlite:///{folder / 'store.db'}") as client:
        yield client, client.pipelines.load(f"{file}:many")


def bare(count: int) -> float:
    """Run the calls without anything around them."""
    start = perf_counter()
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda x: x + 1, range(count)))
    return (perf_counter() - start) / count


BENCHMARK = Benchmark(
    name="pipelines", summary="steps of pipelines against a bare executor and against Prefect", run=run
)
