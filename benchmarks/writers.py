"""Eight processes log into one SQLite file: nothing fails, nothing is lost, and how fast."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from benchmarks.frame import Bench, Benchmark, Fact, Result, Target
from benchmarks.frame.turns import take_turns
from headwater.store.sql.store import SqlStore

WRITERS: Final = 8
# Waits for a line, so that all begin together; tells how long it took.
WRITER: Final = """
import sys
from pathlib import Path
from time import perf_counter
from headwater.sdk.client import Client

folder, points = Path(sys.argv[1]), int(sys.argv[2])
with Client(f"sqlite:///{folder / 'store.db'}", blobs=str(folder / "blobs")) as client:
    print("ready", flush=True)
    sys.stdin.readline()
    start = perf_counter()
    with client.run("together", capture=False) as run:
        for step in range(points):
            run.log_metric("loss", 0.5, step)
            if step % 1000 == 999:
                run.flush()
    print(perf_counter() - start, flush=True)
"""


def run(bench: Bench) -> Iterator[Result | Fact]:
    """Compare eight processes with one that logs as many points: costs per point."""
    points = bench.size(80_000, 80)
    writers = bench.size(WRITERS, 2)
    seen: list[int] = []

    def log(processes: int) -> float:
        with bench.folder() as folder:
            (folder / "pyproject.toml").touch()
            SqlStore(f"sqlite:///{folder / 'store.db'}").close()
            took = together(folder, processes, points // processes)
            seen.append(stored(folder) - points)
            return took / points

    many, one = take_turns([lambda: log(writers), lambda: log(1)], repeats=bench.size(3, 1), warm_ups=0)
    yield bench.result(
        f"{writers} processes log {points:,} points into one SQLite file, a flush per 1,000: time per point",
        "one process that logs as many",
        many,
        one,
        target=Target(0.6, "0.6 times one writer"),
    )
    yield bench.fact(
        f"the same, {len(seen)} times",
        f"{sum(map(abs, seen))} points lost or doubled, no error",
        target="nothing lost",
        is_met=not any(seen),
    )


def together(folder: Path, processes: int, points: int) -> float:
    """Run writers that begin at one moment; return the seconds of the slowest."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), str(points)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
        )
        for _ in range(processes)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    with ThreadPoolExecutor(processes) as threads:
        answers = list(threads.map(lambda process: process.communicate("go\n"), started))
    assert not any(process.returncode for process in started)
    return max(float(out) for out, _ in answers)


def stored(folder: Path) -> int:
    """Return how many points are in the store."""
    with SqlStore(f"sqlite:///{folder / 'store.db'}") as store:
        runs = store.runs.page().items
        return sum(len(store.series.read(run.id, "loss")) for run in runs)


BENCHMARK = Benchmark(
    name="writers", summary="eight processes log into one SQLite file, nothing is lost", run=run
)
