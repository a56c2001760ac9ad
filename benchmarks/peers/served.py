"""Tracking servers as processes: ours, and MLflow's own."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from benchmarks.frame.bench import SkippedError
from tests.servers.process import free_port

_START_S = 600.0
_SILENT = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}


@dataclass(frozen=True)
class Served:
    """A running server: its address and its first process."""

    url: str
    process_id: int

    def ask(self, path: str, body: Any = None) -> Any:
        """Call an endpoint below `/api/2.0/mlflow`, with POST if there is a body."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/2.0/mlflow/{path}", data, headers)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def resident_bytes(self) -> int:
        """Return the memory that the server and all of its processes have now."""
        return sum(_resident_bytes(pid) for pid in _family(self.process_id))


@contextmanager
def headwater_served(store: str, folder: Path, *, workers: int = 1) -> Generator[Served]:
    """Run our server."""
    command = [sys.executable, "-m", "headwater", "--store", store, "--blobs", str(folder / "blobs")]
    command += ["server", "--port", "0", "--spool", str(folder / "spool"), "--workers", str(workers)]
    with _process(command, folder, "headwater", {}) as process:
        log = folder / "headwater.log"
        until = monotonic() + _START_S
        while not (found := re.search(r"http://[\d.]+:\d+", log.read_text())):
            _check(process, log, until)
        served = Served(found[0], process.pid)
        _wait(served, process, log)
        yield served


@contextmanager
def mlflow_served(python: Path, store: str, folder: Path) -> Generator[Served]:
    """Run MLflow's server with its own defaults: four processes."""
    port = free_port()
    command = [str(python.with_name("mlflow")), "server", "--host", "127.0.0.1", "--port", str(port)]
    # Its environment has psycopg2, while SQLAlchemy's word for PostgreSQL alone has come to mean psycopg.
    store = store.replace("postgresql://", "postgresql+psycopg2://", 1)
    command += ["--backend-store-uri", store, "--artifacts-destination", str(folder / "mlartifacts")]
    with _process(command, folder, "mlflow", _SILENT) as process:
        served = Served(f"http://127.0.0.1:{port}", process.pid)
        _wait(served, process, folder / "mlflow.log")
        yield served


@contextmanager
def _process(
    command: list[str], folder: Path, name: str, environment: Mapping[str, str]
) -> Generator["subprocess.Popen[bytes]"]:
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=log,
            cwd=folder,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    try:
        yield process
    finally:
        # A session of its own, so that its workers go with it; one that did not start has gone already.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(served: Served, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = monotonic() + _START_S
    while True:
        try:
            with urllib.request.urlopen(f"{served.url}/health", timeout=10):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            _check(process, log, until)


def _check(process: "subprocess.Popen[bytes]", log: Path, until_s: float) -> None:
    if process.poll() is not None or monotonic() > until_s:
        raise SkippedError(f"a server does not start: {log.read_text()[-300:]!r}")
    sleep(0.1)


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in _family(int(child)))]


def _resident_bytes(pid: int) -> int:
    (line,) = (
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:")
    )
    return int(line.split()[1]) * 1024
