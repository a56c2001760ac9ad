"""Three ways to the statistics of a Parquet file, each in a process of its own: `python -m … WAY FILE`."""

import resource
import sys
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

BARS = 20
TOP = 1000


def ours(path: Path) -> object:
    """Measure with headwater."""
    from headwater.validation.data import statistics

    return statistics(path)


def pandas(path: Path) -> object:
    """Read the file, and ask each column for the same figures, as one does in a notebook."""
    import numpy as np
    import pandas as pd

    frame = pd.read_parquet(path)
    found: dict[str, Any] = {}
    for name, column in frame.items():
        figures: dict[str, Any] = {"count": column.count(), "distinct": column.nunique()}
        if pd.api.types.is_datetime64_any_dtype(column):
            column = column.astype("int64") / 1e9
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            present = column.dropna()
            figures |= {
                "zeros": (present == 0).sum(),
                "infinite": np.isinf(present).sum(),
                "min": present.min(),
                "max": present.max(),
                "mean": present.mean(),
                "std": present.std(),
                "quantiles": present.quantile(np.linspace(0, 1, 129)),
                "histogram": np.histogram(present, BARS),
            }
        else:
            figures["top"] = column.value_counts().head(TOP)
            if not pd.api.types.is_bool_dtype(column):
                lengths = column.str.len()
                figures |= {"shortest": lengths.min(), "longest": lengths.max(), "mean": lengths.mean()}
        found[str(name)] = figures
    return found


def sql(path: Path) -> object:
    """Ask DuckDB by hand: one query for all figures, then one each for histograms and values."""
    import duckdb

    connection = duckdb.connect()
    source = f"read_parquet('{path}')"
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    kinds = {name: kind for name, kind, *_ in described}
    numeric = [n for n, kind in kinds.items() if kind not in {"VARCHAR", "BOOLEAN"}]
    row = connection.execute(f"SELECT {', '.join(_figures(kinds))} FROM {source}").fetchone()
    assert row is not None
    figures = dict(zip([c[0] for c in connection.description], row, strict=True))
    queries = [
        _histogram(source, name, kinds[name], figures[f"{name}_min"], figures[f"{name}_max"])
        for name in numeric
    ]
    cells = connection.execute(" UNION ALL ".join(queries)).fetchall()
    tops = [
        f"(SELECT '{name}', {name}::VARCHAR v, count(*) n FROM {source} WHERE {name} IS NOT NULL GROUP BY v "
        f"ORDER BY n DESC, v LIMIT {TOP})"
        for name in kinds
        if kinds[name] in {"VARCHAR", "BOOLEAN"} or (figures[f"{name}_distinct"] or 0) <= TOP
    ]
    return figures, cells, connection.execute(" UNION ALL ".join(tops)).fetchall()


def _number(name: str, kind: str) -> str:
    return f"epoch({name})" if kind.startswith("TIMESTAMP") else f"{name}::DOUBLE"


def _figures(kinds: dict[str, str]) -> list[str]:
    found = ["count(*) AS total"]
    for name, kind in kinds.items():
        found += [f"count({name}) AS {name}_count", f"approx_count_distinct({name}) AS {name}_distinct"]
        if kind == "VARCHAR":
            length = f"length({name})"
            found += [f"min({length})", f"max({length})", f"avg({length})", f"sum(({length} = 0)::INT)"]
        elif kind != "BOOLEAN":
            x = _number(name, kind)
            found += [f"min({x}) AS {name}_min", f"max({x}) AS {name}_max", f"avg({x})", f"stddev_samp({x})"]
            found += [f"sum(({x} = 0)::INT)"]
        if kind == "DOUBLE":
            found += [f"sum(isnan({name})::INT)", f"sum(isinf({name})::INT)"]
    return found


def _histogram(source: str, name: str, kind: str, low: float, high: float) -> str:
    x = _number(name, kind)
    cell = f"least(floor(({x} - {low}) / {high - low} * 1000)::INT, 999)"
    return f"SELECT '{name}', {cell} k, count(*), min({x}), max({x}) FROM {source} GROUP BY k"


if __name__ == "__main__":
    way, file = sys.argv[1:]
    # What a first call loads is not what is compared.
    for library in ("duckdb", "ibis", "pandas"):
        import_module(library)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = perf_counter()
    {"ours": ours, "pandas": pandas, "sql": sql}[way](Path(file))
    took = perf_counter() - start
    print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, before / 1024)
