"""Blob stores by URL."""

from pathlib import Path
from urllib.request import url2pathname

from headwater.blobs.drivers import FileSystem, hide_password, open_file_system, scheme_of
from headwater.blobs.local import LocalPlace
from headwater.blobs.places import Place
from headwater.blobs.remote import MemoryPlace, RemotePlace
from headwater.blobs.storage import FsspecBlobs
from headwater.transport.address import is_server_url


def open_blobs(url: str, **storage_options: object) -> FsspecBlobs:
    """Open the blob store under a URL; nothing is written or asked for yet.

    Args:
        url: A folder's path, or the URL of one: `file:///data/blobs`, `s3://bucket/prefix`, `gs://…`,
            `az://…`, or any other that fsspec reads; `http://HOST:PORT` is a Headwater server.
            `memory://NAME` is shared by all in this process who use that name; `memory://` alone is
            new and private each time.
        **storage_options: Passed to the driver: keys, `endpoint_url` …

    Raises:
        MissingDependencyError: the driver's package is not installed.
        InvalidError: no driver knows such a URL.

    Example:
        >>> blobs = open_blobs("memory://")
        >>> blobs.read(blobs.put_bytes(b"flights").digest)
        b'flights'
    """
    return FsspecBlobs(_open_place(url, storage_options))


def _open_place(url: str, options: dict[str, object]) -> Place:
    scheme = scheme_of(url)
    if scheme in {"", "file", "local"}:
        return LocalPlace(_local_path(url))
    if scheme == "memory":
        return _open_memory(url)
    if is_server_url(url):
        return _open_server(url)
    # Listings are never cached: other processes write here too.
    files, root = open_file_system(url, {"use_listings_cache": False} | options)
    return RemotePlace(files, root, hide_password(url))


def _open_server(url: str) -> Place:
    # Its HTTP client takes a while to load.
    from headwater.blobs.http import HttpPlace

    return HttpPlace(url)


def _local_path(url: str) -> Path:
    """Read a path or the URL of one; unlike here, fsspec leaves percent escapes in URLs as they are."""
    path = url2pathname(url.partition("://")[2]) if scheme_of(url) else url
    return Path(path).expanduser().absolute()


def _open_memory(url: str) -> MemoryPlace:
    files, root = open_file_system(url, {"skip_instance_cache": True})
    if not root:
        _make_private(files)
    return MemoryPlace(files, root, url)


def _make_private(files: FileSystem) -> None:
    """Give a memory file system a dictionary of its own: by default all share the class's."""
    files.store = {}
    files.pseudo_dirs = [""]
