"""Processes that end without a word: nothing that a log call returned from is lost or doubled."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from headwater.blobs import open_blobs
from headwater.model.ids import RunId
from headwater.model.runs import RunStatus
from headwater.store import open_store
from headwater.tracking import Session, TrackingSettings

CHILD = Path(__file__).parent / "logging_child.py"
DAY_MS = 86_400_000


class Child:
    """One program that logs until it is ended."""

    def __init__(self, process):
        self.output = process.stdout
        self.pid = int(self.output.readline())
        self.run_id = RunId(self.output.readline().decode().strip())

    def end(self, with_signal=signal.SIGKILL):
        os.kill(self.pid, with_signal)
        return self.calls()

    def calls(self):
        """Return the calls that returned; the last line may be torn like any write."""
        # A line that was torn by the end is joined to the next one, `end`, and is no number then.
        lines = iter(self.output.readline, b"")
        until_end = itertools.takewhile(lambda line: not line.endswith(b"end\n"), lines)
        return [int(line) for line in until_end]


@contextmanager
def children(folder, moment, times=1):
    process = subprocess.Popen(
        [sys.executable, CHILD, folder, moment, str(times)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        yield process
        process.kill()


def recovered(folder):
    store = open_store(f"sqlite:///{folder / 'store.db'}")
    session = Session(
        store,
        open_blobs("memory://"),
        journals=folder / "journal",
        project_root=folder,
        clock_ms=lambda: time.time_ns() // 1_000_000 + DAY_MS,
        settings=TrackingSettings(),
    )
    session.recover()
    return session


def check(folder, calls):
    """Every acknowledged value is there once; at most one more was logged and not acknowledged."""
    with recovered(folder) as session:
        for run_id, returned in calls.items():
            run = session.store.runs.get([run_id])[0]
            rows = session.store.series.read(run.id, "loss").rows()
            assert [(step, value) for step, _, value in rows] == [(s, s / 2) for s in range(len(rows))]
            assert returned == list(range(len(returned)))
            assert len(returned) <= len(rows) <= len(returned) + 1
            assert (run.metrics["loss"].count if rows else 0) == len(rows)
            assert run.status is RunStatus.LOST
        assert list((folder / "journal").rglob("*.log")) == []
        session.store.close()


def test_kill_at_any_moment_loses_and_doubles_nothing(tmp_path):
    pause, calls = random.Random(7), {}

    with children(tmp_path, "any", times=20) as process:
        for _ in range(20):
            child = Child(process)
            time.sleep(pause.uniform(0, 0.06))
            calls[child.run_id] = child.end()

    check(tmp_path, calls)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_kill_beside_the_commit_of_a_batch_loses_and_doubles_nothing(tmp_path, moment):
    # Each one replays the journal of the one before it, and dies in its own third batch.
    with children(tmp_path, moment, times=3) as process:
        calls = {child.run_id: child.calls() for child in (Child(process) for _ in range(3))}

    check(tmp_path, calls)


def test_two_processes_log_to_one_store(tmp_path):
    with children(tmp_path, "any") as one, children(tmp_path, "any") as other:
        first, second = Child(one), Child(other)
        time.sleep(0.05)
        calls = {first.run_id: first.end(), second.run_id: second.end()}

    check(tmp_path, calls)


def test_the_journal_of_a_living_process_is_left_alone(tmp_path):
    with children(tmp_path, "any") as process:
        child = Child(process)
        with recovered(tmp_path) as session:
            session.store.close()
        calls = child.end()

    check(tmp_path, {child.run_id: calls})


def test_ctrl_c_ends_the_run_as_killed_with_all_its_metrics(tmp_path):
    with children(tmp_path, "any") as process:
        child = Child(process)
        time.sleep(0.05)
        calls = child.end(signal.SIGINT)

    with recovered(tmp_path) as session:
        run = session.store.runs.get([child.run_id])[0]
        assert run.status is RunStatus.KILLED
        assert "KeyboardInterrupt" in str(run.error)
        assert len(calls) <= run.metrics["loss"].count <= len(calls) + 1
        assert list((tmp_path / "journal").rglob("*.log")) == []
        session.store.close()


def test_a_program_that_never_closes_anything_is_flushed_at_its_exit(tmp_path):
    code = f"""
from headwater.blobs import open_blobs
from headwater.store import open_store
from headwater.tracking import Session, start_run
from pathlib import Path
folder = Path({str(tmp_path)!r})
session = Session(open_store(f"sqlite:///{{folder / 'store.db'}}"), open_blobs("memory://"),
                  journals=folder / "journal", project_root=folder)
run = start_run(session, "crash", capture=False)
run.log_metric("loss", 0.5)
print(run.run_id)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    with recovered(tmp_path) as session:
        run = session.store.runs.get([RunId(done.stdout.strip())])[0]
        assert (run.status, run.metrics["loss"].value) == (RunStatus.FINISHED, 0.5)
        session.store.close()
    assert done.stderr == ""
