"""Statistics of five million rows: against plain pandas, and against SQL written by hand."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.frame import Bench, Benchmark, Result, Target
from benchmarks.frame.bench import ROOT

COLUMNS = 20


def run(bench: Bench) -> Iterator[Result]:
    """Measure one Parquet file three ways, each time in a fresh process."""
    rows = bench.size(5_000_000, 5_000)
    path = bench.cached(f"statistics-{rows}.parquet", lambda file: _write(file, rows))
    costs: dict[str, list[tuple[float, float]]] = {"ours": [], "pandas": [], "sql": []}
    for _ in range(bench.size(3, 1)):
        for way, seen in costs.items():
            seen.append(_measure(way, path))
    seconds = {way: [s for s, _ in seen] for way, seen in costs.items()}
    work = f"statistics of {rows:,} rows x {COLUMNS} columns in Parquet"
    yield bench.result(
        work, "plain pandas", seconds["ours"], seconds["pandas"], target=Target(5.0, "5 times")
    )
    yield bench.result(
        f"{work}, peak memory",
        "plain pandas",
        [mib * 2**20 for _, mib in costs["ours"]],
        [mib * 2**20 for _, mib in costs["pandas"]],
        unit="B",
        target=Target(5.0, "a fifth"),
    )
    yield bench.result(
        work, "DuckDB's SQL by hand", seconds["ours"], seconds["sql"], target=Target(0.5, "within 2 times")
    )


def _measure(way: str, path: Path) -> tuple[float, float]:
    """Return seconds and peak memory in MiB."""
    command = [sys.executable, "-m", "benchmarks.peers.table_statistics", way, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    took, peak, _ = map(float, done.stdout.split())
    return took, peak


def _write(file: Path, rows: int) -> None:
    import duckdb

    normal = "sqrt(-2 * ln(random() + 1e-12)) * cos(6.2832 * random())"
    floats = [f"random() * {i + 1} AS f{i}" for i in range(6)]
    floats += [f"CASE WHEN random() < 0.02 THEN NULL ELSE {normal} END AS n{i}" for i in range(4)]
    floats += [f"exp(3 * random() + 2 * random()) AS e{i}" for i in range(2)]
    ints = ["(random() * 7)::INT AS i0", "(random() * 365)::INT AS i1", "(random() * 1e9)::BIGINT AS i2"]
    texts = [f"'v' || (random() * {most})::INT AS s{i}" for i, most in enumerate((4, 200, 5_000))]
    others = ["random() < 0.2 AS b0", "TIMESTAMP '2013-01-01' + INTERVAL (range) SECOND AS t0"]
    columns = ", ".join([*floats, *ints, *texts, *others])
    with duckdb.connect() as connection:
        connection.execute("SELECT setseed(0.5)")
        connection.execute(f"COPY (SELECT {columns} FROM range({rows})) TO '{file}' (FORMAT parquet)")


BENCHMARK = Benchmark(
    name="validation", summary="statistics of a table against pandas and SQL: time and memory", run=run
)
