"""What steps give each other: artifacts, plain values as JSON, and what has a safe format."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol, cast, runtime_checkable

from headwater.errors import InvalidError, NotFoundError
from headwater.formats import choose_format, load_model_folder
from headwater.model import builtin
from headwater.model.blobs import Blob
from headwater.model.data import DataVersion
from headwater.model.graph import Artifact, NewType
from headwater.model.ids import ArtifactId
from headwater.model.models import ModelVersion
from headwater.model.values import Json, PropertyValue, check_json
from headwater.model.verdicts import Verdict
from headwater.pipelines.contracts import is_statistics
from headwater.pipelines.decisions import decision_on
from headwater.tracking import Dataset, Session
from headwater.tracking.frame_files import LIBRARIES, read_array, read_frame
from headwater.tracking.outputs import artifact_of


class Kind(StrEnum):
    """How a step's output is kept."""

    JSON = "json"
    BYTES = "bytes"
    ARRAY = "array"
    FRAME = "frame"
    FILE = "file"
    FOLDER = "folder"
    OBJECT = "object"
    """Anything that a safe model format saves."""
    DATASET = "dataset"
    VERSION = "version"
    """A version of a registered model."""
    ARTIFACT = "artifact"
    DECISION = "decision"
    """What a person decided: `detail` is its subject in the ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An artifact that a step made or reads.

    Attributes:
        digest: What it is known by in cache keys: that of its content.
        bytes_digest: Under what the blob store has its bytes; None: they are elsewhere.
        detail: What is needed to load it: the library of a frame, the format of an object.
        text: The JSON itself, where it is short enough to be kept with the artifact.
    """

    artifact_id: ArtifactId
    kind: Kind
    digest: str
    bytes_digest: str | None = None
    detail: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A value that no artifact names yet: its bytes are stored, or a short `text` comes with the artifact."""

    kind: Kind
    blob: Blob
    detail: str | None = None
    text: str | None = None
    type: NewType = builtin.ARTIFACT
    facts: Mapping[str, PropertyValue] = field(default_factory=dict[str, PropertyValue])


TEXT: Final = "value"
"""The custom property that holds a short value."""
MAX_TEXT_BYTES: Final = 1024
"""JSON up to this size is kept with its artifact: no file to write, and none to read."""


@runtime_checkable
class SupportsVerdict(Protocol):
    """What a gate gives that has recorded a verdict."""

    verdict_id: ArtifactId


_WITH_BYTES: Final = frozenset(
    kind.name for kind in (builtin.ARTIFACT, builtin.STATISTICS, builtin.SCHEMA, builtin.ANOMALIES)
)
"""Types of artifacts whose digest is that of bytes in the blob store."""
_PLAIN: Final = (bool, int, float, str, list, dict, type(None))


def write_value(session: Session, value: Any) -> Written:
    """Store the bytes of a value.

    Raises:
        InvalidError: it is neither JSON nor anything that has a safe format.
    """
    if hasattr(value, "dtype") and getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, _PLAIN):
        check_json("output", cast("object", value))
        return _write_json(session, json_bytes(value))
    if isinstance(value, bytes):
        return Written(kind=Kind.BYTES, blob=session.blobs.put_bytes(value))
    if isinstance(value, Path):
        return _write_path(session, value)
    if is_statistics(type(value)):
        return _write_statistics(session, value)
    return _write_table(session, value) or _write_object(session, value)


def _write_statistics(session: Session, value: Any) -> Written:
    from headwater.validation.data.recording import statistics_facts

    return Written(
        kind=Kind.ARTIFACT,
        blob=session.blobs.put_bytes(value.to_json()),
        type=builtin.STATISTICS,
        facts=statistics_facts(value),
    )


def json_bytes(value: Any) -> bytes:
    """Return a plain value as JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _write_json(session: Session, data: bytes) -> Written:
    from headwater.blobs.digests import bytes_digest

    if len(data) > MAX_TEXT_BYTES:
        return Written(kind=Kind.JSON, blob=session.blobs.put_bytes(data))
    # Of a scheme of its own: nobody shall look for its bytes in the blob store.
    blob = Blob(digest=bytes_digest(data, "blake3-json"), size_bytes=len(data))
    return Written(kind=Kind.JSON, blob=blob, text=data.decode("utf-8", "surrogatepass"))


