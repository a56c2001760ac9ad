"""Starts the server under test, and asks it without a client."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[3]
JSON = {"Content-Type": "application/json"}


@dataclass
class Served:
    """A running server.

    Attributes:
        store_url: The store that it serves, so that a test can look into it.
    """

    url: str
    store_url: str
    blobs_url: str
    process_id: int
    http: httpx.Client

    def get(self, endpoint: str, /, **query: Any) -> httpx.Response:
        """Call an endpoint below `/api/2.0/mlflow`."""
        return self.http.get(f"/api/2.0/mlflow/{endpoint}", params=query)

    def post(self, endpoint: str, /, **body: Any) -> httpx.Response:
        """Call an endpoint below `/api/2.0/mlflow`."""
        return self.http.post(f"/api/2.0/mlflow/{endpoint}", json=body)

    def new_run(self, experiment_id: str = "0", **fields: Any) -> str:
        """Start a run and return its id."""
        answer = self.post("runs/create", experiment_id=experiment_id, **fields).json()
        return answer["run"]["info"]["run_id"]

    def peak_bytes(self) -> int:
        """Return the most memory that the process has had."""
        status = Path(f"/proc/{self.process_id}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024


@contextmanager
def serving(store_url: str, blobs: Path, *words: str) -> Generator[Served]:
    """Serve a store until the block ends; `words` are more of the command."""
    command = [sys.executable, "-m", "headwater", "--store", store_url, "--blobs", str(blobs)]
    with subprocess.Popen(
        [*command, "server", "--port", "0", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            url = process.stderr.readline().strip().rpartition(" ")[2].rstrip(".")
            assert url.startswith("http://")
            with httpx.Client(base_url=url, timeout=60) as http:
                yield Served(url, store_url, str(blobs), process.pid, http)
        finally:
            process.terminate()
