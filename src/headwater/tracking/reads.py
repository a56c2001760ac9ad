"""Which data files a run reads, as Python's audit events tell, so that undeclared inputs are noticed."""

import os
import site
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from headwater.model.values import Json

MAX_NOTED: Final = 1000
"""Files that are remembered while a run goes on; a program that reads more is told by the first ones."""
MAX_STORED: Final = 100
"""Files that are named in the store; the rest is counted."""

# Code, and how it is configured; the commit and the environment stand for both.
_CODE: Final = (".py", ".pyi", ".pyc", ".so", ".pyd", ".dll", ".dylib", ".pth", ".toml", ".cfg", ".ini")
_PRIVATE: Final = frozenset({".git", ".headwater", ".venv", ".config", ".ipynb_checkpoints", "__pycache__"})
_SYSTEM: Final = ("/proc/", "/dev/", "/sys/", "/run/", "/etc/", "/usr/lib/", "/usr/share/", "/lib/")
_NOT_A_READ: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | getattr(os, "O_DIRECTORY", 0)


class Reads:
    """The data files that were opened for reading while one run went on.

    Args:
        root: The project's folder; files below it are named without it.
        own: Folders of ours: of the journal, of bytes.
    """

    def __init__(self, root: Path, own: Iterable[Path] = ()) -> None:
        self._root = root
        self._own = tuple(f"{absolute(folder)}{os.sep}" for folder in own)
        self._since_s = time.time()
        self._declared: set[str] = set()
        self._noted: dict[str, None] = {}

    def note(self, path: str) -> None:
        """Remember a file that is opened. This runs inside the user's `open`: it must be short."""
        if len(self._noted) < MAX_NOTED and not path.startswith(self._own):
            self._noted[path] = None

    def declare(self, places: Iterable[object]) -> None:
        """Take paths and file URIs of what the run said it reads or makes."""
        self._declared |= {path for place in places if (path := local_path(place))}

    def undeclared(self) -> dict[str, Json]:
        """Return the files that were read and not declared: `files`, and how many `more`.

        A file that was written while the run went on is its own, and one that is gone was for the moment.
        """
        declared = {os.path.realpath(path) for path in self._declared}
        folders = tuple(f"{path}{os.sep}" for path in declared)
        found: list[str] = []
        for path in list(self._noted):
            real = os.path.realpath(path)
            if real not in declared and not real.startswith(folders) and self._was_there(real):
                found.append(self._shown(path))
        files: list[Json] = [*sorted(found)[:MAX_STORED]]
        return {"files": files, "more": max(0, len(found) - MAX_STORED)}

    def _was_there(self, path: str) -> bool:
        try:
            return Path(path).stat().st_mtime < self._since_s
        except OSError:
            return False

    def _shown(self, path: str) -> str:
        name = os.path.relpath(path, self._root) if path.startswith(f"{self._root}{os.sep}") else path
        return name.encode(errors="replace").decode()


class ReadWatch:
    """Listens to audit events while runs go on.

    One per process: an audit hook can never be taken back, so a second one would cost every later event.
    """

    def __init__(self) -> None:
        self._is_installed = False
        self._lock = threading.Lock()
        self._open: list[Reads] = []
        self._ignoring = threading.local()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def begin(self, reads: Reads) -> None:
        """Note files for a run from now on."""
        with self._lock:
            if not self._is_installed:
                self._is_installed = True
                sys.addaudithook(self._hook())
            # Replaced and not changed: the hook reads it at any moment, in any thread.
            self._open = [*self._open, reads]

    def end(self, reads: Reads) -> None:
        """Note nothing more for a run."""
        with self._lock:
            self._open = [each for each in self._open if each is not reads]

    @contextmanager
    def ignoring(self) -> Generator[None]:
        """Note nothing in this thread: what is read here is read by us."""
        before = getattr(self._ignoring, "is_on", False)
        self._ignoring.is_on = True
        try:
            yield
        finally:
            self._ignoring.is_on = before

    def _forget(self) -> None:
        # The run of a forked child is its parent's to end, so nobody would ever store what is noted here.
        self._lock = threading.Lock()
        self._open = []

    def _hook(self) -> Callable[[str, tuple[Any, ...]], None]:
        skipped = folders_of_code()

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            if event != "open" or not self._open:
                return
            try:
                name, _, flags = arguments
                if flags & _NOT_A_READ or isinstance(name, int):
                    return
                if not isinstance(name, str):
                    name = os.fsdecode(name)
                if name.endswith(_CODE) or name.startswith(skipped):
                    return
                self._note(absolute(name), skipped)
            except Exception:  # noqa: BLE001 - an error here would be an error of the user's `open`
                return

        return hook

    def _note(self, path: str, skipped: tuple[str, ...]) -> None:
        # A relative name may lead into one of these folders, too.
        if path.startswith(skipped) or getattr(self._ignoring, "is_on", False):
            return
        *folders, name = path.split("/")
        if name.startswith(".") or not _PRIVATE.isdisjoint(folders):
            return
        if (reads := READING.get()) is None:
            # A thread that knows of no run, such as one of a pool: the newest run is the best guess.
            reads = self._open[-1]
        reads.note(path)


READING: ContextVar[Reads | None] = ContextVar("headwater_reads", default=None)
"""The reads of the innermost run that this thread or task is inside of."""

# The one audit hook of the process; see `ReadWatch`.
watch: Final = ReadWatch()


def absolute(path: str | Path) -> str:
    """Return a path from the root, without `..`; symbolic links stay, and no disk is asked."""
    return os.path.abspath(path)  # noqa: PTH100 - `Path.resolve` would ask the disk in the user's `open`


def local_path(place: object) -> str | None:
    """Return the path that a path or a `file://` URI names, absolute; None for anything else.

    Example:
        >>> local_path("file:///data/a%20b.csv"), local_path("s3://bucket/a.csv"), local_path(7)
        ('/data/a b.csv', None, None)
    """
    if not isinstance(place, str) or not place or len(place) > 4096:
        return None
    if place.startswith("file://"):
        return unquote(urlsplit(place).path)
    return None if "://" in place or "\0" in place else absolute(place)


def places_of(thing: object) -> list[object]:
    """Return where the data of a data set, version or artifact come from: its URI and its source."""
    version = getattr(thing, "data_version", thing)
    properties = getattr(version, "properties", None)
    source = properties.get("source") if properties else None
    return [getattr(version, "uri", None), source]


def folders_of_code() -> tuple[str, ...]:
    """Return the beginnings of paths below which no data of a run are."""
    # A hundredth of a second that only the first run waits for.
    import sysconfig

    installed = [sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), *_site_packages()]
    code = {f"{absolute(folder)}{os.sep}" for folder in installed if folder not in {"", "/", "/usr"}}
    return (*_SYSTEM, *sorted(code), str(Path(tempfile.gettempdir()) / "headwater-"))


def _site_packages() -> Sequence[str]:
    return [*site.getsitepackages(), site.getusersitepackages()]
