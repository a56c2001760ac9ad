"""What `import headwater` costs a program that hardly uses it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.frame import Bench, Benchmark, Result, SkippedError, Target
from benchmarks.frame.turns import Arm, take_turns
from benchmarks.peers.environment import mlflow_python


def run(bench: Bench) -> Iterator[Result]:
    """Compare whole processes."""
    repeats, warm_ups = bench.size(9, 1), bench.size(2, 0)
    here = Path(sys.executable)
    bare, ours = program(here, "pass"), program(here, "import headwater")
    used = program(here, "import headwater; headwater.run")
    yield bench.result(
        "`import headwater`, the whole process",
        "bare Python",
        *reversed(take_turns([bare, ours], repeats=repeats, warm_ups=warm_ups)),
    )
    try:
        theirs = program(mlflow_python(bench), "import mlflow")
    except SkippedError:
        if not bench.is_quick:
            raise
        return
    mine, with_a_name, its = take_turns([ours, used, theirs], repeats=repeats, warm_ups=warm_ups)
    yield bench.result(
        "`import headwater`, the whole process", "`import mlflow`", mine, its, target=Target(10.0, "a tenth")
    )
    yield bench.result("the same, and its first name used", "`import mlflow`", with_a_name, its)


def program(python: Path, code: str) -> Arm:
    """Return an arm that runs a program from its start to its end."""

    def arm() -> None:
        subprocess.run([str(python), "-c", code], check=True)

    return arm


BENCHMARK = Benchmark(
    name="imports", summary="import headwater against bare Python and import mlflow", run=run
)
