"""The session: a store with all that tracking needs around it."""

import atexit
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self
from urllib.parse import urlsplit, urlunsplit

from headwater.errors import HeadwaterError, UnavailableError
from headwater.model.actor import default_actor
from headwater.model.graph import NewType
from headwater.model.ids import RunId, TypeId
from headwater.model.protocols import BlobStore, Store
from headwater.model.times import now_ms
from headwater.tracking.environment import Environment
from headwater.tracking.reads import local_path
from headwater.tracking.settings import TrackingSettings
from headwater.tracking.sync import SyncReport
from headwater.tracking.tracker import Tracker

_LOG: Final = logging.getLogger("headwater.tracking")


class OpenRun(Protocol):
    """What a session has to know of a run: its id, and how to end it when the process ends."""

    @property
    def run_id(self) -> RunId:
        """Its run id."""
        ...

    def end_at_exit(self) -> None:
        """End the run with the process."""
        ...


class Session:
    """What runs are logged through: a store, a blob store, a journal and a clock.

    Args:
        store: The metadata store.
        blobs: The blob store.
        journals: Folder for the journals of all stores of the project, usually
            `.headwater/journal`; None keeps them with the process.
        project_root: Folder of the user's project, where lock files are looked for.
        clock_ms: Gives the time.
        settings: Limits of logging; by default those of the environment variables.
        reopen: Opens the same store again in a forked child, which cannot use its
            parent's connections. Without it a child keeps its metrics in the
            journal, and the parent sends them once the child has ended.
        actor: Who registers models, for the ledger; by default user@host.
    """

    def __init__(
        self,
        store: Store,
        blobs: BlobStore,
        *,
        journals: Path | None = None,
        project_root: Path | None = None,
        clock_ms: Callable[[], int] = now_ms,
        settings: TrackingSettings | None = None,
        reopen: Callable[[], Store] | None = None,
        actor: str | None = None,
    ) -> None:
        self.blobs, self.clock_ms, self.actor = blobs, clock_ms, actor or default_actor()
        self.project_root = project_root or Path.cwd()
        self.settings = settings or TrackingSettings.from_environment(os.environ)
        self._store, self._reopen, self._process = store, reopen, os.getpid()
        url = without_password(store.url)
        folder = journals and journals / sha256(url.encode()).hexdigest()[:12]
        self._journals = [journals] if journals else []
        self.tracker = Tracker(lambda: self.store, url, folder, self.settings, self._can_send)
        self.environment = Environment(self.project_root)
        self._types: dict[tuple[object, ...], TypeId] = {}
        self._open_runs: dict[RunId, OpenRun] = {}
        self._is_closed = self._is_recovered = False
        atexit.register(self.close)

    @property
    def own_folders(self) -> list[Path]:
        """Folders in which nothing is the user's: journals, and bytes that are kept on this machine."""
        blobs = local_path(self.blobs.url)
        places = [self.project_root / ".headwater", *self._journals]
        return [*places, Path(blobs)] if blobs else places

    @property
    def store(self) -> Store:
        """The metadata store.

        Raises:
            UnavailableError: this is a forked child and the store cannot be opened anew.
        """
        if self._process != os.getpid():
            if self._reopen is None:
                raise UnavailableError(
                    "a forked child cannot use its parent's store; its metrics are sent when it has ended"
                )
            self._store, self._process = self._reopen(), os.getpid()
            self._types.clear()
        return self._store

    def type_ids(self, types: Sequence[NewType]) -> list[TypeId]:
        """Return the ids of types, declared in the store once per session.

        Raises:
            ConflictError: the store has such a type with other kinds of properties.
        """
        keys = [(t.kind, t.name, t.version, *t.properties) for t in types]
        if missing := [t for t, key in zip(types, keys, strict=True) if key not in self._types]:
            ids = self.store.types.put(missing, can_add=True, can_omit=True)
            self._types |= {
                (t.kind, t.name, t.version, *t.properties): i for t, i in zip(missing, ids, strict=True)
            }
        return [self._types[key] for key in keys]

    def sync(self) -> SyncReport:
        """Send what dead processes logged to this store and never got through; what `headwater sync` does.

        Raises:
            UnavailableError: the store cannot be reached; the journals stay.
        """
        return self.tracker.adopt()

    def recover(self) -> list[RunId]:
        """Do what dead processes left undone: send their journals, mark their runs as lost.

        Returns:
            Run ids that were marked as lost.

        Raises:
            UnavailableError: the store cannot be reached.
        """
        self.sync()
        silent_since_ms = self.clock_ms() - int(self.settings.lost_after_s * 1000)
        return self.store.runs.mark_lost(silent_since_ms=silent_since_ms)

    def recover_once(self) -> None:
        """`recover`, the first time that it is called; without an error when the store cannot be reached."""
        if self._is_recovered:
            return
        self._is_recovered = True
        try:
            lost = self.recover()
        except UnavailableError as error:
            _LOG.warning("what dead processes left is sent later: %s", error)
            return
        if lost:
            _LOG.warning(
                "%d runs have stopped without an end and are marked as lost: %s",
                len(lost),
                ", ".join(lost[:5]),
            )

    def flush(self, timeout_s: float | None = None, *, patience_s: float = inf) -> bool:
        """Bring everything that was logged before this call into the store.

        Args:
            timeout_s: Longest wait; by default the `exit_timeout_s` of the settings.
            patience_s: Longest wait in which the store takes nothing.

        Returns:
            True when the store has everything.
        """
        full_s = self.settings.exit_timeout_s if timeout_s is None else timeout_s
        return self.tracker.flush(full_s, patience_s)

    def note_open(self, run: OpenRun) -> None:
        """Remember a run that has to be ended before the session is closed."""
        self._open_runs[run.run_id] = run

    def note_closed(self, run_id: RunId) -> None:
        """Forget a run that has ended."""
        self._open_runs.pop(run_id, None)

    def close(self, timeout_s: float | None = None) -> None:
        """End open runs, flush, and stop the background thread; the store is left open.

        What cannot be sent in time stays in the journal; a warning says so.
        """
        if self._is_closed:
            return
        self._is_closed = True
        for run in list(self._open_runs.values()):
            with suppress(HeadwaterError):
                run.end_at_exit()
        left = self.tracker.close(self.settings.exit_timeout_s if timeout_s is None else timeout_s)
        atexit.unregister(self.close)
        if left:
            _LOG.warning(left)

    def _can_send(self) -> bool:
        return self._process == os.getpid() or self._reopen is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def without_password(url: str) -> str:
    """Return a URL without the password in it.

    Example:
        >>> without_password("postgresql://me:secret@db/headwater")
        'postgresql://me@db/headwater'
    """
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{name}{at}{host}")) if at else url