def _write_path(session: Session, path: Path) -> Written:
    if not path.exists():
        raise NotFoundError("file or folder", str(path))
    is_folder = path.is_dir()
    blob = session.blobs.put_folder(path) if is_folder else session.blobs.put_file(path)
    return Written(kind=Kind.FOLDER if is_folder else Kind.FILE, blob=blob, detail=path.name)


def _write_table(session: Session, value: Any) -> Written | None:
    from headwater.fingerprints import fingerprint

    library = type(value).__module__.partition(".")[0]
    if library not in {*LIBRARIES, "numpy"}:
        return None
    found = fingerprint(value)
    with tempfile.TemporaryDirectory(prefix="headwater-value-") as folder:
        file = found.write(Path(folder))
        blob = session.blobs.put_file(file)
    kind = Kind.ARRAY if file.suffix == ".npy" else Kind.FRAME
    return Written(kind=kind, blob=blob, detail=f"{library}{file.suffix}")


def _write_object(session: Session, value: Any) -> Written:
    chosen = choose_format(value)
    if not chosen.is_safe:
        name = f"{type(value).__module__}.{type(value).__qualname__}"
        raise InvalidError(
            f"a step cannot give a {name}, for which there is no safe format: give plain values (numbers, "
            "text, lists, dicts), bytes, a path, a table, an array, or a version that the step has logged"
        )
    with tempfile.TemporaryDirectory(prefix="headwater-value-") as folder:
        chosen.save(value, Path(folder))
        blob = session.blobs.put_folder(Path(folder))
    return Written(kind=Kind.OBJECT, blob=blob, detail=chosen.name)


def kept_with(written: Written) -> dict[str, PropertyValue]:
    """Return what an artifact says of its value, for `of_artifact` to read."""
    if written.type is not builtin.ARTIFACT:
        # Its type says it all.
        return {}
    found: dict[str, PropertyValue] = {"value_kind": written.kind.value}
    found |= {} if written.detail is None else {"value_detail": written.detail}
    return found | ({} if written.text is None else {TEXT: written.text})


def stored_artifact(session: Session, value: Any) -> Stored | None:
    """Return what is known of a value that is an artifact already; None where it is none."""
    match value:
        case _ if isinstance(value, _PLAIN):
            return None
        case Dataset():
            return of_data(value.data_version)
        case DataVersion():
            return of_data(value)
        case ModelVersion():
            return of_version(value)
        case Artifact():
            return of_artifact(value)
        case Verdict(id=number) | SupportsVerdict(verdict_id=number):
            return of_artifact(session.store.artifacts.get([number])[0])
        case _ if isinstance(getattr(value, "artifact_id", None), int):
            number, _ = artifact_of(session.store, value)
            return of_artifact(session.store.artifacts.get([number])[0])
        case _:
            return None


def of_data(version: DataVersion) -> Stored:
    """Return a data version as an input or output."""
    stored = version.properties.get("bytes_digest")
    return Stored(
        artifact_id=version.id,
        kind=Kind.DATASET,
        digest=version.digest,
        bytes_digest=stored if isinstance(stored, str) else None,
    )


def of_version(version: ModelVersion) -> Stored:
    """Return a model version as an input or output."""
    digest = version.digest or version.ref
    return Stored(
        artifact_id=version.id, kind=Kind.VERSION, digest=digest, bytes_digest=version.digest or None
    )


def of_artifact(found: Artifact) -> Stored:
    """Return any artifact as an input or output."""
    kind = found.custom_properties.get("value_kind")
    detail = found.custom_properties.get("value_detail")
    text = found.custom_properties.get(TEXT)
    digest = found.digest or f"artifacts/{found.id}#{found.revision}"
    is_ours = found.type_name == builtin.ARTIFACT.name and isinstance(kind, str)
    has_bytes = found.type_name in _WITH_BYTES and text is None
    return Stored(
        artifact_id=found.id,
        kind=Kind(kind) if is_ours and isinstance(kind, str) else Kind.ARTIFACT,
        digest=digest,
        bytes_digest=found.digest if has_bytes else None,
        detail=detail if isinstance(detail, str) else None,
        text=text if isinstance(text, str) else None,
    )


