"""What happens inside of a step while a test looks on: it is counted, and may fail, hang or die once.

All of it are folders that are made and removed: that is atomic, and no file is opened, so that no step
reads anything.
"""

import contextlib
import os
import signal
import time
import uuid
from collections import Counter
from pathlib import Path

PATIENCE_S = 60.0


def act(control: str, name: str) -> None:
    """Count a call of a step, and do what a test has set for it."""
    _make(control, f"ran.{name}.{uuid.uuid4().hex[:8]}")
    if _take(control, f"fail.{name}"):
        raise RuntimeError(f"{name} was told to fail")
    if _take(control, f"kill.{name}"):
        os.kill(os.getpid(), signal.SIGKILL)
    if _take(control, f"hang.{name}"):
        _make(control, f"hangs.{name}.{os.getpid()}")
        wait_for(lambda: Path(control, "go").exists())


def set_trap(control: Path, kind: str, name: str) -> None:
    """Let the next call of a step `fail`, `kill` its process, or `hang`."""
    (control / f"{kind}.{name}").mkdir()


def release(control: Path) -> None:
    """Let steps that hang go on."""
    (control / "go").mkdir(exist_ok=True)


def hanging(control: Path, name: str) -> int:
    """Wait until a step hangs, and return its process."""
    prefix = f"hangs.{name}."
    wait_for(lambda: any(path.name.startswith(prefix) for path in control.iterdir()))
    return next(
        int(path.name.removeprefix(prefix)) for path in control.iterdir() if path.name.startswith(prefix)
    )


def calls(control: Path) -> Counter[str]:
    """Return how often each step was called."""
    names = [path.name.split(".") for path in control.iterdir()]
    return Counter(parts[1] for parts in names if parts[0] == "ran")


def wait_for(condition) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("nothing happened")
        time.sleep(0.005)


def _make(control: str, name: str) -> None:
    Path(control, name).mkdir()


def _take(control: str, name: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        Path(control, name).rmdir()
        return True
    return False
