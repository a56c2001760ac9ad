"""Where files are said to be: URIs of experiments and runs, and the paths of the artifact proxy."""

import posixpath
from typing import Final
from urllib.parse import unquote, urlsplit

from headwater.compat.mlflow.errors import MlflowError
from headwater.compat.mlflow.limits import check_length
from headwater.model.graph import Context

SCHEME: Final = "mlflow-artifacts"
FOLDER: Final = "artifacts"
_MAX_DECODINGS: Final = 10
_MAX_LOCATION_CHARS: Final = 2048


def experiment_location(experiment: Context, experiment_id: str) -> str:
    """Return the URI below which an experiment's files are."""
    given = experiment.properties.get("artifact_location")
    return given if isinstance(given, str) else f"{SCHEME}:/{experiment_id}"


def run_location(location: str, run_id: str) -> str:
    """Return the URI of a run's files, below that of its experiment."""
    head, mark, query = location.partition("?")
    return f"{head.rstrip('/')}/{run_id}/{FOLDER}{mark}{query}"


def check_location(uri: str, name: str) -> None:
    """Check the URI of a place that clients shall write to; this server never opens it.

    Raises:
        MlflowError: it is too long, has a fragment, or leaves its folder.
    """
    check_length(name, uri, _MAX_LOCATION_CHARS)
    if uri.startswith("runs:"):
        raise MlflowError(f"Artifact location cannot be a runs:/ URI. Given: '{uri}'")
    decoded = _decoded(uri)
    parts = urlsplit(decoded)
    if parts.fragment or ";" in parts.path or "#" in decoded:
        raise MlflowError(f"'{name}' URL can't include fragments or params.")
    if ".." in decoded.replace("\\", "/").split("/") or ".." in parts.query or "\0" in decoded:
        raise MlflowError(f"'{name}' must not leave its folder: {uri!r}")


def safe_path(path: str) -> str:
    """Return a relative path of a file, decoded until nothing changes.

    Raises:
        MlflowError: it is absolute, has a drive, or could lead out of its folder.
    """
    decoded = _decoded(path)
    bad = "#" in decoded or "\0" in decoded or "\\" in decoded or any(ord(c) < 32 for c in decoded)
    parts = decoded.split("/")
    if bad or ".." in parts or decoded.startswith("/") or parts[0].endswith(":") or parts[0][1:2] == ":":
        raise MlflowError(f"Invalid path: {path}")
    plain = posixpath.normpath(decoded)
    return "" if plain == "." else plain


def _decoded(text: str) -> str:
    """Undo percent-encoding until it is stable.

    Raises:
        MlflowError: it is encoded more often than anybody needs.
    """
    for _ in range(_MAX_DECODINGS):
        if (plain := unquote(text)) == text:
            return text
        text = plain
    raise MlflowError("Invalid path: it is percent-encoded too often")


def proxied_path(uri: str) -> str | None:
    """Return the path in the artifact proxy that a URI names; None when its files are kept elsewhere."""
    parts = urlsplit(uri)
    return parts.path.strip("/") if parts.scheme == SCHEME else None
