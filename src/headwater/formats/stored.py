"""Models of versions in a blob store."""

import tempfile
from pathlib import Path

from headwater.errors import RefusedError
from headwater.formats.choosing import load_model_folder
from headwater.model.models import ModelVersion
from headwater.model.protocols import BlobStore


def load_stored(blobs: BlobStore, version: ModelVersion) -> object:
    """Load the model of a version, after its bytes were compared with their digest.

    Formats that run code on loading (pickle, joblib) are allowed, because the
    bytes are proved to be the ones that were registered.

    Raises:
        RefusedError: the version has no bytes in the blob store.
        NotFoundError: the bytes are gone.
        CorruptError: the bytes are not those that were registered.
        MissingDependencyError: the library that loads the format is not installed.
    """
    format_name = version.properties.get("format")
    if version.digest is None or not isinstance(format_name, str):
        raise RefusedError(f"{version.ref} was registered without its bytes: load it from {version.uri!r}")
    with tempfile.TemporaryDirectory(prefix="headwater-model-") as folder:
        fetched = blobs.fetch(version.digest, Path(folder) / "model")
        return load_model_folder(fetched, format_name=format_name, allow_unsafe=True)
