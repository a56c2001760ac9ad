"""A peer's environment: made once with uv, kept in a folder that git ignores."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from benchmarks.frame.bench import ROOT, Bench, SkippedError

HOME = ROOT / ".venv-peers"


def mlflow_python(bench: Bench) -> Path:
    """Return the interpreter that has MLflow, installed now if it is not there.

    Raises:
        SkippedError: it cannot be installed, or is not there for a smoke test.
    """
    return _peer(bench, "mlflow", "MLflow")


def mlmd_python(bench: Bench) -> Path:
    """Return the interpreter that has the original ML Metadata, installed now if it is not there.

    Raises:
        SkippedError: it cannot be installed, or is not there for a smoke test.
    """
    return _peer(bench, "mlmd", "ML Metadata")


def prefect_python(bench: Bench) -> Path:
    """Return the interpreter that has Prefect, installed now if it is not there.

    Raises:
        SkippedError: it cannot be installed, or this is a smoke test.
    """
    if bench.is_quick:
        raise SkippedError("Prefect is left out of smoke tests")
    return _python("prefect", "Prefect", Path(__file__).with_name("prefect.txt"))


class Worker:
    """A process that is asked for one job after another, so that arms can take turns."""

    def __init__(self, process: "subprocess.Popen[str]", said: IO[str]) -> None:
        """Take the process, and where its standard error goes."""
        assert process.stdin is not None
        assert process.stdout is not None
        self._to: IO[str] = process.stdin
        self._from: IO[str] = process.stdout
        self._said = said

    def ask(self, job: str, **arguments: object) -> Any:
        """Run a job of the worker and return its answer.

        Raises:
            SkippedError: it says that what it asks has failed.
            RuntimeError: it ended.
        """
        with suppress(BrokenPipeError):
            self._to.write(json.dumps({"job": job, "arguments": arguments}) + "\n")
            self._to.flush()
        answer = self._from.readline()
        if not answer:
            self._said.seek(0)
            raise RuntimeError(f"the worker's process ended in {job}: {self._said.read()[-1000:]}")
        found = json.loads(answer)
        if isinstance(found, dict) and "fault" in found:
            raise SkippedError(f"{job} failed: {found['fault']}")
        return found

    def close(self) -> None:
        """Let the process end."""
        with suppress(BrokenPipeError):
            self._to.close()


@contextmanager
def worker(
    python: Path,
    script: str,
    *arguments: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
) -> Generator[Worker]:
    """Run a script of this folder with some interpreter.

    Args:
        python: Whose process it is.
        script: Its file's name.
        arguments: Of its command line.
        folder: Where it runs.
        environment: Variables beside those of this process.
    """
    # Progress bars and migrations of peers go to standard error. A file beside the script must not stand in
    # for a module of its name (-P).
    with (
        TemporaryFile("w+", errors="replace") as said,
        subprocess.Popen(
            [str(python), "-P", str(Path(__file__).with_name(script)), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            cwd=folder,
            env={**os.environ, **(environment or {})},
        ) as process,
    ):
        started = Worker(process, said)
        try:
            yield started
        finally:
            started.close()


@contextmanager
def mlflow_worker(bench: Bench, folder: Path) -> Generator[Worker]:
    """Run MLflow in a process of its own, on a SQLite store in `folder`."""
    silent = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    with worker(
        mlflow_python(bench), "mlflow_worker.py", str(folder), folder=folder, environment=silent
    ) as started:
        yield started


@contextmanager
def prefect_worker(bench: Bench, folder: Path) -> Generator[Worker]:
    """Run Prefect in a process of its own; its server is made for it, with a SQLite file in `folder`."""
    silent = {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": "",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "DO_NOT_TRACK": "1",
    }
    with worker(prefect_python(bench), "prefect_worker.py", folder=folder, environment=silent) as started:
        yield started


def _peer(bench: Bench, name: str, words: str) -> Path:
    if bench.is_quick and not (HOME / name / ".ready").exists():
        raise SkippedError(f"a smoke test has {words} only after `make peers`")
    return _python(name, words)


def _python(name: str, words: str, needs: Path | None = None) -> Path:
    """Return the interpreter of an environment as `make peers` makes it, made now if it is not there."""
    home = HOME / name
    python, done = home / "bin" / "python", home / ".ready"
    if not done.exists():
        uv = _uv(words)
        requirements = needs or ROOT / "tests" / "compat" / name / "requirements.txt"
        _run(words, [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(home)])
        _run(
            words,
            [uv, "pip", "install", "--quiet", "--python", str(python), "--requirements", str(requirements)],
        )
        done.touch()
    return python


def _uv(words: str) -> str:
    found = shutil.which(os.environ.get("UV", "uv")) or shutil.which(str(ROOT / ".venv-tools/bin/uv"))
    if found is None:
        raise SkippedError(f"{words} needs uv to be installed: `make bench` has it, or set UV to its path")
    return found


def _run(words: str, command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SkippedError(f"{words} cannot be installed: {done.stderr.strip().splitlines()[-1:]}")
