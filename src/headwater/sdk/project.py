"""Where a project keeps its store, its bytes and its journal."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from headwater.transport.address import is_server_url

FOLDER: Final = ".headwater"
_SQLITE: Final = "sqlite:///"
_MARKS: Final = (FOLDER, ".git", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Places:
    """Addresses of one project's parts.

    Attributes:
        store: URL of the metadata store.
        blobs: Path or URL of the blob store.
        journals: Folder of the journals, or None where nothing outlives the process.
        root: The project's folder.
    """

    store: str
    blobs: str
    journals: Path | None
    root: Path

    def make_home(self) -> None:
        """Make the project's `.headwater` folder. It keeps itself out of git: a store is not source code."""
        home = self.root / FOLDER
        if self.journals is not None and not home.is_dir():
            home.mkdir(parents=True, exist_ok=True)
            (home / ".gitignore").write_text("*\n")


def project_root(start: Path) -> Path:
    """Return the nearest folder above `start` that looks like a project, else `start` itself.

    The search ends below a folder that everybody may write to, such as `/tmp`:
    a store that somebody else left there is not this project's.
    """
    for folder in (start, *start.parents):
        if folder != start and _is_anybodys(folder):
            break
        if any((folder / mark).exists() for mark in _MARKS):
            return folder
    return start


def _is_anybodys(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_IWOTH)


def places(url: str | None, blobs: str | None, *, environment: Mapping[str, str], start: Path) -> Places:
    """Decide where everything is kept.

    Args:
        url: Store URL; else `$HEADWATER_STORE`, else a SQLite file in the project's `.headwater` folder.
        blobs: Blob store; else `$HEADWATER_BLOBS`, else the server that holds the store, else beside
            the SQLite file, else in `.headwater`.
        environment: Environment variables.
        start: Folder that the process works in.
    """
    root = project_root(start)
    home = root / FOLDER
    chosen = url or environment.get("HEADWATER_STORE")
    store = _absolute(chosen, start) if chosen else _url(home / "headwater.db")
    bytes_at = blobs or environment.get("HEADWATER_BLOBS") or _default_blobs(store, home)
    found = Places(store, bytes_at, None if store.startswith("memory:") else home / "journal", root)
    if not chosen:
        found.make_home()
    return found


def _absolute(store: str, start: Path) -> str:
    """Name one SQLite file in one way: its bytes and journal are found by this, wherever a process works."""
    _, mark, options = store.partition("?")
    file = _file(store)
    return store if file is None else _url(Path(os.path.normpath(start / file))) + mark + options


def _file(store: str) -> Path | None:
    name = unquote(store.removeprefix(_SQLITE).partition("?")[0])
    return Path(name) if store.startswith(_SQLITE) and name not in {"", ":memory:"} else None


def _url(file: Path) -> str:
    return _SQLITE + str(file).replace("%", "%25").replace("?", "%3F")


def _default_blobs(store: str, home: Path) -> str:
    if store.startswith("memory:"):
        return "memory://"
    if is_server_url(store):
        return store
    file = _file(store)
    return str(home / "blobs" if file is None else file.with_suffix(".blobs"))
