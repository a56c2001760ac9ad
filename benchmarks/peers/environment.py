"""A peer's environment: made once with uv, kept in a folder that git ignores."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from benchmarks.frame.bench import ROOT, Bench, SkippedError

HOME = ROOT / ".venv-peers"
MLFLOW = "mlflow==3.17.2"


def mlflow_python(bench: Bench) -> Path:
    """Return the interpreter that has MLflow, installed now if it is not there.

    Raises:
        SkippedError: it cannot be installed, or this is a smoke test.
    """
    if bench.is_quick:
        raise SkippedError("MLflow is left out of smoke tests")
    home = HOME / "mlflow"
    python, done = home / "bin" / "python", home / f"{MLFLOW}.installed"
    if not done.exists():
        uv = _uv()
        _run(uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(home))
        _run(uv, "pip", "install", "--quiet", "--python", str(python), MLFLOW)
        done.touch()
    return python


class Worker:
    """A process of a peer: it is asked for one job after another, so that arms can take turns."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._to: IO[str] = process.stdin
        self._from: IO[str] = process.stdout

    def ask(self, job: str, **arguments: object) -> Any:
        """Run a job of the worker and return its answer."""
        self._to.write(json.dumps({"job": job, "arguments": arguments}) + "\n")
        self._to.flush()
        answer = self._from.readline()
        if not answer:
            raise SkippedError(f"the peer's process ended in {job}")
        return json.loads(answer)

    def close(self) -> None:
        """Let the process end."""
        self._to.close()


@contextmanager
def mlflow_worker(bench: Bench, folder: Path) -> Generator[Worker]:
    """Run MLflow in a process of its own, on a SQLite store in `folder`."""
    script = Path(__file__).with_name("mlflow_worker.py")
    # Its progress bars and migrations go to standard error.
    with subprocess.Popen(
        [str(mlflow_python(bench)), str(script), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=folder,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"},
    ) as process:
        worker = Worker(process)
        try:
            yield worker
        finally:
            worker.close()


def _uv() -> str:
    found = shutil.which(os.environ.get("UV", "uv")) or shutil.which(str(ROOT / ".venv-tools/bin/uv"))
    if found is None:
        raise SkippedError("MLflow needs uv to be installed: `make bench` has it, or set UV to its path")
    return found


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SkippedError(f"MLflow cannot be installed: {done.stderr.strip().splitlines()[-1:]}")
