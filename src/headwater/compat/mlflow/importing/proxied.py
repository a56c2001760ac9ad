"""Files that a running server of MLflow's hands out through its artifact proxy."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from headwater.compat.mlflow.importing.calls import Calls
from headwater.compat.mlflow.importing.files import FileTree
from headwater.errors import InvalidError
from headwater.model.blobs import Blob
from headwater.model.protocols import BlobStore

SCHEME: Final = "mlflow-artifacts"


class ServerFiles:
    """The files of a server: what its proxy has can be copied."""

    def __init__(self, calls: Calls) -> None:
        """Take what asks the server."""
        self._calls = calls

    def tree(self, uri: str | None, /) -> FileTree | None:
        """Return the files below a URI of the server's own proxy."""
        parts = urlsplit(uri or "")
        # A path or file: of the server's is on its disk, not on this one.
        if parts.scheme != SCHEME or parts.netloc not in {"", urlsplit(self._calls.url).netloc}:
            return None
        return ProxiedTree(self._calls, unquote(parts.path).strip("/"))

    def is_elsewhere(self, _uri: str, /) -> bool:
        """Tell that what the proxy does not have may be somewhere else."""
        return True


class ProxiedTree:
    """The files below a folder of the proxy."""

    def __init__(self, calls: Calls, root: str) -> None:
        """Take what asks the server, and the folder's path there."""
        self._calls, self._root = calls, root

    def names(self) -> Iterator[str]:
        """Yield the paths of all files, relative to the folder.

        Raises:
            InvalidError: the server names a file that is not in the folder.
        """
        return self._below("")

    def store(self, name: str, blobs: BlobStore, /) -> Blob:
        """Put the bytes of a file into a blob store."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "file")
            with path.open("wb") as target:
                for piece in self._calls.fetched(f"{self._root}/{name}"):
                    target.write(piece)
            return blobs.put_file(path)

    def _below(self, folder: str) -> Iterator[str]:
        for entry in sorted(self._calls.listed(f"{self._root}/{folder}".rstrip("/")), key=_name):
            name = _name(entry)
            if name in {"", ".", ".."} or "/" in name or "\\" in name:
                raise InvalidError(f"the server at {self._calls.url} lists a file that is called {name!r}")
            path = f"{folder}/{name}" if folder else name
            if entry.get("is_dir"):
                yield from self._below(path)
            else:
                yield path


def _name(entry: dict[str, object]) -> str:
    return str(entry.get("path", ""))
