"""ML Metadata's own Python API, its C++ library in process against headwater in its place."""

import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.frame import Bench, Benchmark, Result, Target
from benchmarks.frame.turns import Arm, take_turns
from benchmarks.peers.environment import Worker, mlmd_python, worker

SCRIPT: Final = "mlmd_worker.py"
PEER: Final = "ML Metadata's C++ library in process, SQLite"
OURS, ORIGINAL = "headwater.compat.mlmd", "ml_metadata"
LAYERS: Final = 52
WIDTH: Final = 8
SEARCHES: Final = 20
"""Searches of a turn: among a few, the first one would tell, for which no cache holds anything yet."""
WRITE: Final = Target(3.0, "3 times faster")
BATCH: Final = Target(2.0, "2 times faster")
SAME: Final = Target(1.0, "at least as fast")
HALF: Final = Target(0.5, "half as fast")


class Work(NamedTuple):
    """A job of the worker: in words, its arguments, and what is asked of it."""

    words: str
    job: str
    arguments: dict[str, Any]
    target: Target | None


def run(bench: Bench) -> Iterator[Result]:
    """Let both libraries do the same, in processes of their own."""
    original = mlmd_python(bench)
    with bench.folder() as folder:
        if bench.counts_processor:
            yield from computed(bench, original, folder)
            return
        yield from writes(bench, original, folder)
        yield from reads(bench, original, folder)


def computed(bench: Bench, original: Path, folder: Path) -> Iterator[Result]:
    """Compare what calls in process take of the processor: of what else a machine does that tells least."""
    count = bench.size(100_000, 200)
    new = folder / "original.db", f"file:{folder / 'headwater.db'}?synchronous=full"
    for works, files in (
        (written(bench), new),
        ((*read(bench, count), *searched(bench, count), *walked(bench)), filled(bench, original, folder)),
    ):
        with (
            library(original, ORIGINAL, folder, files[0], "processor") as theirs,
            library(Path(sys.executable), OURS, folder, files[1], "processor") as ours,
        ):
            for work in works:
                costs = take_turns([arm(each, work) for each in (ours, theirs)], repeats=bench.size(18, 1))
                mine, peer = ([min(each)] for each in costs)
                yield bench.result(f"{work.words}, processor", PEER, mine, peer, target=work.target)


def writes(bench: Bench, original: Path, folder: Path) -> Iterator[Result]:
    """Compare calls that write, at both levels of durability and over gRPC."""
    full, normal, served = (folder / f"{name}.db" for name in ("full", "normal", "served"))
    with (
        library(original, ORIGINAL, folder, folder / "original.db") as theirs,
        library(Path(sys.executable), OURS, folder, f"file:{full}?synchronous=full") as ours,
        library(Path(sys.executable), OURS, folder, normal) as quicker,
        server(f"sqlite:///{served}?synchronous=full") as port,
        client(original, folder, port) as far,
    ):
        for work in written(bench):
            workers = [ours, quicker, far, theirs]
            costs = take_turns([arm(each, work) for each in workers], repeats=bench.size(5, 1))
            *mine, peer = costs
            for words, each, target in zip(_LEVELS, mine, (work.target, None, None), strict=True):
                yield bench.result(f"{work.words}, {words}", PEER, each, peer, target=target)


def reads(bench: Bench, original: Path, folder: Path) -> Iterator[Result]:
    """Compare calls that read a store of 100,000 artifacts, in process and over gRPC."""
    count = bench.size(100_000, 200)
    peer_file, file = filled(bench, original, folder)
    with (
        library(original, ORIGINAL, folder, peer_file) as theirs,
        library(Path(sys.executable), OURS, folder, file) as ours,
        server(f"sqlite:///{file}") as port,
        client(original, folder, port) as far,
    ):
        everything = Work(f"`get_artifacts` of all {count:,}", "get_all", {}, SAME)
        for work in (*read(bench, count), *searched(bench, count), *walked(bench), everything):
            workers = [ours, far, theirs]
            answers = [each.ask(work.job, **work.arguments)["found"] for each in workers]
            assert answers[0] == answers[1] == answers[2], work
            costs = take_turns([arm(each, work) for each in workers], repeats=bench.size(5, 1), warm_ups=0)
            *mine, peer = costs
            for words, each, target in zip(_DOORS, mine, (work.target, None), strict=True):
                yield bench.result(f"{work.words}, {words}", PEER, each, peer, target=target)


def filled(bench: Bench, original: Path, folder: Path) -> tuple[Path, Path]:
    """Return the original's and our file with 100,000 artifacts, made once."""
    count = bench.size(100_000, 200)

    def stored(name: str, python: Path, module: str) -> Path:
        def fill(file: Path) -> None:
            with library(python, module, folder, file) as one:
                one.ask("fill", count=count, layers=bench.size(LAYERS, 4), width=WIDTH)

        return bench.cached(f"mlmd-{count}-{name}.db", fill)

    return stored("original", original, ORIGINAL), stored("headwater", Path(sys.executable), OURS)


