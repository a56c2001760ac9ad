"""What the benchmarks share: arms that take turns, results, data sets, peers and servers."""

from benchmarks.frame.bench import Bench, Benchmark, SkippedError
from benchmarks.frame.results import Fact, Result, Target
from benchmarks.frame.turns import Arm, take_turns, timed_loop

__all__ = [
    "Arm",
    "Bench",
    "Benchmark",
    "Fact",
    "Result",
    "SkippedError",
    "Target",
    "take_turns",
    "timed_loop",
]
