"""All benchmarks, in the order of docs/performance.md."""

from collections.abc import Sequence
from importlib import import_module

from benchmarks.frame.bench import Benchmark

NAMES = (
    *("series", "metrics", "reading"),
    *("search", "search_mlflow", "lineage"),
    *("nodes", "decisions", "ledger", "writers"),
    *("mlmd", "servers", "server", "growth", "imports", "validation", "pipelines"),
)


def benchmarks(names: Sequence[str] = ()) -> list[Benchmark]:
    """Return some benchmarks by name, or all.

    Raises:
        KeyError: there is none of this name.
    """
    for name in names:
        if name not in NAMES:
            raise KeyError(f"no benchmark {name!r}; there are {', '.join(NAMES)}")
    return [import_module(f"benchmarks.{name}").BENCHMARK for name in names or NAMES]
