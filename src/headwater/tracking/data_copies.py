"""Copies of stored data that programs read by a path."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path


def copy_of(digest: str, name: str, fetch: Callable[[Path], Path]) -> Path:
    """Return the path of a copy, which is there until the process ends; the same data share one.

    Args:
        digest: What the data are known by.
        name: The last part of the path.
        fetch: Writes them to a path where nothing is.

    Raises:
        HeadwaterError: what `fetch` raises.
    """
    from headwater.fingerprints import fingerprint

    place = _folder(os.getpid()) / digest.replace(":", "-")
    shared = place / name
    if shared.exists() and fingerprint(shared).digest == digest:
        return shared
    # Beside it at first: another thread may do the same, and whoever changed the shared one still reads it.
    new = Path(tempfile.mkdtemp(dir=place.parent))
    copy = fetch(new / name)
    try:
        new.rename(place)
    except OSError:
        return copy
    return shared


@cache
def _folder(process: int) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="headwater-data-"))
    atexit.register(_remove, folder, process)
    return folder


def _remove(folder: Path, process: int) -> None:
    # A forked child that ends has this from its parent.
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
