"""Search for runs: filter, order, and the first hundred with all of their fields."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from benchmarks.data.runs import Runs, fill_plain, fill_store
from benchmarks.frame import Bench, Benchmark, Result, Target
from benchmarks.frame.turns import take_turns, timed_loop
from headwater.model.filters import Entity
from headwater.model.listing import Listing
from headwater.query.parse import parse_filter, parse_order
from headwater.store.sql.store import SqlStore

LIMIT: Final = 100
TARGET: Final = Target(0.5, "within 2 times")


@dataclass(frozen=True, slots=True)
class Case:
    """One question: in words, as a filter, and as conditions of hand-written SQL."""

    words: str
    filter: str
    param: str
    value: float | int | str
    above: float


def cases(count: int) -> list[Case]:
    """Return the four selectivities of a filter on a metric and a param."""
    return [
        Case("1 in 9", "metrics.acc > 0.5 and params.lr = 0.01", "lr", 0.01, 0.5),
        Case("1 in 100", "metrics.acc > 0.5 and params.seed = 7", "seed", 7, 0.5),
        Case(
            "one run",
            f"metrics.acc > 0 and params.trial = 'trial-{count // 2}'",
            "trial",
            f"trial-{count // 2}",
            0.0,
        ),
        Case("1 in 100 of the best 0.1%", "metrics.acc > 0.999 and params.seed = 7", "seed", 7, 0.999),
    ]


def run(bench: Bench) -> Iterator[Result]:
    """Compare with the better of the two orders in which SQL by hand can use its indexes."""
    runs = Runs(bench.size(100_000, 300))
    stored = bench.cached(f"runs-{runs.count}.db", lambda file: fill_store(f"sqlite:///{file}", runs))
    plain = bench.cached(f"runs-{runs.count}-plain.db", lambda file: fill_plain(file, runs))
    with SqlStore(f"sqlite:///{stored}") as store, closing(sqlite3.connect(plain)) as connection:
        connection.execute("PRAGMA cache_size=-64000")
        for case in cases(runs.count):
            yield compare(bench, store, ByHand(connection, runs), case, runs.count)


def compare(bench: Bench, store: SqlStore, hand: "ByHand", case: Case, count: int) -> Result:
    """Measure one question three ways, and compare with the better of the other two."""
    ask = question(store, case.filter)
    ways = [lambda: hand.ask(case, "param"), lambda: hand.ask(case, "metric")]
    expected = {run["acc"] for run in ways[0]()}
    assert {run.metrics["acc"].value for run in ask()} == expected, case
    loops = bench.size(5, 1)
    arms = [timed_loop(lambda _, work=work: work(), loops) for work in (ask, *ways)]
    ours, *theirs = take_turns(arms, repeats=bench.size(9, 1), warm_ups=bench.size(2, 0))
    return bench.result(
        f"search {count:,} runs, {case.words}: filter, order, first {LIMIT} with 20 fields each",
        "SQL by hand, the better index first",
        ours,
        min(theirs, key=median),
        target=TARGET,
    )


def question(store: SqlStore, text: str) -> Callable[[], Any]:
    """Return what asks a store for the first page."""
    listing = Listing(
        filter=parse_filter(text, Entity.RUN),
        order_by=parse_order("metrics.acc desc", Entity.RUN),
        limit=LIMIT,
    )
    return lambda: store.runs.page(listing).items


class ByHand:
    """SQL that only answers these questions, on tables made for them."""

    def __init__(self, connection: sqlite3.Connection, runs: Runs) -> None:
        self._connection = connection
        self._params = sorted(runs.params_of(0))
        self._metrics = runs.metric_names

    def ask(self, case: Case, first: str) -> list[dict[str, Any]]:
        """Return runs as dictionaries of 20 fields, reading one of the two indexes first."""
        tables = "param p CROSS JOIN metric m" if first == "param" else "metric m CROSS JOIN param p"
        ids = self._connection.execute(
            f"SELECT m.run FROM {tables} ON m.run = p.run WHERE m.key = 0 AND m.value > ? "
            "AND p.key = ? AND p.value = ? ORDER BY m.value DESC, m.run DESC LIMIT ?",
            (case.above, self._params.index(case.param), case.value, LIMIT),
        ).fetchall()
        return self._fields([i for (i,) in ids])

    def _fields(self, ids: list[int]) -> list[dict[str, Any]]:
        marks = ", ".join("?" * len(ids))
        runs: dict[int, dict[str, Any]] = {i: {} for i in ids}
        for i, *head in self._connection.execute(f"SELECT * FROM run WHERE id IN ({marks})", ids):
            runs[i]["head"] = head
        for i, key, value in self._connection.execute(
            f"SELECT run, key, value FROM param WHERE run IN ({marks})", ids
        ):
            runs[i][self._params[key]] = value
        for i, key, value in self._connection.execute(
            f"SELECT run, key, value FROM metric WHERE run IN ({marks})", ids
        ):
            runs[i][self._metrics[key]] = value
        return [runs[i] for i in ids]


BENCHMARK = Benchmark(name="search", summary="run search against hand-written SQL", run=run)
