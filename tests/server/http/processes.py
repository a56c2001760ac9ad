"""`headwater server` as a process of its own."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

START_S = 60.0


class ServerProcess:
    """A started server: its address, its processes, and what it wrote."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self.process, self._log = process, log
        self.said = ""
        self.url = self._address()
        # Read on, or the process would wait for somebody to do it.
        threading.Thread(target=self._listen, daemon=True).start()

    def workers(self) -> list[int]:
        """Process ids of those that answer, where there are several."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in listed if "spawn_main" in _command(pid)]

    def stop(self) -> int:
        """Ask it to stop, wait, and return how it exited."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(START_S)

    def log(self) -> list[str]:
        """Return the lines of its standard output."""
        return self._log.read_text().splitlines()

    def wait_until_ready(self) -> None:
        """Wait until a process answers; the address is bound before one does."""
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/health/ready").status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"the server does not get ready: {self.said}")

    def _address(self) -> str:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line
            if found := re.search(r"answers on (https?://\S+:\d+)", line):
                return found[1]
        raise AssertionError(f"no server: {self.said}")

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line


@contextmanager
def server_process(
    folder: Path, store: str, *words: str, port: int = 0, environment: dict[str, str] | None = None
) -> Generator[ServerProcess]:
    """Run a server over a store; its bytes and uploads are in `folder`."""
    log = folder / f"server-{time.time_ns()}.log"
    blobs = str(folder / "blobs")
    command = [sys.executable, "-m", "headwater", "--store", store, "--blobs", blobs]
    command += ["server", "--port", str(port), "--spool", str(folder / "spool"), *words]
    with log.open("w") as out:
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, **(environment or {})},
        )
    try:
        started = ServerProcess(process, log)
        started.wait_until_ready()
        yield started
    finally:
        process.terminate()
        process.wait(START_S)
        assert process.stderr is not None
        process.stderr.close()


def refused(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a server that is to refuse to start."""
    command = [sys.executable, "-m", "headwater", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=START_S)


def _command(pid: str) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""
