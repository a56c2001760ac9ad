"""Files of the journal: which there are, and how they are read after a crash."""

import logging
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from headwater.tracking.records import Checkpoint, Header, Seal, decode, frames, is_mark

REFUSED: Final = "refused"
"""Folder below the journals for files with records that the store refused."""
HEADER_BYTES: Final = 1 << 16
"""No header is longer: it holds a URL, a host and some numbers."""
_LOG: Final = logging.getLogger("headwater.tracking")
_FILE: Final = re.compile(r"([0-9a-f]{16})-([0-9]{8})\.log")


def writers(folder: Path) -> list[int]:
    """Return the writers that have files in a folder, the living among them too, oldest file first."""
    try:
        names = [(entry.stat().st_mtime, entry.name) for entry in os.scandir(folder)]
    except FileNotFoundError:
        return []
    matches = (_FILE.fullmatch(name) for _, name in sorted(names))
    return list(dict.fromkeys(int(match[1], 16) for match in matches if match))


def cut_torn_tail(path: Path) -> None:
    """Cut a file at its first broken frame; keep a copy if more than one unfinished record is lost."""
    data = path.read_bytes()
    end = max((end for end, _ in frames(data)), default=0)
    rest = data[end:]
    if not rest:
        return
    # A record that was being written when the process ended is shorter than it says; anything else is damage.
    is_unfinished = len(rest) < 8 or len(rest) < 8 + int.from_bytes(rest[:4], "little")
    if not is_unfinished and any(rest):
        kept = copy_refused(path)
        _LOG.warning("journal file %s is damaged after byte %d; a copy is kept in %s", path, end, kept)
    os.truncate(path, end)


def header_of(path: Path) -> Header | None:
    """Return the first record of a file; None when it has none, for its writer died while making it."""
    with path.open("rb") as file:
        first = next(frames(file.read(HEADER_BYTES)), None)
    record = decode(first[1]) if first else None
    return record if isinstance(record, Header) else None


def marks(path: Path) -> Iterator[Seal | Checkpoint]:
    """Yield the seals and checkpoints of a file, in order, without reading anything else."""
    for _, payload in frames(path.read_bytes()):
        if is_mark(payload):
            record = decode(payload)
            assert isinstance(record, (Seal, Checkpoint))
            yield record


def copy_refused(path: Path) -> Path:
    """Copy a file aside, because not all of it will ever be in the store."""
    target = path.parent / REFUSED / path.name
    target.parent.mkdir(exist_ok=True, mode=0o700)
    if not target.exists():
        shutil.copy2(path, target)
    return target
