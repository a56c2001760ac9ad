"""A real server process: a stream ends when it is told to stop, and goes on at the next one."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from headwater.store.sql.store import SqlStore
from tests.server.http.live.listening import listening, until


@contextmanager
def served(folder: Path) -> Generator[tuple[str, subprocess.Popen[str]]]:
    """Run `headwater server` over a SQLite file; gives its address."""
    command = [sys.executable, "-m", "headwater", "--store", f"sqlite:///{folder}/store.db"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}
    process = subprocess.Popen(
        [*command, "server", "--port", "0"],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        address = re.search(r"http://[\d.]+:\d+", process.stderr.readline())
        assert address is not None
        yield address[0], process
    finally:
        process.kill()
        process.wait(30)
        process.stderr.close()


def test_a_stream_outlives_its_server(tmp_path: Path):
    with served(tmp_path) as (url, process), listening(url, "ledger") as events:
        seen = next(events).id
        process.send_signal(signal.SIGTERM)
        assert list(events) == []
        assert process.wait(30) in {0, -signal.SIGTERM}
    with SqlStore(f"sqlite:///{tmp_path}/store.db") as store:
        store.models.register("late", actor="ann")

    with served(tmp_path) as (url, _), listening(url, "ledger", seen) as events:
        assert until(events, "ledger/1", "subject") == "models/late"
