"""Where a project keeps its store, its bytes and its journal."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = ".headwater"
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


def project_root(start: Path) -> Path:
    """Return the nearest folder above `start` that looks like a project, else `start` itself."""
    for folder in (start, *start.parents):
        if any((folder / mark).exists() for mark in _MARKS):
            return folder
    return start


def places(url: str | None, blobs: str | None, *, environment: Mapping[str, str], start: Path) -> Places:
    """Decide where everything is kept.

    Args:
        url: Store URL; else `$HEADWATER_STORE`, else a SQLite file in the project's `.headwater` folder.
        blobs: Blob store; else `$HEADWATER_BLOBS`, else beside the SQLite file, else in `.headwater`.
        environment: Environment variables.
        start: Folder that the process works in.
    """
    root = project_root(start)
    home = root / FOLDER
    store = url or environment.get("HEADWATER_STORE") or f"sqlite:///{home / 'headwater.db'}"
    is_memory = store.startswith("memory:")
    if not is_memory and home.is_dir() is False and store == f"sqlite:///{home / 'headwater.db'}":
        _make_home(home)
    bytes_at = blobs or environment.get("HEADWATER_BLOBS") or _default_blobs(store, home)
    return Places(store, bytes_at, None if is_memory else home / "journal", root)


def _default_blobs(store: str, home: Path) -> str:
    if store.startswith("memory:"):
        return "memory://"
    if store.startswith("sqlite:///"):
        file = Path(store.removeprefix("sqlite:///").partition("?")[0])
        return str(file.with_suffix(".blobs"))
    return str(home / "blobs")


def _make_home(home: Path) -> None:
    # A store is not source code: the folder keeps itself out of git.
    home.mkdir(parents=True, exist_ok=True)
    (home / ".gitignore").write_text("*\n")
