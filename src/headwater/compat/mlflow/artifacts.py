"""Files: listed, and found by the paths of the artifact proxy."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final, TypeAlias

from headwater.compat.mlflow.answers import Answer
from headwater.compat.mlflow.endpoints import AnyEndpoint, Endpoint, get
from headwater.compat.mlflow.errors import RESOURCE_DOES_NOT_EXIST, MlflowError, mlflow_error_of
from headwater.compat.mlflow.files import File, Owner, RunFiles, is_below, no_such_file
from headwater.compat.mlflow.locations import FOLDER, proxied_path, safe_path
from headwater.compat.mlflow.requests import Request, Required
from headwater.compat.mlflow.run_answers import RunViews
from headwater.compat.mlflow.runs import Runs
from headwater.errors import HeadwaterError
from headwater.model import builtin
from headwater.model.access import Permission
from headwater.model.blobs import Blob
from headwater.model.graph import Artifact
from headwater.model.ids import TypeId
from headwater.model.protocols import Store
from headwater.model.protocols.blobs import BlobStore
from headwater.model.runs import Run

_RUN_PATH: Final = re.compile(
    rf"(?:(?P<root>.*)/)?(?P<run>[0-9a-f]{{32}})/{FOLDER}(?:/(?P<rest>.*))?", re.DOTALL
)

Finder: TypeAlias = Callable[[str], tuple[Owner, str] | None]
"""Finds whose a path of the proxy is, and what is left of the path; None when it is none of its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file to send."""

    name: str
    size_bytes: int
    open: Callable[[], BinaryIO]


class ListRun(Request, frozen=True):
    """Asks for the files of a run in one folder."""

    run_id: Required
    path: str = ""
    page_token: str = ""


class ListFolder(Request, frozen=True):
    """Asks for the files in a folder of the proxy."""

    path: str = ""


class FileInfo(Answer):
    """A file or folder."""

    path: str
    is_dir: bool
    file_size: int | None = None


class RunListing(Answer):
    """Files by paths from the run's root."""

    root_uri: str
    files: tuple[FileInfo, ...] = ()


class FolderListing(Answer):
    """Files by paths from the folder that was asked for."""

    files: tuple[FileInfo, ...] = ()


