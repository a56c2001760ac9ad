"""What can be known of data that stay where they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from headwater.blobs.drivers import driver_errors, hide_password, is_known_scheme, open_file_system, scheme_of
from headwater.errors import NotFoundError, UnavailableError

_ETAGS: Final = ("ETag", "etag", "e_tag", "md5Hash", "content_md5", "checksum")
_TIMES: Final = ("LastModified", "last_modified", "mtime", "updated", "modified", "created")


@dataclass(frozen=True, slots=True)
class UriFacts:
    """What a file system tells of one file.

    Attributes:
        state: Text that changes when the bytes do: `etag:…`, or `mtime:…,size:…`.
        size_bytes: Bytes, when known.
    """

    state: str
    size_bytes: int | None


def describe_uri(uri: str, storage_options: Mapping[str, object] | None = None) -> UriFacts | None:
    """Ask where the data are for what identifies their present content.

    Returns:
        None when no file system reads such a URI, or it tells nothing that changes with the content.

    Raises:
        NotFoundError: nothing is there.
        MissingDependencyError: the driver's package is not installed.
        UnavailableError: the storage is out of reach.
    """
    if not is_known_scheme(scheme_of(uri)):
        return None
    files, path = open_file_system(uri, {"use_listings_cache": False} | dict(storage_options or {}))
    try:
        info = files.info(path)
    except FileNotFoundError as exc:
        raise NotFoundError("data at", hide_password(uri)) from exc
    except driver_errors() as exc:
        raise UnavailableError(f"cannot read {hide_password(uri)}: {exc}") from exc
    state = _state(info)
    return UriFacts(state, info.get("size")) if state and info.get("type") == "file" else None


def _state(info: Mapping[str, Any]) -> str | None:
    for key in _ETAGS:
        if value := info.get(key):
            return f"etag:{str(value).strip(chr(34))}"
    for key in _TIMES:
        if (value := info.get(key)) is not None and info.get("size") is not None:
            time = value.isoformat() if isinstance(value, datetime) else str(value)
            return f"mtime:{time},size:{info['size']}"
    return None
