"""The flusher: a background thread that brings what was logged into the store."""

import logging
import threading
from collections.abc import Callable
from math import inf
from time import monotonic
from typing import Final

from headwater.errors import UnavailableError
from headwater.model.ids import ExecutionId
from headwater.model.protocols import Store
from headwater.tracking.buffer import Batch, Buffer
from headwater.tracking.delivery import Delivery
from headwater.tracking.settings import TrackingSettings

MERGE_EVERY: Final = 256
"""Batches after which the small chunks of their series are merged, so that a long run stays quick to read."""
FORK_WAIT_S: Final = 2.0
_LOG: Final = logging.getLogger("headwater.tracking")


class Flusher:
    """Sends batches in their order, and a heartbeat for all open runs.

    While the store cannot be reached it tries again after growing pauses; what
    was logged stays in the journal, and in memory up to a limit.

    Args:
        buffer: Where the batches come from.
        store: Gives the store; asked again for each turn.
        settings: Intervals and limits.
    """

    def __init__(self, buffer: Buffer, store: Callable[[], Store], settings: TrackingSettings) -> None:
        self._buffer, self._store, self._settings = buffer, store, settings
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Start anew: a forked child has the objects of its parent's thread, but not the thread."""
        self._event = threading.Event()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = threading.Lock()
        self._is_stopping = False
        self._failures = 0
        self._last_error: str | None = None
        self._last_heartbeat = monotonic()
        self._merges: dict[ExecutionId, int] = {}

    @property
    def last_error(self) -> str | None:
        """Why the store could not be reached the last time; None when it could."""
        return self._last_error

    def start(self) -> None:
        """Start the thread if it is not running."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="headwater-flusher", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Say that there is work."""
        self.start()
        # A store that is out of reach is asked again after its pause, not at every full batch.
        if not self._failures:
            self._event.set()

    def flush(self, timeout_s: float, patience_s: float = inf) -> bool:
        """Bring everything that was logged before this call into the store.

        Args:
            timeout_s: Longest time to wait; the thread goes on trying after it.
            patience_s: Longest time to wait in which the store takes nothing.

        Returns:
            True when the store has everything.
        """
        deadline = monotonic() + timeout_s
        target = self._buffer.seal()
        if self._buffer.acknowledged < target:
            self.start()
        taken, give_up = -1, deadline
        with self._changed:
            while self._buffer.acknowledged < target:
                if self._buffer.acknowledged > taken:
                    taken = self._buffer.acknowledged
                    give_up = min(deadline, monotonic() + patience_s)
                left_s = give_up - monotonic()
                if left_s <= 0:
                    return False
                self._event.set()
                self._changed.wait(min(left_s, 0.5))
        return True

    def pause_for_fork(self) -> Callable[[], None]:
        """Wait until the thread is between two turns, and keep it there.

        A child that is forked while its parent writes inherits a database
        driver in the middle of a transaction, which SQLite then takes for a
        lock that is never given back.

        Returns:
            Lets the thread go on; to be called in the parent after the fork.
        """
        busy = self._busy
        # Not for ever: a fork must not hang because a store does.
        return busy.release if busy.acquire(timeout=FORK_WAIT_S) else lambda: None

    def stop(self) -> None:
        """End the thread after its present turn; it is not waited for longer than that of a working store."""
        self._is_stopping = True
        self._event.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=1.0)
        self._thread = None

    def _loop(self) -> None:
        event = self._event
        while not self._is_stopping:
            event.wait(self._pause_s())
            event.clear()
            with self._busy:
                self._turn()
            with self._changed:
                self._changed.notify_all()

    def _pause_s(self) -> float:
        if not self._failures:
            return self._settings.flush_interval_s
        return min(self._settings.retry_max_s, self._settings.flush_interval_s * 2 ** min(self._failures, 16))

    def _turn(self) -> None:
        try:
            self._send_all()
            self._beat()
        except UnavailableError as error:
            self._failed(error)
        except Exception as error:  # noqa: BLE001 - the thread must outlive a fault in a driver
            if not self._failures:
                _LOG.exception("sending metrics failed; they stay in the journal and are sent again")
            self._failed(error)
        else:
            if self._last_error is not None:
                _LOG.warning("the store can be reached again; all that waited is in it")
            self._failures, self._last_error = 0, None

    def _failed(self, error: Exception) -> None:
        if not self._failures:
            _LOG.warning("the store cannot be reached, metrics wait in the journal: %s", error)
        self._failures, self._last_error = self._failures + 1, str(error)
        try:
            self._buffer.secure()
        except OSError as disk_error:
            _LOG.warning("the journal cannot be brought onto the disk: %s", disk_error)

    def _send_all(self) -> None:
        # While something waits for the store, the open batch grows instead of many small ones piling up.
        if self._buffer.first() is None:
            self._buffer.seal()
        while (batch := self._buffer.first()) and not self._is_stopping:
            self._send(batch)
            with self._changed:
                self._changed.notify_all()

    def _send(self, batch: Batch) -> None:
        contents, journal = self._buffer.contents(batch), self._buffer.journal
        if journal is None:
            return
        store, runs = self._store(), self._buffer.runs()
        refusals = Delivery(store, runs, journal.writer, batch.number).send(contents)
        for refusal in refusals:
            kept = journal.keep_refused(batch.place.segment)
            _LOG.warning("the store refused %s; a copy is kept in %s", refusal, kept)
        touched = {found for run, _ in contents.points if (found := runs[run].execution_id) is not None}
        self._buffer.acknowledge(batch)
        self._merge(store, touched)

    def _merge(self, store: Store, executions: set[ExecutionId]) -> None:
        for execution in executions:
            self._merges[execution] = self._merges.get(execution, 0) + 1
            if self._merges[execution] >= MERGE_EVERY:
                del self._merges[execution]
                store.series.merge(execution)

    def _beat(self) -> None:
        if monotonic() - self._last_heartbeat < self._settings.heartbeat_s:
            return
        alive = [entry.execution_id for entry in self._buffer.open_runs() if entry.execution_id is not None]
        if alive:
            self._store().runs.heartbeat(alive)
        self._last_heartbeat = monotonic()
