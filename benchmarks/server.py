"""Our server against `mlflow server`: the same requests from the same clients, over HTTP."""

import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from time import monotonic
from typing import Any, Final, TypeAlias

from benchmarks.data.runs import Runs, run_id
from benchmarks.data.sides import Side, mlflow_side, our_side
from benchmarks.frame import Bench, Benchmark, Fact, Result, Target
from benchmarks.frame.bench import SkippedError
from benchmarks.frame.units import cost, figures
from benchmarks.peers.environment import Worker, mlflow_python, worker
from benchmarks.search import LIMIT, Case, cases

PEER: Final = "`mlflow server`"
CLIENTS: Final = 8
WORKERS: Final = 2
"""Processes of ours; MLflow starts four by itself."""
SINGLE: Final = Target(5.0, "5 times faster")
MANY: Final = Target(10.0, "10 times faster")
COUNTS: Final = (2_000, 10_000, 100_000)
"""How many runs a search looks at."""
CALM: Final = Target(1.0, "no slower than its median")
GROWTH: Final = 1.1

Outcomes: TypeAlias = Iterator[Result | Fact]
Sides: TypeAlias = Sequence[Side]
"""Ours, then MLflow's, which a smoke test does without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Requests of one kind.

    Attributes:
        words: For the table.
        job: Of the worker.
        times: How many requests of one client make one turn.
        arguments: Of the job.
        known: More of them: what the side knows under a name.
        clients: How many at once.
        turns: How often each side is asked; the first time does not count.
    """

    words: str
    job: str
    times: int
    target: Target
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    known: Mapping[str, str] = field(default_factory=dict[str, str])
    clients: Sequence[int] = (1, CLIENTS)
    turns: int = 4


@dataclass(frozen=True, slots=True)
class Load:
    """What clients saw: the seconds of each request, and of one when those of all clients are counted."""

    seconds: Sequence[float]
    cost_s: float


def run(bench: Bench) -> Outcomes:
    """Measure on SQLite and on PostgreSQL, with two processes of ours."""
    with ExitStack() as stack:
        clients = [stack.enter_context(client(bench)) for _ in range(bench.size(CLIENTS, 2))]
        for kind, name in (("sqlite", "SQLite"), ("postgresql", "PostgreSQL"))[: bench.size(2, 1)]:
            for count in COUNTS[: bench.size(len(COUNTS), 1)]:
                runs = Runs(bench.size(count, 50))
                with both(bench, kind, runs) as sides:
                    works = [*searches(bench, runs, kind), *(calls(bench) if count == COUNTS[0] else ())]
                    for work in works:
                        yield from measure(bench, name, sides, work, clients)
                    if (kind, count) == ("sqlite", COUNTS[0]):
                        yield memory(bench, sides[0], clients)


def calls(bench: Bench) -> Iterator[Work]:
    """Yield calls about one run or one model."""
    mine = {"experiment": "experiment"}
    yield Work(words="log-metric", job="log_metric", times=bench.size(100, 2), target=SINGLE, known=mine)
    for size, times in ((100, 20), (1_000, 5)):
        yield Work(
            words=f"log-batch of {size:,} metrics, 10 keys",
            job="log_batch",
            times=bench.size(times, 1),
            target=MANY,
            arguments={"size": size},
            known=mine,
        )
    yield Work(words="create-run", job="create_run", times=bench.size(50, 2), target=SINGLE, known=mine)
    for words in ("run", "version", "model", "alias"):
        yield Work(
            words=f"get by {words}" if words == "alias" else f"get {words}",
            job="get",
            times=bench.size(50, 2),
            target=SINGLE,
            known={"path": f"{words} path", "holds": "run" if words == "run" else "model"},
        )
    size = points(bench)
    yield Work(
        words=f"history of {size:,} points in pages of 25,000",
        job="history",
        times=bench.size(2, 1),
        target=SINGLE,
        arguments={"size": size},
        known={"run": "run"},
        clients=(1,),
    )


def searches(bench: Bench, runs: Runs, kind: str) -> Iterator[Work]:
    """Yield searches with a filter on a metric and a param, ordered by a metric; each answer is checked."""
    is_large = runs.count > 10_000
    # On SQLite one request of many runs takes MLflow a minute. Elsewhere so many are asked that servers have
    # planned their statements once and for all when they are measured, and that the first requests after the
    # other's turn, when the processor's caches hold nothing of theirs, weigh little.
    few, many = (20, 1) if kind == "sqlite" else (40, 10)
    times = many if is_large else few
    for case in cases(runs.count)[: 1 if is_large else bench.size(2, 1)]:
        text = f"metrics.acc > {case.above} and params.{case.param} = '{case.value}'"
        yield Work(
            words=f"runs/search over {runs.count:,}, {case.words}, first {LIMIT} by a metric",
            job="search",
            times=bench.size(times, 1),
            turns=3 if is_large else 4,
            target=MANY if runs.count >= 10_000 else SINGLE,
            arguments={"text": text, "limit": LIMIT, "expected": answer(runs, case)},
            known={"experiment": "experiment"},
        )


