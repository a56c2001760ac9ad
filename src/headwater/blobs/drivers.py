"""File systems by URL: the one module that knows fsspec."""

import sys
from collections.abc import Mapping
from typing import Any, Final, TypeAlias, cast
from urllib.parse import urlsplit, urlunsplit

import fsspec  # pyright: ignore[reportMissingTypeStubs]

from headwater.errors import InvalidError, MissingDependencyError

_EXTRAS: Final = {
    "s3": ("s3fs", "s3"),
    "s3a": ("s3fs", "s3"),
    "gs": ("gcsfs", "gcs"),
    "gcs": ("gcsfs", "gcs"),
    "abfs": ("adlfs", "azure"),
    "abfss": ("adlfs", "azure"),
    "az": ("adlfs", "azure"),
}
"""URL scheme -> driver package and the extra that brings it."""

_DRIVER_ERRORS: Final = (
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("azure.core.exceptions", "AzureError"),
    ("google.auth.exceptions", "GoogleAuthError"),
    ("gcsfs.retry", "HttpError"),
    ("aiohttp", "ClientError"),
)
"""What drivers raise besides OSError."""


FileSystem: TypeAlias = Any
"""An fsspec file system; fsspec ships no types."""


def open_file_system(url: str, options: Mapping[str, object]) -> tuple[FileSystem, str]:
    """Return the file system that a URL names, and the path inside it.

    Args:
        url: A plain path or a URL; not a chain of URLs (`a::b`).
        options: Passed to the driver: keys, endpoint …

    Raises:
        MissingDependencyError: the driver's package is not installed.
        InvalidError: no driver knows the scheme, or it refuses the options.
    """
    scheme = scheme_of(url)
    if "::" in url:
        raise InvalidError(f"{hide_password(url)!r}: chained URLs are not supported")
    try:
        found = cast(Any, fsspec).core.url_to_fs(url, **options)
    except ImportError as exc:
        if scheme in _EXTRAS:
            raise MissingDependencyError(*_EXTRAS[scheme], f"a {scheme}:// URL") from exc
        raise InvalidError(f"{scheme}:// needs another package: {exc}") from exc
    except (ValueError, TypeError) as exc:
        raise InvalidError(f"cannot open {hide_password(url)!r}: {exc}") from exc
    return cast(tuple[FileSystem, str], found)


def scheme_of(url: str) -> str:
    """Return what stands before `://`; nothing for a plain path."""
    return url.partition("://")[0] if "://" in url else ""


def protocols_of(files: FileSystem) -> tuple[str, ...]:
    """Return the URL schemes that a file system goes by."""
    protocol: str | tuple[str, ...] = files.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def is_known_scheme(scheme: str) -> bool:
    """Tell whether some driver reads such URLs, installed or not."""
    return scheme in _EXTRAS or scheme in cast(Any, fsspec).available_protocols()


def driver_errors() -> tuple[type[Exception], ...]:
    """Return what the drivers that are loaded raise when storage is out of reach."""
    loaded = ((sys.modules.get(module), name) for module, name in _DRIVER_ERRORS)
    found = (getattr(module, name, None) for module, name in loaded if module)
    return (OSError, *(error for error in found if error))


def hide_password(url: str) -> str:
    """Return a URL without the password in it, fit to be shown and stored.

    Raises:
        InvalidError: it is no URL.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise InvalidError(f"{url!r} is no URL: {error}") from error
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=user.partition(":")[0] + at + host)) if ":" in user else url
