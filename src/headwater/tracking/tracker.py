"""The tracker: one buffer, journal and flusher for all runs that a process logs to one store."""

import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from math import inf
from pathlib import Path

from headwater.errors import UnavailableError
from headwater.model.protocols import Store
from headwater.tracking.buffer import Buffer
from headwater.tracking.flusher import Flusher
from headwater.tracking.journal import Journal
from headwater.tracking.settings import TrackingSettings
from headwater.tracking.sync import SyncReport, adopt_journals, count_waiting, digests_waiting


class Tracker:
    """Logging to one store from one process, and from the children it forks.

    A forked child starts its own journal and flusher at its first log call;
    what was waiting at the fork is the parent's to send.

    Args:
        store: Gives the store, also in a forked child.
        store_url: The store's URL without its password, noted in the journal.
        folder: Where journals go; None takes a private folder that goes with the
            process, for a store that does so, too.
        settings: Limits and intervals.
        can_send: Tells whether this process can reach the store at all. A forked child that
            cannot only writes its journal, and the parent sends it once the child has ended.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        store_url: str,
        folder: Path | None,
        settings: TrackingSettings,
        can_send: Callable[[], bool] = lambda: True,
    ) -> None:
        self._can_send = can_send
        self._store, self._store_url, self.settings = store, store_url, settings
        self._owner = os.getpid()
        self._is_private = folder is None
        self._folder = folder
        self.buffer = Buffer(self._new_journal, self._wake, settings)
        self.flusher = Flusher(self.buffer, store, settings)
        _reset_in_forked_children(self)

    @property
    def folder(self) -> Path:
        """Where journals go."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="headwater-journal-"))
        return self._folder

    def adopt(self) -> SyncReport:
        """Send what dead processes left in the folder.

        Raises:
            UnavailableError: the store cannot be reached.
        """
        if self._folder is None:
            return SyncReport()
        return adopt_journals(self.folder, self._store(), self.settings)

    def waiting_journals(self) -> int:
        """Return how many journals of dead processes wait to be sent."""
        return 0 if self._folder is None else count_waiting(self._folder)

    def waiting_digests(self) -> set[str]:
        """Return the digests that journals name and the store may not know of yet."""
        return set() if self._folder is None else digests_waiting(self._folder)

    def flush(self, timeout_s: float, patience_s: float = inf) -> bool:
        """Bring everything that was logged before this call into the store.

        Args:
            timeout_s: Longest time to wait.
            patience_s: Longest time to wait in which the store takes nothing.

        Returns:
            True when the store has everything.
        """
        return self._can_send() and self.flusher.flush(timeout_s, patience_s)

    def close(self, timeout_s: float) -> str | None:
        """Flush, stop, and give the journal up.

        Args:
            timeout_s: Longest wait for the store.

        Returns:
            What is left for `headwater sync`; None when the store has everything.
        """
        is_done = False
        try:
            is_done = self.flush(timeout_s)
        finally:
            self.flusher.stop()
            left = None if is_done or not self._can_send() else self.remaining()
            self.buffer.close()
            self._drop_private_folder()
        return left

    def remaining(self) -> str:
        """Say what the store does not have yet."""
        reason = f" ({self.flusher.last_error})" if self.flusher.last_error else ""
        return (
            f"{self.buffer.waiting_points:,} metric points are not in the store yet{reason}; they are kept "
            f"in {self.folder}, and the next start or `headwater sync` sends them"
        )

    def _drop_private_folder(self) -> None:
        if self._is_private and self._folder is not None and os.getpid() == self._owner:
            with suppress(UnavailableError):
                self.adopt()
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _new_journal(self) -> Journal:
        return Journal.create(self.folder, self._store_url, self.settings)

    def _wake(self) -> None:
        if self._can_send():
            self.flusher.wake()

    def reset_after_fork(self) -> None:
        """Make this, in a forked child, a tracker that has logged nothing."""
        self.buffer.reset_after_fork()
        self.flusher.reset_after_fork()
        # A child of multiprocessing ends without running what atexit knows; this is its own way.
        if util := sys.modules.get("multiprocessing.util"):
            util.register_after_fork(self, _flush_at_child_exit)


def _flush_at_child_exit(tracker: Tracker) -> None:
    from multiprocessing.util import Finalize

    Finalize(tracker, tracker.close, args=(tracker.settings.exit_timeout_s,), exitpriority=10)


def _reset_in_forked_children(tracker: Tracker) -> None:
    if not hasattr(os, "register_at_fork"):
        return
    # Weak: what is registered here can never be taken back.
    reference = weakref.ref(tracker)
    resume: list[Callable[[], None]] = []

    def before() -> None:
        if found := reference():
            resume.append(found.flusher.pause_for_fork())

    def in_parent() -> None:
        while resume:
            resume.pop()()

    def in_child() -> None:
        resume.clear()
        if found := reference():
            found.reset_after_fork()

    os.register_at_fork(before=before, after_in_parent=in_parent, after_in_child=in_child)
