"""`python -m tests.crash --kills 500`: the whole crash proof."""

import argparse
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.crash.killing import Proof
from tests.servers import MySQL, PostgreSQL


def main() -> None:
    """Kill as often as asked on each of the databases, and say what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=main.__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--store", action="append", choices=("sqlite", "postgresql", "mysql"))
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    for store in chosen.store or ["sqlite"]:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headwater-crash-")))
            url = _url(store, folder, stack)
            begun_s = time.monotonic()
            print(f"{store}: {chosen.kills} kills, seed {chosen.seed}", flush=True)
            Proof(url, folder, chosen.seed, lambda line: print(f"  {line}", flush=True)).run(chosen.kills)
            seconds = time.monotonic() - begun_s
            print(f"{store}: all that was acknowledged is there ({seconds:.0f} s)", flush=True)


def _url(store: str, folder: Path, stack: ExitStack) -> str:
    if store == "sqlite":
        return f"sqlite:///{folder / 'store.db'}"
    server = (PostgreSQL if store == "postgresql" else MySQL).start()
    stack.callback(server.stop)
    return stack.enter_context(server.fresh())


if __name__ == "__main__":
    main()
