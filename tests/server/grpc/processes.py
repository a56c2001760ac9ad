"""Servers in processes of their own, as an installation runs them."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def served(url: str, log: Path, *options: str) -> Generator[int]:
    """Run `headwater server mlmd` on a store; gives the port."""
    command = [sys.executable, "-m", "headwater", "--store", url, "server", "mlmd", "--port", "0", *options]
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            line = process.stdout.readline()
            assert "Answering" in line, log.read_text()
            yield int(line.split(";")[0].rpartition(":")[2])
            process.terminate()
            assert process.wait(timeout=60) == 0, log.read_text()
        finally:
            process.kill()
