"""The files of a run as a tree of paths: artifacts with their bytes, as native code logs them, too.

What is put over another file is a new artifact under the same path; the one before is marked as deleted and
stays in the lineage. Of several that are not deleted, the newest counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Protocol

from headwater.compat.mlflow.errors import RESOURCE_DOES_NOT_EXIST, MlflowError
from headwater.compat.mlflow.registry_rules import REASON, UNKNOWN_CALLER
from headwater.compat.mlflow.run_edges import model_id_of
from headwater.compat.mlflow.runs import inactive
from headwater.errors import ConflictError
from headwater.model import builtin
from headwater.model.blobs import FOLDER_SCHEME, Blob, is_digest
from headwater.model.graph import (
    MAX_NAME_CHARS,
    Artifact,
    ArtifactLink,
    ArtifactState,
    EventType,
    ExecutionChange,
    NewArtifact,
    NodeKind,
    Publication,
)
from headwater.model.ids import TypeId
from headwater.model.protocols import Store
from headwater.model.protocols.blobs import BlobStore
from headwater.model.refs import NodeIdRef
from headwater.model.runs import Run
from headwater.model.upkeep import Subject

_NUMBER_CHARS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """The bytes under a path."""

    digest: str
    size_bytes: int


class Owner(Protocol):
    """Whose files lie below a folder of the artifact proxy. All paths are relative to that folder."""

    @property
    def node(self) -> Run | Artifact:
        """The run or model."""
        ...

    def files(self) -> Mapping[str, File]:
        """Return all files by path."""
        ...

    def check_writable(self) -> None:
        """Check that files may be put.

        Raises:
            MlflowError: they may not.
        """
        ...

    def put(self, path: str, blob: Blob) -> None:
        """Put a file, over another one if there is one."""
        ...

    def delete(self, path: str, actor: str | None) -> None:
        """Delete a file or a folder, if it is there; an empty path means everything."""
        ...


class RunFiles:
    """The files of one run."""

    def __init__(self, store: Store, blobs: BlobStore, run: Run, type_id: TypeId) -> None:
        """Take where records and bytes are kept, the run, and the type that its files have."""
        self._store = store
        self._type_id = type_id
        self._blobs = blobs
        self._run = run

    @property
    def node(self) -> Run:
        """The run."""
        return self._run

    def files(self) -> dict[str, File]:
        """Return all files by path, those in folders that native code logged among them."""
        found: dict[str, File] = {}
        for path, artifact in self._artifacts():
            found |= self._files_of(path, artifact)
        return found

    def check_writable(self) -> None:
        """Check that the run is not deleted.

        Raises:
            MlflowError: it is.
        """
        if self._run.deleted_ms is not None:
            raise inactive(self._run.run_id)

    def put(self, path: str, blob: Blob) -> None:
        """Put a file; the same bytes again change nothing."""
        name = self._name(path)
        while True:
            number, newest = self._newest(name)
            is_live = newest is not None and newest.deleted_ms is None
            if newest is not None and is_live and newest.digest == blob.digest:
                return
            new = NewArtifact(
                type_id=self._type_id,
                name=_numbered(name, number + 1),
                state=ArtifactState.LIVE,
                digest=blob.digest,
                size_bytes=blob.size_bytes,
                properties={"kind": "file"},
            )
            tie = ArtifactLink(artifact=new, type=EventType.OUTPUT, path=(path,))
            try:
                change = ExecutionChange(id=self._run.id)
                self._store.links.publish(Publication(execution=change, artifacts=[tie]))
            except ConflictError:
                # Somebody else put the same path at this moment, and has the number.
                continue
            if newest is not None and is_live:
                self._store.artifacts.delete([newest.id])
            return

    def delete(self, path: str, actor: str | None) -> None:
        """Delete a file or a folder; a folder that native code logged as one keeps its other files.

        Raises:
            MlflowError: a registered or logged model would lose files.
        """
        gone: list[Artifact] = []
        kept: dict[str, File] = {}
        for own, artifact in self._artifacts():
            files = self._files_of(own, artifact)
            left = {p: file for p, file in files.items() if path and not is_below(p, path)}
            if len(left) == len(files):
                continue
            if artifact.type_name != builtin.ARTIFACT.name:
                raise MlflowError(f"{own} is a model of this run, whose files do not change")
            gone.append(artifact)
            kept |= left
        for own, file in kept.items():
            self.put(own, Blob(digest=file.digest, size_bytes=file.size_bytes))
        self._mark_deleted(gone, actor)

    def _artifacts(self) -> list[tuple[str, Artifact]]:
        """Return what the run made and keeps bytes, with its path; the newest comes last."""
        events = self._store.links.events_of_executions([self._run.id])
        paths = {
            e.artifact_id: e.path[0]
            for e in events
            if e.type is EventType.OUTPUT and e.path and isinstance(e.path[0], str)
        }
        found = self._store.artifacts.get(sorted(paths))
        return [(str(paths[artifact.id]), artifact) for artifact in found if self._is_shown(artifact)]

    def _is_shown(self, artifact: Artifact) -> bool:
        is_file = artifact.type_name == builtin.ARTIFACT.name
        is_model = artifact.type_name == builtin.MODEL.name and model_id_of(artifact) is None
        # What was deleted in the same moment went with the run, and comes back with it.
        is_here = artifact.deleted_ms is None or artifact.deleted_ms == self._run.deleted_ms
        return (
            (is_file or is_model) and is_here and artifact.digest is not None and is_digest(artifact.digest)
        )

    def _files_of(self, path: str, artifact: Artifact) -> dict[str, File]:
        digest = artifact.digest or ""
        if not digest.startswith(f"{FOLDER_SCHEME}:"):
            return {path: File(digest=digest, size_bytes=artifact.size_bytes or 0)}
        entries = self._blobs.manifest(digest)
        return {f"{path}/{e.path}": File(digest=e.digest, size_bytes=e.size_bytes) for e in entries}

    def _newest(self, name: str) -> tuple[int, Artifact | None]:
        """Return the highest number that a name has, and its artifact; the numbers have no gaps."""

        def find(number: int) -> Artifact | None:
            return self._store.artifacts.find(self._type_id, _numbered(name, number))

        newest = find(1)
        if newest is None:
            return 0, None
        low, step = 1, 1
        while (found := find(low + step)) is not None:
            newest, low, step = found, low + step, step * 2
        # Numbers up to `low` are taken, and `low + step` is free.
        high = low + step
        while high - low > 1:
            middle = (low + high) // 2
            if (found := find(middle)) is None:
                high = middle
            else:
                newest, low = found, middle
        return low, newest

    def _name(self, path: str) -> str:
        name = f"runs/{self._run.run_id}/{path}"
        if len(name) <= MAX_NAME_CHARS - _NUMBER_CHARS:
            return name
        # The event has the whole path; the name only has to be its own.
        digest = blake2b(path.encode(errors="surrogatepass"), digest_size=16).hexdigest()
        return f"{name[: MAX_NAME_CHARS - _NUMBER_CHARS - len(digest) - 1]}~{digest}"

    def _mark_deleted(self, artifacts: list[Artifact], actor: str | None) -> None:
        subjects = [
            Subject(kind=NodeKind.ARTIFACT, id=artifact.id, ref=str(NodeIdRef("artifacts", artifact.id)))
            for artifact in artifacts
        ]
        if subjects:
            self._store.upkeep.delete(subjects, actor=actor or UNKNOWN_CALLER, reason=REASON)


def is_below(path: str, folder: str) -> bool:
    """Tell whether a path is a folder's own or lies in it; everything lies in the empty one."""
    return not folder or path == folder or path.startswith(f"{folder}/")


def no_such_file(path: str) -> MlflowError:
    """Return the error for a file that is not there."""
    return MlflowError(f"No such artifact: '{path}'", RESOURCE_DOES_NOT_EXIST)


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}#{number}"
