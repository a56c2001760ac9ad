"""MLflow's client and server in processes and an environment of their own, which `make peers` makes."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-peers/mlflow/bin/python"
CLIENT = Path(__file__).with_name("client.py")
ORIGINAL = Path(__file__).with_name("original.py")


class ClientError(Exception):
    """What the client raised."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Client:
    """Runs scenarios."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [PYTHON, "-W", "ignore", CLIENT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, scenario: str, /, **arguments: Any) -> Any:
        """Run a function of `scenarios.py` and return its answer."""
        self._process.stdin.write(json.dumps({"name": scenario, "arguments": arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the client ended")
        answer = json.loads(line)
        if "value" in answer:
            return answer["value"]
        raise ClientError(answer["code"], answer["message"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


class Original:
    """MLflow's own server, over a SQLite database of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [PYTHON, "-W", "ignore", ORIGINAL],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Answer a request with a status and JSON."""
        self._process.stdin.write(json.dumps([method, path, body]) + "\n")
        self._process.stdin.flush()
        status, answer = json.loads(self._process.stdout.readline())
        return status, answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


@contextmanager
def running_server(folder: Path) -> Generator[str]:
    """Run MLflow's own server as its users do, over SQLite and a folder of files, and yield its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database, files = f"sqlite:///{folder}/mlflow.db", str(folder / "files")
    places = ["--backend-store-uri", database, "--artifacts-destination", files, "--port", str(port)]
    command = [PYTHON, "-m", "mlflow", "server", *places, "--workers", "1"]
    # Jobs would be run by eight more processes.
    settings = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    environment = os.environ | settings | {"GIT_PYTHON_REFRESH": "quiet"}
    url = f"http://127.0.0.1:{port}"
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True) as process,
    ):
        try:
            until = time.monotonic() + 120
            while not _is_up(url):
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < until, (folder / "log").read_text()
                time.sleep(0.1)
            yield url
        finally:
            # It has workers of its own.
            os.killpg(process.pid, signal.SIGTERM)


def _is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5).status_code == 200
    except httpx.TransportError:
        return False
