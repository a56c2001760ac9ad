"""Imports a database, and kills itself for good after some batches."""

import os
import signal
import sys

from headwater.compat.mlmd.importing import import_database, open_source
from headwater.store import open_store


def main(source: str, url: str, last_step: str, batches: int) -> None:
    left = batches

    def watch(step: str, done: int, total: int) -> None:
        nonlocal left
        left -= step == last_step
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    with open_source(source) as opened, open_store(url) as store:
        import_database(opened, store, watch=watch)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
