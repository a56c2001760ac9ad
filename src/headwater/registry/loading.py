"""From a reference to a version, and from a version to the model itself."""

import warnings
from dataclasses import dataclass
from pathlib import Path

from headwater.errors import DeprecatedVersionWarning, HeadwaterError, InvalidError, RefusedError
from headwater.model.models import ModelVersion
from headwater.model.protocols import BlobStore, Store
from headwater.model.refs import ModelRef, parse_ref


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadCheck:
    """How a version is tried before a move.

    Attributes:
        is_on: Load the model; otherwise only its bytes are compared with their digest.
        timeout_s: Longest time that loading may take where it runs code, in a process of its own.
    """

    is_on: bool = True
    timeout_s: float = 60


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
    bytes are proved to be the ones that were registered here. A deprecated
    version is loaded with a `DeprecatedVersionWarning`.

    Raises:
        RefusedError: the version has no bytes in the blob store.
        NotFoundError: the bytes are gone.
        CorruptError: the bytes are not those that were registered.
        MissingDependencyError: the library that loads the format is not installed.
    """
    # Most programs only log: formats and their needs are imported when a model is loaded.
    from headwater.formats import load_stored

    if version.deprecation is not None:
        text = f"{version.ref} is deprecated: {version.deprecation.reason}"
        warnings.warn(text, DeprecatedVersionWarning, stacklevel=3)
    return load_stored(blobs, version)


def verify_version(blobs: BlobStore, version: ModelVersion, check: LoadCheck = LoadCheck()) -> None:
    """Check that a version could serve: its bytes are intact and the model loads.

    A format that runs code when it loads is loaded in a fresh process. A
    version whose bytes are kept elsewhere (it has only a URI) cannot be
    checked from here and passes.

    Raises:
        RefusedError: it does not load.
        NotFoundError, CorruptError: as in `load_version`.
    """
    if version.digest is None:
        return
    format_name = version.properties.get("format")
    if not check.is_on or not isinstance(format_name, str):
        blobs.verify(version.digest)
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="headwater-model-") as folder:
        fetched = blobs.fetch(version.digest, Path(folder) / "model")
        _try_loading(fetched, format_name, version.ref, check)


def _try_loading(folder: Path, format_name: str, subject: str, check: LoadCheck) -> None:
    from headwater.formats import load_model_folder, model_formats
    from headwater.registry.load_check import check_in_fresh_process

    # What the format is, not what the version says about it.
    found = model_formats().get(format_name)
    if found is not None and not found.is_safe:
        check_in_fresh_process(folder, format_name, subject, timeout_s=check.timeout_s)
        return
    try:
        load_model_folder(folder, format_name=format_name, allow_unsafe=False)
    except HeadwaterError:
        raise
    except Exception as error:
        # A format of another package can raise anything.
        raise RefusedError(f"{subject} does not load: {type(error).__name__}: {error}") from error
