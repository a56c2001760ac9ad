"""`headwater demo`, stopped at any moment."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

from headwater.demo.steps import MODEL
from headwater.sdk.client import Client
from tests.demo.conftest import Demo

CHILD = """\
import signal
from headwater.cli import main
# Whoever runs the tests in the background has Ctrl-C switched off for them.
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""


def test_after_demos_were_stopped_at_any_moment_the_next_one_succeeds(tmp_path):
    store = Demo(folder=tmp_path, output="")

    after_ctrl_c = _start_and_stop(store, signal.SIGINT, after_s=random.uniform(0, 2))
    after_kill = _start_and_stop(store, signal.SIGKILL, after_s=random.uniform(0, 2))
    done = store.run("demo", "--months", "1")

    assert after_kill == -signal.SIGKILL
    # Or 0: a Ctrl-C while C calls Python, as when a library is imported, is printed and forgotten.
    assert after_ctrl_c in {0, 1}
    assert done.exit_code == 0, done.output
    with Client(store.url) as opened:
        counts = {data.name: data.version_count for data in opened.store.data.all()}
        assert {name for name, count in counts.items() if count > 1} == {
            "flights/holdout",
            "flights/train",
            "weather/2013-03",
        }
        versions = opened.models[MODEL].versions()
        assert [v.version for v in versions] == list(range(1, len(versions) + 1))
        assert [v.stage for v in versions].count("production") == 1


def _start_and_stop(store: Demo, number: signal.Signals, *, after_s: float) -> int:
    """Start a demo in a process of its own, stop it a while after its first run began."""
    words = [sys.executable, "-W", "error", "-c", CHILD, "--store", store.url, "demo", "--months", "1"]
    runs = _count_runs(store)
    child = subprocess.Popen(words, cwd=store.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline_s = time.monotonic() + 60
        while _count_runs(store) == runs:
            assert child.poll() is None
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        time.sleep(after_s)
        child.send_signal(number)
        return child.wait(timeout=180)
    finally:
        child.kill()
        child.wait()


def _count_runs(store: Demo) -> int:
    try:
        with closing(sqlite3.connect(f"file:{store.folder / 'flights.db'}?mode=ro", uri=True)) as db:
            return db.execute("SELECT count(*) FROM run").fetchone()[0]
    except sqlite3.OperationalError:
        return 0  # It has no tables yet.
