"""A program that logs until it is killed; the tests run it as a process of its own.

Arguments: folder, name of a moment, and how often, one after the other. Prints, each
time, its process id and run id, then the number of each metric call after it has
returned, and `end`.
"""

import importlib
import itertools
import os
import signal
import sys
from pathlib import Path
from typing import Any

from headwater.blobs import open_blobs
from headwater.store import open_store
from headwater.tracking import Session, TrackingSettings, start_run


class FatalSeries:
    """The series of a store; the process dies beside the third batch that it is given."""

    def __init__(self, inner: Any, moment: str) -> None:
        self._inner, self._moment, self._calls = inner, moment, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def append(self, batches: Any) -> None:
        self._calls += 1
        if self._calls == 3 and self._moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        self._inner.append(batches)
        if self._calls == 3 and self._moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)


def say(text: object) -> None:
    os.write(1, f"{text}\n".encode())


def log_for_ever(folder: Path, moment: str) -> None:
    store: Any = open_store(f"sqlite:///{folder / 'store.db'}")
    store.series = FatalSeries(store.series, moment)
    settings = TrackingSettings(flush_interval_s=0.004, segment_bytes=2048)
    session = Session(
        store, open_blobs("memory://"), journals=folder / "journal", project_root=folder, settings=settings
    )
    with start_run(session, "crash", capture=False) as run:
        say(run.run_id)
        for step in itertools.count():
            run.log_metric("loss", step / 2, step=step)
            say(step)


def load_drivers() -> None:
    importlib.import_module("headwater.store.sql.store")


def main(folder: Path, moment: str, times: int) -> None:
    load_drivers()
    for _ in range(times):
        # Forked before anything is opened: a process like any other, but with its imports done.
        if child := os.fork():
            # Ctrl-C is for the child; what it writes comes before the end.
            os.waitpid(child, 0)
            say("end")
        else:
            say(os.getpid())
            log_for_ever(folder, moment)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