def written(bench: Bench) -> Iterator[Work]:
    """Yield what is written; every artifact has a name, a URI, a state and three properties."""
    many = bench.size(1_000, 5)

    def times(full: int) -> int:
        return bench.size(full, 1)

    yield Work("`put_artifacts` of one", "put_artifacts", {"count": times(40), "size": 1}, WRITE)
    yield Work("`put_artifacts` of 1,000", "put_artifacts", {"count": times(1), "size": many}, BATCH)
    yield Work("`put_artifacts` that changes one", "update_artifacts", {"count": times(40), "size": 1}, WRITE)
    yield Work(
        "`put_artifacts` that changes 1,000", "update_artifacts", {"count": times(1), "size": many}, BATCH
    )
    yield Work(
        "`put_execution` with 2 inputs, 2 outputs and a context", "put_execution", {"count": times(20)}, WRITE
    )
    yield Work(
        "`put_lineage_subgraph` of 10 executions, 40 artifacts and a context",
        "put_lineage_subgraph",
        {"count": times(5), "executions": 10},
        BATCH,
    )


def read(bench: Bench, count: int) -> Iterator[Work]:
    """Yield what is read by id."""
    ids = [1 + i * 7919 % count for i in range(bench.size(1_000, 50))]
    yield Work("`get_artifacts_by_id` of one", "get_by_id", {"requests": [[i] for i in ids[:100]]}, HALF)
    yield Work("`get_artifacts_by_id` of 1,000", "get_by_id", {"requests": [ids] * 2}, SAME)


def searched(bench: Bench, count: int) -> Iterator[Work]:
    """Yield filters, with the most nodes that are wanted."""
    filters: Sequence[tuple[str, int]] = (
        (f"name = 'artifact-{count // 2}'", 100),
        (f"uri LIKE 's3://bucket/part-{count // 2000:04}%'", 100),
        ("properties.rows.int_value = 777", 100),
        ("properties.rows.int_value BETWEEN 500 AND 504", 100),
        ("properties.rows.int_value = 777 AND properties.split.string_value = 'train'", 100),
        ("type = 'Model' AND state = LIVE AND properties.share.double_value > 0.99", 100),
        ("contexts_a.name = 'pipeline-7'", 100),
        ("events_0.type = OUTPUT", 100),
        ("properties.rows.int_value > 900", 20),
    )
    for query, limit in filters:
        newest = limit == 20
        words = f"`{query}` among {count:,}, first {limit}" + (" newest first" if newest else "")
        arguments = {"query": query, "count": bench.size(SEARCHES, 1), "limit": limit}
        if newest:
            arguments |= {"order": "created", "is_asc": False}
        yield Work(words, "search", arguments, BATCH)


def walked(bench: Bench) -> Iterator[Work]:
    """Yield walks upstream: two hops lead from a layer of artifacts to the one before."""
    for hops in (20, 100):
        words = f"`get_lineage_subgraph`, {hops} hops with a fan-in of {WIDTH}"
        query = f"name = 'layer-{bench.size(LAYERS, 4) - 1}-0'"
        yield Work(words, "lineage", {"query": query, "hops": hops, "count": 1}, BATCH)


def arm(one: Worker, work: Work) -> Arm:
    """Let a worker do some work; its answer has the seconds."""

    def ask() -> float:
        answer = one.ask(work.job, **work.arguments)
        return answer["seconds"] if isinstance(answer, dict) else answer

    return ask


@contextmanager
def library(python: Path, module: str, folder: Path, file: object, *arguments: str) -> Generator[Worker]:
    """Run a library in a process of its own, on a SQLite file."""
    with worker(python, SCRIPT, module, *arguments, folder=folder) as one:
        one.ask("open", file=str(file))
        yield one


@contextmanager
def client(original: Path, folder: Path, port: int) -> Generator[Worker]:
    """Run the original's own client of a server."""
    with worker(original, SCRIPT, ORIGINAL, folder=folder) as one:
        one.ask("connect", port=port)
        yield one


@contextmanager
def server(url: str) -> Generator[int]:
    """Run our server and yield its port."""
    command = [sys.executable, "-m", "headwater", "--store", url, "server", "mlmd", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline().split(";")[0].rpartition(":")[2])
        finally:
            process.terminate()


_LEVELS: Final = ("`synchronous` FULL", "`synchronous` NORMAL", "the original's client over gRPC, FULL")
_DOORS: Final = ("in process", "the original's client over gRPC")

BENCHMARK = Benchmark(
    name="mlmd", summary="ML Metadata's API: its C++ library against headwater in its place", run=run
)
