"""`python -m tests.soak --seconds 3600`: load a server, and see whether its memory grows."""

import argparse
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from benchmarks.peers.served import Served, headwater_served
from tests.servers import PostgreSQL
from tests.soak.load import Client, work
from tests.soak.memory import growth

CLIENTS = 4
SAMPLES = 300
"""In the whole time, but at most one in half a second."""


def main() -> None:
    """Load a server for some time; exits with 1 when its memory goes on growing.

    On SQLite it does until each connection has its 64 MB of pages, so that PostgreSQL is what tells a leak.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=main.__doc__)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--store", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--rate", type=float, help="Requests a second; by default all that go.")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headwater-soak-")))
        url = f"sqlite:///{folder / 'store.db'}"
        if chosen.store == "postgresql":
            server = PostgreSQL.start()
            stack.callback(server.stop)
            url = stack.enter_context(server.fresh())
        served = stack.enter_context(headwater_served(url, folder))
        samples, requests = soak(served, chosen.seconds, chosen.rate)
    found = growth(samples)
    print(f"{requests:,} requests in {chosen.seconds:,.0f} s; resident: {found}", flush=True)
    if not found.is_flat:
        print("the memory of the server goes on growing", file=sys.stderr)
        sys.exit(1)


def soak(served: Served, seconds: float, rate: float | None) -> tuple[list[int], int]:
    """Load a server, and sample its memory meanwhile; the number of requests comes with the samples."""
    stop = threading.Event()
    clients = [Client(served.url, f"client-{number}") for number in range(CLIENTS)]
    begun_s = time.monotonic()
    samples: list[int] = []
    with ThreadPoolExecutor(CLIENTS) as threads:
        per_s = None if rate is None else rate / CLIENTS
        working = [threads.submit(work, client, stop, per_s) for client in clients]
        try:
            while time.monotonic() < begun_s + seconds and not any(each.done() for each in working):
                samples.append(served.resident_bytes())
                time.sleep(max(0.5, seconds / SAMPLES))
        finally:
            stop.set()
        for each in working:
            each.result()
    return samples, sum(client.requests for client in clients)


if __name__ == "__main__":
    main()
