"""Files of models: a logged model's are a folder that grows with each upload; a version's never change."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from headwater.compat.mlflow.artifacts import RunListing, children
from headwater.compat.mlflow.endpoints import AnyEndpoint, get
from headwater.compat.mlflow.errors import MlflowError
from headwater.compat.mlflow.files import File, is_below, no_such_file
from headwater.compat.mlflow.locations import FOLDER, proxied_path, safe_path
from headwater.compat.mlflow.logged_models import LoggedModels
from headwater.compat.mlflow.registry_answers import NATIVE
from headwater.compat.mlflow.requests import Request, Required
from headwater.errors import ConflictError, StaleWriteError
from headwater.model.blobs import Blob, ManifestEntry, is_digest
from headwater.model.graph import Artifact, ArtifactChange
from headwater.model.ids import ArtifactId
from headwater.model.protocols import BlobStore, Store

_ATTEMPTS: Final = 200
"""How often a file is put anew because another upload of the same model came first."""
FILE_NAME: Final = "model"
"""What the one file of a model is called that was saved as a file."""
Files = dict[str, File]


class ModelFiles:
    """The files of one model; `put` and `delete` write its folder anew."""

    def __init__(self, store: Store, blobs: BlobStore, find: Callable[[], Artifact]) -> None:
        """Take where records and bytes are, and what finds the model."""
        self._store, self._blobs, self._find = store, blobs, find

    @property
    def node(self) -> Artifact:
        """The model, as it is now."""
        return self._find()

    def files(self) -> Mapping[str, File]:
        """Return all files by path."""
        return self._files(self._find())

    def check_writable(self) -> None:
        """Check that the model is no version yet.

        Raises:
            MlflowError: it is one.
        """
        self._check(self._find())

    def put(self, path: str, blob: Blob) -> None:
        """Put a file, over another one if there is one.

        Raises:
            MlflowError: the model is registered as a version.
        """
        new = File(digest=blob.digest, size_bytes=blob.size_bytes)
        self._change(lambda files: {**files, path: new})

    def delete(self, path: str, actor: str | None) -> None:  # noqa: ARG002  # the model's owner decides
        """Delete a file or a folder, if it is there; an empty path means everything.

        Raises:
            MlflowError: the model is registered as a version.
        """
        self._change(lambda files: {name: file for name, file in files.items() if not is_below(name, path)})

    def _change(self, change: Callable[[Files], Files]) -> None:
        for _ in range(_ATTEMPTS):
            found = self._find()
            self._check(found)
            files = change(self._files(found))
            folder = self._blobs.put_manifest(
                [ManifestEntry(path=p, digest=f.digest, size_bytes=f.size_bytes) for p, f in files.items()]
            )
            fields = ArtifactChange(
                id=found.id,
                digest=folder.digest if files else None,
                size_bytes=folder.size_bytes if files else None,
                expect_revision=found.revision,
            )
            try:
                self._store.artifacts.update([fields])
            except StaleWriteError:
                continue
            return
        raise ConflictError("the files of this model change all the time: upload again")

    def _check(self, found: Artifact) -> None:
        for version in self._store.models.by_artifact_ids([found.id]):
            raise MlflowError(f"the files of {version.ref} never change: log another model and register that")

    def _files(self, found: Artifact) -> Files:
        if found.digest is None or not is_digest(found.digest):
            return {}
        return {
            entry.path or FILE_NAME: File(digest=entry.digest, size_bytes=entry.size_bytes)
            for entry in self._blobs.manifest(found.digest)
        }


class ListModel(Request, frozen=True):
    """Asks for the files of a logged model in one folder."""

    model_id: Required
    artifact_directory_path: str = ""


class ModelFileCalls:
    """Answers the calls about files of models."""

    def __init__(self, store: Store, blobs: BlobStore, models: LoggedModels) -> None:
        """Take where records and bytes are kept, and who finds models."""
        self._store, self._blobs, self._models = store, blobs, models

    def endpoints(self) -> tuple[AnyEndpoint, ...]:
        """Return the calls that are answered here."""
        return (get("mlflow/logged-models/{model_id}/artifacts/directories", ListModel, self.list),)

    def list(self, request: ListModel, _actor: str | None) -> RunListing:
        """Return the files of a logged model in one folder; none when it is not there."""
        found = self._models.get(request.model_id)
        folder = safe_path(request.artifact_directory_path)
        files = ModelFiles(self._store, self._blobs, lambda: found).files()
        return RunListing(
            root_uri=found.uri or "", files=children(files, folder, f"{folder}/" if folder else "")
        )


def find_logged_model(
    store: Store, blobs: BlobStore, models: LoggedModels, path: str
) -> tuple[ModelFiles, str] | None:
    """Find the logged model that a path of the proxy is of, and the path within it."""
    parts = _MODEL_PATH.fullmatch(path)
    if parts is None:
        return None
    model_id, rest = parts["model"], parts["rest"] or ""
    found = models.get(model_id)
    root = path.removesuffix(f"/{rest}") if rest else path
    if proxied_path(found.uri or "") != root.rstrip("/"):
        return None
    return ModelFiles(store, blobs, lambda: models.get(model_id)), rest


def find_native(store: Store, blobs: BlobStore, path: str) -> tuple[ModelFiles, str] | None:
    """Find the version, registered without MLflow, that a path of the proxy is of, and the path within it."""
    parts = _NATIVE_PATH.fullmatch(path)
    if parts is None:
        return None

    def find() -> Artifact:
        versions = store.models.by_artifact_ids([ArtifactId(int(parts["id"]))])
        if not versions or versions[0].deleted_ms is not None:
            raise no_such_file(path)
        return store.artifacts.get([versions[0].id])[0]

    return ModelFiles(store, blobs, find), parts["rest"] or ""


_MODEL_PATH: Final = re.compile(
    rf"(?:.*/)?models/(?P<model>m-[0-9a-z]+)/{FOLDER}(?:/(?P<rest>.*))?", re.DOTALL
)
_NATIVE_PATH: Final = re.compile(rf"{NATIVE}/(?P<id>[0-9]{{1,18}})(?:/(?P<rest>.*))?", re.DOTALL)
