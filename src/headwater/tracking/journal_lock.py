"""A file lock that ends with its process: it tells whether the owner of a journal is alive."""

import os
import sys
from pathlib import Path
from typing import Final

# Windows locks bytes, not files; this one lies far beyond anything written.
_BYTE: Final = 1 << 30


class JournalLock:
    """An exclusive lock on a file, held until `release` or the end of the process.

    A forked child shares the lock with its parent, so it has to `forget` it:
    else the lock would outlive the parent.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor = path, descriptor

    @classmethod
    def take(cls, path: Path) -> "JournalLock | None":
        """Lock a file, made when it is not there; None when a living process holds it."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if lock_open(descriptor) and _is_at(path, descriptor):
            return cls(path, descriptor)
        os.close(descriptor)
        return None

    def release(self) -> None:
        """Remove the file and give up the lock."""
        # First removed, then unlocked: whoever waits for it sees that the file has gone.
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def forget(self) -> None:
        """Let go of the descriptor and leave the lock to the process that it was inherited from."""
        os.close(self._descriptor)


if sys.platform == "win32":
    import msvcrt

    def lock_open(descriptor: int) -> bool:
        """Lock an open file until it is closed; False when somebody else holds it."""
        os.lseek(descriptor, _BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def lock_open(descriptor: int) -> bool:
        """Lock an open file until it is closed; False when somebody else holds it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _is_at(path: Path, descriptor: int) -> bool:
    """Tell whether the locked file is still the one at the path: another process may have removed it."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(found, os.fstat(descriptor))
