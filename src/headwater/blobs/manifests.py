"""Manifests: what a folder is stored as."""

import json
from collections.abc import Iterable
from pathlib import PureWindowsPath
from typing import Any, Final

from headwater.blobs.digests import bytes_digest, key_of
from headwater.errors import CorruptError, HeadwaterError, InvalidError
from headwater.model.blobs import FILE_SCHEME, FOLDER_SCHEME, ManifestEntry

_VERSION: Final = 1


def encode_manifest(entries: Iterable[ManifestEntry]) -> bytes:
    """Write a manifest: canonical JSON, so that one content has one digest.

    UTF-8 without spaces, keys in order, files ordered by the UTF-8 bytes of
    their paths. Times, owners and permissions are left out: they differ
    between copies of the same content.
    """
    files = [
        {"digest": e.digest, "path": e.path, "size": e.size_bytes}
        for e in sorted(entries, key=lambda e: e.path.encode())
    ]
    text = json.dumps(
        {"files": files, "version": _VERSION}, ensure_ascii=False, separators=(",", ":"), sort_keys=True
    )
    return text.encode()


def decode_manifest(data: bytes) -> list[ManifestEntry]:
    """Read a manifest, trusting nothing in it.

    Returns:
        Entries ordered by path.

    Raises:
        CorruptError: it is no manifest, or a path in it would leave the folder that it is written to.
    """
    try:
        found: Any = json.loads(data)
        if found["version"] != _VERSION:
            raise CorruptError(f"a manifest of version {found['version']!r}; this headwater reads {_VERSION}")
        entries = [_entry(item["path"], item["digest"], item["size"]) for item in found["files"]]
    except (ValueError, TypeError, LookupError, RecursionError) as exc:
        raise CorruptError(f"a manifest that cannot be read: {exc}") from exc
    check_tree([e.path for e in entries], error=CorruptError)
    return sorted(entries, key=lambda e: e.path.encode())


def manifest_digest(data: bytes) -> str:
    """Return the digest of a folder, given its encoded manifest."""
    return bytes_digest(data, FOLDER_SCHEME)


def check_path(path: str, *, error: type[HeadwaterError]) -> str:
    """Return `path` when it stays inside any folder on any system.

    Args:
        path: Relative path with forward slashes.
        error: What to raise: InvalidError for a path of the user's, CorruptError for a stored one.
    """
    parts = path.split("/")
    if not path or any(part in {"", ".", ".."} for part in parts):
        raise error(f"{path!r} is not a plain relative path")
    if "\\" in path or "\0" in path or PureWindowsPath(path).drive:
        raise error(f"{path!r} would mean another place on another system: rename the file")
    try:
        path.encode()
    except UnicodeEncodeError as exc:
        raise error(f"{path!r} is not text in UTF-8: rename the file") from exc
    return path


def _entry(path: object, digest: object, size_bytes: object) -> ManifestEntry:
    if not (isinstance(path, str) and isinstance(digest, str) and isinstance(size_bytes, int)):
        raise TypeError("an entry needs a path, a digest and a size")
    if not digest.startswith(FILE_SCHEME + ":") or size_bytes < 0:
        raise InvalidError(f"an entry with digest {digest!r} and size {size_bytes}")
    key_of(digest)
    return ManifestEntry(path=check_path(path, error=CorruptError), digest=digest, size_bytes=size_bytes)


def check_tree(paths: list[str], *, error: type[HeadwaterError]) -> None:
    """Refuse one path twice, and a file that is also a folder.

    Args:
        paths: Plain relative paths.
        error: What to raise: InvalidError for paths of the user's, CorruptError for stored ones.
    """
    files = set(paths)
    if len(files) < len(paths):
        raise error("a manifest that names a path twice")
    for path in paths:
        cuts = (i for i, letter in enumerate(path) if letter == "/")
        if any(path[:cut] in files for cut in cuts):
            raise error(f"a manifest in which a file is also a folder above {path!r}")