class Artifacts:
    """Answers the calls about files, and is what the artifact proxy reads and writes."""

    def __init__(self, store: Store, blobs: BlobStore, runs: Runs, views: RunViews) -> None:
        """Take where records and bytes are kept, who finds runs, and who knows where their files are."""
        self._store = store
        self._blobs = blobs
        self._runs = runs
        self._views = views
        self._type_id: TypeId | None = None
        self.finders: list[Finder] = [self._run_of]

    def endpoints(self) -> tuple[AnyEndpoint, ...]:
        """Return the calls that are answered here."""
        folders = Endpoint(
            methods=("GET",),
            path="mlflow-artifacts/artifacts",
            permission=Permission.READ,
            request=ListFolder,
            answer=self.list_folder,
        )
        return (get("mlflow/artifacts/list", ListRun, self.list_run), folders)

    def list_run(self, request: ListRun, _actor: str | None) -> RunListing:
        """Return the files of a run in one folder; none when it is not there."""
        folder = safe_path(request.path)
        run = self._runs.get(request.run_id)
        root = self._views.location(run)
        files = self._files_of(run).files() if proxied_path(root) is not None else {}
        prefix = f"{folder}/" if folder else ""
        return RunListing(root_uri=root, files=children(files, folder, prefix))

    def list_folder(self, request: ListFolder, _actor: str | None) -> FolderListing:
        """Return the files in a folder of the proxy; none when it is not there."""
        found = self._find(safe_path(request.path))
        if found is None:
            return FolderListing()
        owner, rest = found
        return FolderListing(files=children(owner.files(), rest, ""))

    def owner(self, path: str) -> Run | Artifact | None:
        """Return the run or model that a path of the proxy is below; None when it is nobody's.

        Raises:
            MlflowError: it can be no path, or there is no such run or model.
        """
        found = self._find(safe_path(path))
        return None if found is None else found[0].node

    def of_run(self, run_id: str, path: str) -> Download:
        """Return a file of a run.

        Raises:
            MlflowError: there is no such run or file.
        """
        run = self._runs.get(run_id)
        return self._download(self._files_of(run), safe_path(path), path)

    def download(self, path: str) -> Download:
        """Return the file under a path of the proxy.

        Raises:
            MlflowError: there is none.
        """
        owner, rest = self._require(path)
        return self._download(owner, rest, path)

    def target(self, path: str) -> Callable[[Blob], None]:
        """Return what puts bytes under a path of the proxy, once they are stored.

        Raises:
            MlflowError: nothing can be put there.
        """
        if path.endswith("/"):
            raise MlflowError("Artifact path must include a filename (cannot end with '/').")
        owner, rest = self._require(path)
        return self._putter(owner, rest)

    def target_of_run(self, run_id: str, path: str) -> Callable[[Blob], None]:
        """Return what puts bytes under a path of a run, once they are stored.

        Raises:
            MlflowError: nothing can be put there.
        """
        return self._putter(self._files_of(self._runs.get(run_id)), safe_path(path))

    def delete(self, path: str, actor: str | None) -> None:
        """Delete a file or folder of the proxy, if it is there.

        Raises:
            MlflowError: the path is nobody's.
        """
        owner, rest = self._require(path)
        owner.check_writable()
        owner.delete(rest, actor)

    def _files_of(self, run: Run) -> RunFiles:
        if self._type_id is None:
            (self._type_id,) = self._store.types.put([builtin.ARTIFACT], can_add=True, can_omit=True)
        return RunFiles(self._store, self._blobs, run, self._type_id)

    def _putter(self, owner: Owner, path: str) -> Callable[[Blob], None]:
        if not path:
            raise MlflowError("Invalid path: a file needs a name")
        owner.check_writable()

        def put(blob: Blob) -> None:
            try:
                owner.put(path, blob)
            except HeadwaterError as error:
                raise mlflow_error_of(error) from error

        return put

    def _download(self, owner: Owner, path: str, shown: str) -> Download:
        files = owner.files()
        found = files.get(path)
        if found is None and any(is_below(each, path) for each in files):
            raise MlflowError(f"Artifact path refers to a directory, not a file: '{shown}'")
        if found is None:
            raise no_such_file(shown)
        digest = found.digest
        return Download(
            name=path.rpartition("/")[2], size_bytes=found.size_bytes, open=lambda: self._blobs.open(digest)
        )

    def _require(self, path: str) -> tuple[Owner, str]:
        found = self._find(safe_path(path))
        if found is None:
            raise MlflowError(
                f"No such artifact: '{path}'. Files lie below the artifact_uri of a run or a logged model.",
                RESOURCE_DOES_NOT_EXIST,
            )
        return found

    def _find(self, path: str) -> tuple[Owner, str] | None:
        return next((found for finder in self.finders if (found := finder(path))), None)

    def _run_of(self, path: str) -> tuple[Owner, str] | None:
        parts = _RUN_PATH.fullmatch(path)
        if parts is None:
            return None
        run = self._runs.get(parts["run"])
        if not self._is_root(run, path.removesuffix(f"/{parts['rest']}") if parts["rest"] else path):
            return None
        return self._files_of(run), safe_path(parts["rest"] or "")

    def _is_root(self, run: Run, path: str) -> bool:
        return proxied_path(self._views.location(run)) == path.rstrip("/")


def children(files: Mapping[str, File], folder: str, prefix: str) -> tuple[FileInfo, ...]:
    """Return what lies directly in a folder, by name."""
    found: dict[str, FileInfo] = {}
    start = len(folder) + 1 if folder else 0
    for path, file in files.items():
        if path == folder or not is_below(path, folder):
            continue
        name, mark, _ = path[start:].partition("/")
        size = None if mark else file.size_bytes
        if mark or name not in found:
            found[name] = FileInfo(path=prefix + name, is_dir=bool(mark), file_size=size)
    return tuple(info for _, info in sorted(found.items()))
