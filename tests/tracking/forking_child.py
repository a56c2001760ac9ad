"""A program that forks while it logs; the tests run it as a process of its own.

Arguments: folder, URL of the store, name of a scenario. Prints the run id.
"""

import multiprocessing
import os
import sys
from pathlib import Path

from headwater.blobs import open_blobs
from headwater.store import open_store
from headwater.tracking import ActiveRun, Session, TrackingSettings, start_run


def bare(run: ActiveRun) -> None:
    """The child ends without any farewell."""
    if os.fork() == 0:
        run.log_metric("child", 1.0, step=1)
        run.log_metric("loss", 1.0, step=1)
        os._exit(0)
    os.wait()


def polite(run: ActiveRun) -> None:
    """The child leaves the block of the run, as any program that reaches its end."""
    if os.fork() == 0:
        run.log_metric("child", 1.0, step=1)
        run.log_param("from", "child")
        sys.exit(3)
    os.wait()


def workers(run: ActiveRun) -> None:
    """Two workers of multiprocessing log, one of them to a series that the parent opened."""
    context = multiprocessing.get_context("fork")
    jobs = [context.Process(target=run.log_metric, args=(key, 1.0, 1)) for key in ("child", "loss")]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()


def main(folder: Path, url: str, scenario: str) -> None:
    settings = TrackingSettings(flush_interval_s=60.0)
    session = Session(
        open_store(url),
        open_blobs("memory://"),
        journals=None if url == "memory://" else folder / "journal",
        project_root=folder,
        settings=settings,
        reopen=None if url == "memory://" else lambda: open_store(url),
    )
    owner = os.getpid()
    with start_run(session, "fork", capture=False) as run:
        run.log_metric("loss", 0.0, step=0)
        {"bare": bare, "polite": polite, "workers": workers}[scenario](run)
        run.log_metric("loss", 2.0, step=2)
    if os.getpid() == owner:
        stored = session.store.runs.get([run.run_id])[0]
        session.close()
        counts = {key: metric.count for key, metric in sorted(stored.metrics.items())}
        print(stored.status.name, counts, dict(stored.params))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
