"""Data versions: a name and a content give one version, with facts and, where wanted, its bytes."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from headwater.errors import CorruptError, InvalidError, NotFoundError
from headwater.model.data import DataVersion, NewDataVersion
from headwater.model.graph import ArtifactChange, ContextChange
from headwater.model.ids import ArtifactId
from headwater.model.protocols import BlobStore
from headwater.model.values import Json, PropertyValue
from headwater.tracking.data_copies import copy_of
from headwater.tracking.frame_files import read_array, read_frame
from headwater.tracking.reads import watch
from headwater.tracking.session import Session
from headwater.tracking.validation import check_key

if TYPE_CHECKING:
    from headwater.fingerprints import Fingerprint

MAX_STORED_BYTES: Final = 1 << 30
"""Files and folders up to this size are copied to the blob store unless told otherwise; larger ones stay."""
MAX_STORED_CELLS: Final = 50_000_000
"""Frames and arrays with up to so many values are stored unless told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A version of a data set, and where its bytes are.

    Attributes:
        data_version: What the store knows of it.
        blobs: Where its bytes are, if they were stored.
    """

    data_version: DataVersion
    blobs: BlobStore = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """Name of the data set."""
        return self.data_version.name

    @property
    def version(self) -> int:
        """Number of the version, counted from 1."""
        return self.data_version.version

    @property
    def digest(self) -> str:
        """Digest of the content."""
        return self.data_version.digest

    @property
    def ref(self) -> str:
        """Its reference, such as `data/flights/train/2`."""
        return self.data_version.ref

    @property
    def artifact_id(self) -> ArtifactId:
        """The artifact that it is in the graph."""
        return self.data_version.id

    @property
    def kind(self) -> str:
        """`frame`, `array`, `file`, `folder` or `uri`."""
        return str(self.data_version.properties.get("kind", "uri"))

    @property
    def schema(self) -> list[dict[str, Json]] | None:
        """Name and dtype of each column; None where there are no columns."""
        schema = self.data_version.properties.get("schema")
        return [c for c in schema if isinstance(c, dict)] if isinstance(schema, list) else None

    @property
    def row_count(self) -> int | None:
        """Number of rows; None where there are no rows."""
        count = self.data_version.properties.get("row_count")
        return count if isinstance(count, int) else None

    @property
    def stored_digest(self) -> str | None:
        """Digest under which the blob store has the bytes; None when they are not stored."""
        stored = self.data_version.properties.get("bytes_digest")
        return stored if isinstance(stored, str) else None

    def fetch(self, target: str | Path) -> Path:
        """Write the stored bytes to a file or folder, verified.

        Args:
            target: A path where nothing is.

        Raises:
            NotFoundError: the bytes are not in the blob store.
            CorruptError: they are not those that were stored.
        """
        if self.stored_digest is None:
            raise NotFoundError("bytes of", f"{self.ref}: they stay at {self.data_version.uri}")
        return self.blobs.fetch(self.stored_digest, Path(target))

    def load(self, library: str | None = None) -> Any:
        """Return the data.

        Args:
            library: For a frame, `pandas`, `polars` or `pyarrow`; by default the first of them that
                this program has loaded, else that is installed.

        Returns:
            A frame or numpy array; the path of a file or folder, verified, which may be a copy that is there
            until this process ends; or the URI of data that are kept elsewhere.

        Raises:
            NotFoundError: the bytes were not stored, or are no longer where they were.
            CorruptError: the bytes have changed.
            MissingDependencyError: the library is not installed.
        """
        match self.kind:
            case "frame" | "array":
                return self._load_stored(library)
            case "file" | "folder":
                return self._path()
            case _:
                return self.data_version.uri

    def _load_stored(self, library: str | None) -> Any:
        name = f"data.{self.data_version.properties.get('format', 'parquet')}"
        with tempfile.TemporaryDirectory(prefix="headwater-data-") as folder:
            path = self.fetch(Path(folder) / name)
            return read_array(path) if path.suffix == ".npy" else read_frame(path, library)

    @watch.ignoring()
    def _path(self) -> Path:
        from headwater.fingerprints import fingerprint as fingerprint_of

        source = Path(unquote(urlsplit(self.data_version.uri or "").path))
        if self.data_version.uri and source.exists():
            if fingerprint_of(source).digest == self.digest:
                return source
            if self.stored_digest is None:
                raise CorruptError(f"{source} has changed since {self.ref} was recorded")
        return copy_of(self.digest, source.name or "data", self.fetch)


# What is read to identify data is read by us, and not by the run.
@watch.ignoring()
def log_dataset(
    session: Session,
    name: str,
    data: object,
    *,
    description: str | None = None,
    fingerprint: str | None = None,
    store_bytes: bool | None = None,
    source: str | None = None,
    anomalies: Json = None,
    storage_options: Mapping[str, object] | None = None,
) -> Dataset:
    """Record a version of a data set; the same content again gives the version that is there.

    Args:
        session: Where it is recorded.
        name: Name of the data set; it is made when it is not there.
        data: A frame of pandas, polars or Arrow, a list of dicts, a numpy array, the path of a file or
            folder, or a URI of data that stay where they are. A `Dataset` is returned as it is.
        description: What the data set is; replaces what was said before.
        fingerprint: Names the state of data behind a URI: a DVC or lakeFS commit, a table version.
        store_bytes: Keep the bytes in the blob store, frames as Parquet. By default they are kept up
            to 1 GiB of files, or 50 million values of a frame or array; a file that is not kept is
            referenced where it is.
        source: Where the data came from, in words; by default the path or URI.
        anomalies: What is wrong with the data, as JSON.
        storage_options: Passed to the driver of a URI.

    Raises:
        InvalidError: the name cannot be used, or such data cannot be identified.
        NotFoundError: there is no such file.
        UnavailableError: the store cannot be reached.
    """
    if isinstance(data, Dataset):
        return data
    # Most programs that log metrics never touch data here.
    from headwater.fingerprints import fingerprint as fingerprint_of

    check_key("data set", name)
    found = fingerprint_of(data, fingerprint=fingerprint, storage_options=storage_options)
    wanted = store_bytes if store_bytes is not None else _is_small(found)
    if wanted and not found.can_write:
        raise InvalidError(f"{found.uri} stays where it is: read it into a frame or file to store its bytes")
    version = _stored_version(session, name, found.digest)
    if version is None:
        version = _add(session, name, data, found, wanted=wanted, source=source, anomalies=anomalies)
    elif wanted and "bytes_digest" not in version.properties:
        version = _add_bytes(session, version, found)
    if description is not None:
        change = ContextChange(id=version.dataset_id, properties={"description": description})
        session.store.contexts.update([change])
    return Dataset(data_version=version, blobs=session.blobs)


def _is_small(found: "Fingerprint") -> bool:
    if found.kind in {"file", "folder"}:
        return (found.size_bytes or 0) <= MAX_STORED_BYTES
    return found.can_write and (found.row_count or 1) * max(1, len(found.schema or ())) <= MAX_STORED_CELLS


def _stored_version(session: Session, name: str, digest: str) -> DataVersion | None:
    # A deleted one is recorded again, which restores it.
    stored = session.store.artifacts.by_digests([digest])
    same = [artifact.id for artifact in stored if artifact.deleted_ms is None]
    versions = session.store.data.by_artifact_ids(same) if same else []
    return next((version for version in versions if version.name == name), None)


def _add(
    session: Session,
    name: str,
    data: object,
    found: "Fingerprint",
    *,
    wanted: bool,
    source: str | None,
    anomalies: Json,
) -> DataVersion:
    path = Path(data).absolute() if isinstance(data, str | Path) and found.kind != "uri" else None
    facts: dict[str, PropertyValue | None] = {
        "kind": found.kind,
        "format": path.suffix.lstrip(".") or None if path and found.kind == "file" else None,
        "source": source or (str(path) if path else found.uri),
        "schema": [*found.schema] if found.schema is not None else None,
        "row_count": found.row_count,
        "anomalies": anomalies if isinstance(anomalies, list | dict) else None,
    }
    size_bytes = found.size_bytes
    if wanted:
        stored, size_bytes = _store_bytes(session, found)
        facts |= stored
    return session.store.data.add_version(
        NewDataVersion(
            name=name,
            digest=found.digest,
            uri=path.as_uri() if path else found.uri,
            size_bytes=size_bytes,
            properties={key: value for key, value in facts.items() if value is not None},
        )
    )


def _add_bytes(session: Session, version: DataVersion, found: "Fingerprint") -> DataVersion:
    facts, size_bytes = _store_bytes(session, found)
    change = ArtifactChange(id=version.id, properties=facts, size_bytes=size_bytes)
    session.store.artifacts.update([change])
    return session.store.data.by_artifact_ids([version.id])[0]


def _store_bytes(session: Session, found: "Fingerprint") -> tuple[dict[str, PropertyValue], int]:
    with tempfile.TemporaryDirectory(prefix="headwater-data-") as folder:
        path = found.write(Path(folder))
        blob = session.blobs.put_folder(path) if path.is_dir() else session.blobs.put_file(path)
    facts: dict[str, PropertyValue] = {"bytes_digest": blob.digest}
    if found.kind in {"frame", "array"}:
        facts["format"] = path.suffix.lstrip(".")
    return facts, blob.size_bytes
