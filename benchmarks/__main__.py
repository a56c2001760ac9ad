"""`python -m benchmarks [NAME ...]`: measure, and print each ratio as it is known."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter

from benchmarks.frame.bench import CACHE, Bench, Benchmark, SkippedError
from benchmarks.frame.catalogue import NAMES, benchmarks
from benchmarks.frame.machine import machine
from benchmarks.frame.report import Outcome, line, write_table
from benchmarks.frame.results import Skip
from tests.servers import Servers


def main(arguments: Sequence[str] | None = None, *, servers: Servers | None = None) -> int:
    """Run what the command line names; 2 means that a name is unknown."""
    options = _parser().parse_args(arguments)
    try:
        chosen = benchmarks(options.names)
    except KeyError as unknown:
        print(unknown.args[0], file=sys.stderr)
        return 2
    if options.list:
        for benchmark in chosen:
            print(f"{benchmark.name:<12} {benchmark.summary}")
        return 0
    mine = servers or Servers()
    outcomes: list[Outcome] = []
    facts = machine()
    print("; ".join(f"{name} {value}" for name, value in facts.items()))
    try:
        _measure(chosen, mine, outcomes, is_quick=options.quick, counts_processor=options.processor)
    finally:
        # Also of a run that broke off: it may have taken minutes.
        if servers is None:
            mine.stop()
        if options.json:
            options.json.write_text("".join(json.dumps(o.record()) + "\n" for o in outcomes))
        if options.write:
            write_table(options.write, outcomes, facts)
    missed = sum(getattr(o, "is_met", None) is False for o in outcomes)
    print(f"\n{len(outcomes)} results, {missed} below their target")
    return 0


def _measure(
    chosen: Sequence[Benchmark],
    servers: Servers,
    outcomes: list[Outcome],
    *,
    is_quick: bool,
    counts_processor: bool,
) -> None:
    if is_quick:
        print("quick: shows that the benchmarks run; the figures mean nothing")
    for benchmark in chosen:
        print(f"\n{benchmark.name}: {benchmark.summary}", flush=True)
        start = perf_counter()
        # Beside the caches, which are on a disk; a temporary folder may be in memory.
        home = None if is_quick else CACHE
        if home:
            home.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home, prefix="run-") as scratch:
            bench = Bench(
                benchmark.name,
                is_quick=is_quick,
                counts_processor=counts_processor,
                scratch=Path(scratch),
                servers=servers,
            )
            for outcome in _outcomes(benchmark, bench):
                print(line(outcome), flush=True)
                outcomes.append(outcome)
        print(f"  took {perf_counter() - start:.0f} s", flush=True)


def _outcomes(benchmark: Benchmark, bench: Bench) -> Iterator[Outcome]:
    try:
        yield from benchmark.run(bench)
    except SkippedError as why:
        yield Skip(benchmark=benchmark.name, reason=str(why))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(NAMES)}; default: all")
    parser.add_argument("--list", action="store_true", help="say what there is")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that it runs, not how fast")
    parser.add_argument(
        "--processor",
        action="store_true",
        help="count the processor's time, not the clock's: mlmd",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results as JSON lines")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the table into a page")
    return parser


if __name__ == "__main__":
    sys.exit(main())