def stored_of(session: Session, ids: list[ArtifactId]) -> list[Stored]:
    """Return artifacts by their ids, in that order; those that are gone are left out."""
    data = {version.id: of_data(version) for version in session.store.data.by_artifact_ids(ids)}
    models = {version.id: of_version(version) for version in session.store.models.by_artifact_ids(ids)}
    others = {found.id: of_artifact(found) for found in session.store.artifacts.get(ids)}
    known = {**others, **models, **data}
    return [known[i] for i in ids if i in known]


class Loader:
    """Gives values back to steps; what has to be a file lies in a folder that goes with the step."""

    def __init__(self, session: Session) -> None:
        self._session, self._count = session, 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def close(self) -> None:
        """Remove what was fetched."""
        if self._folder is not None:
            self._folder.cleanup()

    def load(self, stored: Stored, hint: Any) -> Any:
        """Return a value, verified, as a parameter's annotation wants it.

        Raises:
            NotFoundError, CorruptError: its bytes are not there, or not those that were stored.
            MissingDependencyError: its library is not installed.
        """
        match stored.kind:
            case Kind.JSON:
                text = stored.text
                return json.loads(
                    text if text is not None else self._read(stored).decode("utf-8", "surrogatepass")
                )
            case Kind.BYTES:
                return self._read(stored)
            case Kind.DECISION:
                return self._decision(stored)
            case Kind.DATASET:
                return self._data(stored, hint)
            case Kind.VERSION:
                return self._session.store.models.by_artifact_ids([stored.artifact_id])[0]
            case Kind.ARTIFACT:
                return self._artifact(stored, hint)
            case Kind.FILE | Kind.FOLDER:
                return self._fetch(stored, stored.detail or "data")
            case Kind.OBJECT:
                folder = self._fetch(stored, "object")
                return load_model_folder(folder, format_name=stored.detail or "", allow_unsafe=False)
            case Kind.ARRAY | Kind.FRAME:
                return self._table(stored, hint)

    def _decision(self, stored: Stored) -> dict[str, Json]:
        entry = decision_on(self._session.store, stored.detail or "")
        if entry is None:
            raise NotFoundError("decision in the ledger", stored.detail)
        return {"actor": entry.actor, "reason": entry.reason, "time_ms": entry.time_ms, "entry": entry.seq}

    def _table(self, stored: Stored, hint: Any) -> Any:
        library, _, suffix = (stored.detail or "").partition(".")
        file = self._fetch(stored, f"data.{suffix}")
        if stored.kind is Kind.ARRAY:
            return read_array(file)
        return read_frame(file, _library(hint) or (library if library in LIBRARIES else None))

    def _data(self, stored: Stored, hint: Any) -> Any:
        version = self._session.store.data.by_artifact_ids([stored.artifact_id])[0]
        data = Dataset(data_version=version, blobs=self._session.blobs)
        if hint is DataVersion:
            return version
        if (library := _library(hint)) or hint is Path or _is_array(hint):
            return data.load(library)
        return data

    def _artifact(self, stored: Stored, hint: Any) -> Any:
        found = self._session.store.artifacts.get([stored.artifact_id])[0]
        if hasattr(hint, "from_artifact"):
            return hint.from_artifact(self._session.store, self._session.blobs, found)
        is_wanted_read = found.type_name == builtin.STATISTICS.name and hint is not Artifact
        return self._statistics(found) if is_wanted_read else found

    def _statistics(self, found: Artifact) -> Any:
        from headwater.validation.data.statistics import Statistics

        return Statistics.from_json(self._session.blobs.read(found.digest or ""))

    def _read(self, stored: Stored) -> bytes:
        return self._session.blobs.read(stored.bytes_digest or "")

    def _fetch(self, stored: Stored, name: str) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="headwater-step-")
        self._count += 1
        place = Path(self._folder.name) / str(self._count)
        place.mkdir()
        return self._session.blobs.fetch(stored.bytes_digest or "", place / name)


def _library(hint: Any) -> str | None:
    """Return the library of the table that a parameter wants."""
    library = getattr(hint, "__module__", "").partition(".")[0]
    return library if library in LIBRARIES else None


def _is_array(hint: Any) -> bool:
    return getattr(hint, "__module__", "").partition(".")[0] == "numpy"