def answer(runs: Runs, case: Case) -> list[str]:
    """Return the ids of the runs that a search has to find, in their order."""
    scores = [
        (runs.metrics_of(number)["acc"], run_id(number))
        for number in range(runs.count)
        if runs.params_of(number)[case.param] == case.value
    ]
    return [i for score, i in sorted(scores, reverse=True) if score > case.above][:LIMIT]


def measure(bench: Bench, name: str, sides: Sides, work: Work, clients: Sequence[Worker]) -> Outcomes:
    """Let the servers take turns, with one client and with several."""
    for count in work.clients:
        some = clients[:count]
        words = f"{work.words}; {name}, {len(some)} client{'s' * (len(some) > 1)}"
        try:
            turns = [[load(side, work, some) for side in sides] for _ in range(bench.size(work.turns, 1))]
        except SkippedError as error:
            # A server that gives up under load says so in its row, and the next row is measured.
            yield bench.fact(words, f"not measured: {error}")
            continue
        ours, *others = zip(*turns[bench.size(1, 0) :], strict=True)
        if not others:
            yield bench.fact(words, f"{cost(median(each.cost_s for each in ours), 's')} a request")
            continue
        (theirs,) = others
        rates = [f"{figures(1 / median(each.cost_s for each in side))}/s" for side in (ours, theirs)]
        yield bench.result(
            words,
            PEER,
            [each.cost_s for each in ours],
            [each.cost_s for each in theirs],
            target=work.target,
            note=f"{rates[0]} against {rates[1]}",
        )
        if count > 1:
            slowest = [quantiles(each.seconds, n=100)[-1] for each in ours]
            usual = [median(each.seconds) for each in theirs]
            yield bench.result(f"{words}, our p99", f"the median of {PEER}", slowest, usual, target=CALM)


def load(side: Side, work: Work, clients: Sequence[Worker]) -> Load:
    """Have clients ask a server at the same time."""
    known = {name: side.known[key] for name, key in work.known.items()}
    arguments = {"url": side.served.url, "times": work.times, **work.arguments, **known}
    with ThreadPoolExecutor(len(clients)) as threads:
        asked = list(threads.map(lambda each: each.ask(work.job, **arguments), clients))
    # Each of them asks without a pause, so that their rates add up.
    rate = sum(len(seconds) / sum(seconds) for seconds in asked)
    return Load([each for seconds in asked for each in seconds], 1 / rate)


def memory(bench: Bench, side: Side, clients: Sequence[Worker]) -> Fact:
    """Load our server for a while, and compare its memory with that after the first tenth."""
    took_s = bench.size(20, 1)
    mixed = [*calls(bench)][:4]

    def until(end_s: float) -> int:
        while monotonic() < end_s:
            for work in mixed:
                load(side, work, clients)
        return side.served.resident_bytes()

    start = monotonic()
    before, after = until(start + took_s / 10), until(start + took_s)
    seen = f"{before / 2**20:,.0f} MiB, then {after / 2**20:,.0f} MiB"
    words = (
        f"memory after {took_s / 10:,.0f} s and after {took_s:,.0f} s of {len(clients)} clients that write"
    )
    is_met = None if bench.is_quick else after < before * GROWTH
    return bench.fact(words, seen, target=f"less than {GROWTH - 1:.0%} more", is_met=is_met)


def points(bench: Bench) -> int:
    """Return how long the long series is."""
    return bench.size(100_000, 500)


@contextmanager
def both(bench: Bench, kind: str, runs: Runs) -> Generator[Sides]:
    """Run both servers, each on a database of its own."""
    with ExitStack() as stack:
        ours = stack.enter_context(bench.database(kind))
        sides = [stack.enter_context(our_side(bench, ours, runs, points(bench), workers=WORKERS))]
        python = peer(bench)
        if python is not None:
            theirs = stack.enter_context(bench.database(kind))
            sides.append(stack.enter_context(mlflow_side(bench, python, theirs, runs, points(bench))))
        yield sides


def peer(bench: Bench) -> Path | None:
    """Return MLflow's interpreter; a smoke test does without, as its server takes long to start."""
    return None if bench.is_quick else mlflow_python(bench)


@contextmanager
def client(bench: Bench) -> Generator[Worker]:
    """Start a client of servers."""
    with (
        bench.folder() as folder,
        worker(Path(sys.executable), "http_worker.py", folder=folder) as one,
    ):
        yield one


BENCHMARK = Benchmark(name="server", summary="our server against `mlflow server`, over HTTP", run=run)
