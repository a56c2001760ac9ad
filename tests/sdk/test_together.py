"""Many at once: threads of one process, processes on one SQLite file, and forked children."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import headwater as hw
from headwater.model.runs import RunStatus

LOGGER = """
import sys
import headwater as hw

name = sys.argv[1]
print("ready", flush=True)
sys.stdin.readline()
for number in range(3):
    with hw.run("together", name=name, params={"number": number}, capture=False) as run:
        run.use(hw.dataset("shared", [{"n": number}]))
        run.log_series("loss", range(100), range(100))
        run.log_model("shared", {"from": name, "number": number})
"""


def test_threads_have_runs_of_their_own(connected):
    start = threading.Barrier(4)

    def work(number):
        start.wait()
        with (
            hw.run("outer", name=f"outer {number}", capture=False) as outer,
            hw.run("inner", name=f"inner {number}", capture=False),
        ):
            for step in range(20):
                outer.log_metric("loss", step)
        return outer

    with ThreadPoolExecutor(4) as pool:
        outers = list(pool.map(work, range(4)))

    parents = {run.name: run.parent_id for run in hw.search_runs("experiment = 'inner'")}
    assert parents == {f"inner {number}": outer.id for number, outer in enumerate(outers)}
    assert {hw.get_run(outer.run_id).metrics["loss"].count for outer in outers} == {20}


def test_one_run_takes_what_several_threads_log(connected):
    with hw.run("train", capture=False) as run, ThreadPoolExecutor(4) as pool:
        for number in range(200):
            pool.submit(run.log_metric, f"loss {number % 3}", number, number)

    assert sum(metric.count for metric in hw.get_run(run.run_id).metrics.values()) == 200


def test_versions_registered_at_once_get_numbers_of_their_own(connected):
    with hw.run("train", capture=False) as run, ThreadPoolExecutor(4) as pool:
        versions = list(pool.map(lambda n: run.log_model("late", {"n": n}), range(8)))

    assert sorted(version.version for version in versions) == list(range(1, 9))


def test_two_processes_use_one_store_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADWATER_STORE", f"sqlite:///{tmp_path / 'store.db'}")
    processes = [start(LOGGER, name) for name in ("one", "other")]
    for process in processes:
        assert process.stdout.readline() == "ready\n"

    errors = [process.communicate("go\n", timeout=120)[1] for process in processes]

    assert errors == ["", ""]
    runs = hw.search_runs("experiment = 'together'")
    assert {run.status for run in runs} == {RunStatus.FINISHED}
    assert sorted((r.name, r.params["number"], r.metrics["loss"].count) for r in runs) == [
        (name, number, 100) for name in ("one", "other") for number in range(3)
    ]
    assert [version.version for version in hw.models["shared"].versions()] == list(range(1, 7))
    assert len(hw.connect().store.data.versions("shared")) == 3


FORKER = """
import os
import headwater as hw

with hw.run("parent", capture=False) as run:
    run.log_metric("loss", 1.0)
    if (child := os.fork()) == 0:
        run.log_metric("from child", 2.0)
        run.set_tag("child", True)
        run.log_text("words", "child.txt")
        run.flush()
        os._exit(0)
    _, status = os.waitpid(child, 0)
print(status, run.run_id)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="nothing forks on Windows")
def test_a_forked_child_logs_to_the_run_of_its_parent(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADWATER_STORE", f"sqlite:///{tmp_path / 'store.db'}")
    process = start(FORKER)

    out, errors = process.communicate(timeout=120)

    status, run_id = out.split()
    run = hw.get_run(run_id)
    assert (status, errors) == ("0", "")
    assert (run.metrics.keys(), dict(run.tags)) == ({"loss", "from child"}, {"child": True})
    assert "child.txt" in str(hw.lineage(f"runs/{run_id}").downstream())


def start(program, *arguments):
    # From Python 3.12 on, forking beside threads is warned of; that is what is tested here.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program, *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
