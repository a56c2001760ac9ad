"""A server as its operator sees it: started, stopped, killed, and started again."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest

from headwater.errors import UnavailableError
from headwater.model.ids import new_run_id
from headwater.model.runs import NewRun
from headwater.model.series import Points, SeriesBatch
from headwater.store import open_store
from headwater.store.remote import RemoteStore
from tests.server.http.processes import refused, server_process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

LOGGING = """
import sys, time
import headwater as hw

with hw.run("e", capture=False) as run:
    print(run.run_id, flush=True)
    for step in range(400):
        run.log_metric("loss", step / 2, step=step)
        if step == 50:
            print("half", flush=True)
        time.sleep(0.01)
"""


def batch(run, number):
    points = Points.of([(number, number, number / 2)])
    return SeriesBatch(execution_id=run.id, key="loss", writer=1, batch=number, points=points)


def start(store):
    return store.runs.start(NewRun(run_id=new_run_id(), experiment="e"))


def test_port_0_takes_a_free_one_and_says_which(tmp_path):
    with server_process(tmp_path, f"sqlite:///{tmp_path / 'store.db'}") as server:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d{2,5}", server.url)
        assert httpx.get(f"{server.url}/health").text == "OK"
        assert server.stop() == 0


def test_a_request_that_runs_is_answered_before_the_server_stops(tmp_path):
    with server_process(tmp_path, f"sqlite:///{tmp_path / 'store.db'}") as server:
        digest = "blake3:" + "0" * 64
        half_way = threading.Event()

        def slowly():
            yield b"first"
            half_way.set()
            time.sleep(0.5)
            yield b"second"

        answers = []
        asking = threading.Thread(
            target=lambda: answers.append(
                httpx.put(f"{server.url}/api/v1/blobs/{digest}", content=slowly()).status_code
            )
        )
        asking.start()
        assert half_way.wait(10)
        assert server.stop() == 0
        asking.join(10)

    # It is refused for its digest, and that is an answer.
    assert answers == [400]


def test_what_was_acknowledged_is_in_the_store_after_a_stop(tmp_path):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with server_process(tmp_path, url) as server, RemoteStore(server.url) as remote:
        run = start(remote)
        for number in range(20):
            remote.series.append([batch(run, number)])
        assert server.stop() == 0

    with open_store(url) as store:
        assert store.series.read(run.id, "loss").rows() == [(n, n, n / 2) for n in range(20)]


def test_a_killed_worker_loses_nothing_and_a_new_one_starts(tmp_path, fresh_postgresql_url):
    url = fresh_postgresql_url()
    acknowledged: dict[int, list[int]] = {}
    failures: list[str] = []
    stopping = threading.Event()

    def log(address: str) -> None:
        with RemoteStore(address, environment={}) as remote:
            run = start(remote)
            mine = acknowledged.setdefault(run.id, [])
            while not stopping.is_set():
                number = len(mine)
                try:
                    remote.series.append([batch(run, number)])
                except UnavailableError as error:
                    failures.append(str(error))
                    return
                mine.append(number)

    with server_process(tmp_path, url, "--workers", "2") as server:
        threads = [threading.Thread(target=log, args=(server.url,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        before = server.workers()
        time.sleep(0.5)
        os.kill(before[0], signal.SIGKILL)
        until = time.monotonic() + 20
        while (len(now := server.workers()) < 2 or before[0] in now) and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(0.5)
        stopping.set()
        for thread in threads:
            thread.join(30)
        assert len(set(server.workers()) - {before[0]}) == 2

    assert failures == []
    with open_store(url) as store:
        for run_id, numbers in acknowledged.items():
            assert len(numbers) > 3
            assert store.series.read(run_id, "loss").rows() == [(n, n, n / 2) for n in numbers]


def test_a_client_logs_across_a_restart_with_nothing_lost_and_nothing_twice(tmp_path):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    (tmp_path / "pyproject.toml").touch()
    with server_process(tmp_path, url) as server:
        environment = {**os.environ, "HEADWATER_STORE": server.url}
        environment.pop("HEADWATER_BLOBS", None)
        program = subprocess.Popen(
            [sys.executable, "-c", LOGGING],
            env=environment,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert program.stdout is not None
        run_id = program.stdout.readline().strip()
        assert program.stdout.readline() == "half\n"
        assert server.stop() == 0
        port = int(server.url.rpartition(":")[2])
        time.sleep(1)
        with server_process(tmp_path, url, port=port):
            _, trouble = program.communicate(timeout=60)
            assert program.returncode == 0, trouble

    with open_store(url) as store:
        (run,) = store.runs.get([run_id])
        points = store.series.read(run.id, "loss")
    assert list(points.steps) == list(range(400))
    assert list(points.values) == [step / 2 for step in range(400)]
    assert run.metrics["loss"].count == 400
    assert run.status.name == "FINISHED"


def test_a_store_in_memory_is_for_one_process(tmp_path):
    done = refused(tmp_path, "--store", "memory://", "server", "--port", "0", "--workers", "2")

    assert done.returncode == 5
    assert "belongs to one process" in done.stderr


def test_others_cannot_reach_a_server_that_knows_nobody(tmp_path):
    store = f"sqlite:///{tmp_path / 'store.db'}"

    done = refused(tmp_path, "--store", store, "server", "--port", "0", "--host", "0.0.0.0")

    assert done.returncode == 5
    assert "--auth" in done.stderr


def test_a_port_that_is_taken_is_an_error(tmp_path):
    store = f"sqlite:///{tmp_path / 'store.db'}"
    with server_process(tmp_path, store) as server:
        done = refused(tmp_path, "--store", store, "server", "--port", server.url.rpartition(":")[2])

    assert done.returncode == 7
    assert "cannot be bound" in done.stderr


def test_metrics_of_all_workers_add_up(tmp_path):
    store = f"sqlite:///{tmp_path / 'store.db'}"
    with server_process(tmp_path, store, "--workers", "2") as server:
        for _ in range(40):
            # A connection each, so that both get some.
            httpx.get(f"{server.url}/health/live")
        httpx.get(f"{server.url}/api/2.0/mlflow/runs/get?run_id=none")
        text = httpx.get(f"{server.url}/metrics").text

    (count,) = re.findall(
        r'headwater_http_requests_total\{method="GET",route="/health/live",.*?\} (\S+)', text
    )
    assert float(count) == 40
    assert 'method="GET",route="/api/2.0/mlflow/runs/get",status="404"' in text


def test_the_access_log_is_one_json_object_a_line(tmp_path):
    store = f"sqlite:///{tmp_path / 'store.db'}"
    with server_process(tmp_path, store) as server:
        headers = {"X-Request-ID": "mine-1", "Authorization": "Bearer hw_secret"}
        httpx.get(f"{server.url}/version?token=hw_other", headers=headers)
        httpx.get(f"{server.url}/nowhere%0A%22", headers={"X-Request-ID": "bad id"})
        server.stop()
        lines = server.log()

    noted = [json.loads(line) for line in lines if "health" not in line]
    assert (noted[0]["id"], noted[0]["path"], noted[0]["status"]) == ("mine-1", "/version", 200)
    assert re.fullmatch(r"[0-9a-f]{16}", noted[1]["id"])
    assert noted[1]["status"] == 404
    assert not [line for line in lines if "hw_" in line]
