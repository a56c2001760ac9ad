"""Imports a database, and kills itself for good some milliseconds after a batch of a step."""

import os
import signal
import sys
import threading

from headwater.compat.mlmd.importing import import_database, open_source
from headwater.store import open_store


def main(source: str, url: str, batch: int, last_step: str, batches: int, delay_ms: int) -> None:
    left = batches

    def watch(step: str, done: int, total: int) -> None:
        nonlocal left
        left -= step == last_step
        if left == 0:
            threading.Timer(delay_ms / 1000, os.kill, (os.getpid(), signal.SIGKILL)).start()
            if not delay_ms:
                signal.pause()

    with open_source(source, batch=batch) as opened, open_store(url) as store:
        import_database(opened, store, watch=watch)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]), int(sys.argv[6]))
