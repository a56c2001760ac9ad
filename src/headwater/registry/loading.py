"""From a reference to a version, and from a version to the model itself."""

from pathlib import Path

from headwater.errors import HeadwaterError, InvalidError, RefusedError
from headwater.model.models import ModelVersion
from headwater.model.protocols import BlobStore, Store
from headwater.model.refs import ModelRef, parse_ref


def version_of(store: Store, ref: str) -> ModelVersion:
    """Return the version that a reference names; a model alone means its version in production.

    Args:
        store: Where to look.
        ref: Such as `models/late-flights/3` or `models/late-flights@production`.

    Raises:
        InvalidError: it is not a reference to a model.
        NotFoundError: there is no such version.
    """
    parsed = parse_ref(ref)
    if not isinstance(parsed, ModelRef):
        raise InvalidError(f"{ref!r} is not a model: write models/NAME/VERSION or models/NAME@production")
    if parsed.version is not None:
        return store.models.version(parsed.name, parsed.version)
    return store.models.resolve(parsed.name, parsed.label or "production")


def load_version(blobs: BlobStore, version: ModelVersion) -> object:
    """Load the model of a version, after its bytes were compared with their digest.

    Formats that run code on loading (pickle, joblib) are allowed, because the
    bytes are proved to be the ones that were registered here.

    Raises:
        RefusedError: the version has no bytes in the blob store.
        NotFoundError: the bytes are gone.
        CorruptError: the bytes are not those that were registered.
        MissingDependencyError: the library that loads the format is not installed.
    """
    # Most programs only log: formats and their needs are imported when a model is loaded.
    import tempfile

    from headwater.formats import load_model_folder

    format_name = version.properties.get("format")
    if version.digest is None or not isinstance(format_name, str):
        raise RefusedError(f"{version.ref} was registered without its bytes: load it from {version.uri!r}")
    with tempfile.TemporaryDirectory(prefix="headwater-model-") as folder:
        fetched = blobs.fetch(version.digest, Path(folder) / "model")
        return load_model_folder(fetched, format_name=format_name, allow_unsafe=True)


def verify_version(blobs: BlobStore, version: ModelVersion) -> None:
    """Check that a version could serve: its bytes are intact and the model loads.

    A version whose bytes are kept elsewhere (it has only a URI) cannot be
    checked from here and passes.

    Raises:
        RefusedError: it does not load; the cause is chained.
        NotFoundError, CorruptError: as in `load_version`.
    """
    if version.digest is None:
        return
    if "format" not in version.properties:
        blobs.verify(version.digest)
        return
    try:
        load_version(blobs, version)
    except HeadwaterError:
        raise
    except Exception as error:
        # Loading runs code that is not ours: it can raise anything.
        raise RefusedError(f"{version.ref} does not load: {type(error).__name__}: {error}") from error
