"""Where a model version comes from: what MLflow takes as a source, and what it stands for.

This server never opens a source. What it refuses is what could lead others to files that are nobody's
model: local paths, ways out of a folder, and places that the given run or model does not own.
"""

import posixpath
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, unquote_plus, urlsplit

from headwater.compat.mlflow.errors import MlflowError
from headwater.compat.mlflow.experiments import Experiments
from headwater.compat.mlflow.locations import SCHEME, experiment_location, run_location
from headwater.compat.mlflow.logged_models import LoggedModels
from headwater.compat.mlflow.registered_models import RegisteredModels, is_prompt
from headwater.compat.mlflow.registry_answers import location_of
from headwater.compat.mlflow.registry_rules import LATEST, number_of, stage_of
from headwater.errors import NotFoundError
from headwater.model.graph import Artifact
from headwater.model.ids import RunId
from headwater.model.models import ModelVersion
from headwater.model.protocols import Store
from headwater.model.runs import Run

PROMPT_SOURCES: Final = frozenset({"dummy-source", "prompt-template"})
"""What MLflow's clients give as the source of a prompt, which has none."""
_ROUTE: Final = ("api", "2.0", SCHEME, "artifacts")
_MAX_DECODINGS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a version comes from.

    Attributes:
        uri: As it is kept and shown.
        location: Where its files are read from.
        run: The run that made it, if this store knows it.
        run_id: Its id, also when this store does not know it.
        model: The logged model that it is.
        version: The version that it is a copy of.
    """

    uri: str
    location: str
    run: Run | None = None
    run_id: str = ""
    model: Artifact | None = None
    version: ModelVersion | None = None


class Sources:
    """Reads the sources of new versions."""

    def __init__(
        self, store: Store, experiments: Experiments, registered: RegisteredModels, models: LoggedModels
    ) -> None:
        """Take where everything is found that a source can name."""
        self._store = store
        self._experiments = experiments
        self._registered = registered
        self._models = models

    def read(self, source: str, run_id: str, model_id: str) -> Source:
        """Return what a source stands for.

        Raises:
            MlflowError: it is no source, or lies outside what the given run or model owns.
        """
        if _scheme(source) == "models":
            if urlsplit(source).netloc:
                raise _invalid(source, "Registered model sources must use the active model registry.")
            name, label = _model_parts(source)
            if label is not None:
                return self._copied(source, name, label, run_id, model_id)
        model = self._model(source, model_id) if model_id else None
        if _is_local(source):
            self._check_local(source, run_id, model)
        else:
            check_uri(source)
            self._check_owner(source, run_id, model)
        location = model.uri or source if model is not None and _scheme(source) == "models" else source
        if model is not None and not run_id:
            run_id = self._models.runs_of([model]).get(model.id, "")
        return Source(uri=source, location=location, run=self._run(run_id), run_id=run_id, model=model)

    def _copied(self, source: str, name: str, label: str, run_id: str, model_id: str) -> Source:
        """Return what a version, stage or alias stands for."""
        if is_prompt(self._registered.get(name).tags):
            raise _invalid(source, "Prompt versions cannot be used as model version sources.")
        version = self._labelled(name, label)
        [artifact] = self._store.artifacts.get([version.id])
        own_run = self._models.runs_of([artifact]).get(version.id, "")
        if (run_id and run_id != own_run) or (model_id and model_id != artifact.external_id):
            problem = "The run_id and model_id request parameters must match the referenced model version."
            raise _invalid(source, problem)
        return Source(
            uri=f"models:/{name}/{version.version}",
            location=location_of(version),
            run=self._run(own_run),
            run_id=own_run,
            version=version,
        )

    def _labelled(self, name: str, label: str) -> ModelVersion:
        if label.startswith("@"):
            return self._registered.at_alias(name, label[1:])
        if label.isdecimal():
            return self._registered.version(name, number_of(label))
        if label.lower() == LATEST:
            return self._registered.at_alias(name, LATEST)
        try:
            return self._store.models.resolve(name, stage_of(label))
        except NotFoundError as error:
            raise MlflowError(f"No versions of model with name '{name}' and stage '{label}' found") from error

    def _check_local(self, source: str, run_id: str, model: Artifact | None) -> None:
        owner, root = ("run", self._run_root(run_id)) if model is None else ("model", model.uri or "")
        check_uri(source)
        if not (root and _is_local(root) and _is_below(_local_path(source), _local_path(root))):
            raise _invalid(
                source,
                f"To use a local path as a model version source, the {owner}_id request parameter has to be "
                f"specified and the local path has to be contained within the artifact directory of the "
                f"run specified by the {owner}_id.",
            )

    def _check_owner(self, source: str, run_id: str, model: Artifact | None) -> None:
        owner = "run_id" if model is None else "model_id"
        match _scheme(source):
            case "runs":
                if model is not None or urlsplit(source).netloc or not run_id or _run_of(source) != run_id:
                    raise _not_owned(source, owner)
            case "models":
                name, _ = _model_parts(source)
                if model is None or model.external_id != name:
                    raise _not_owned(source, "model_id")
            case _ if _is_of_proxy(source):
                root = self._run_root(run_id) if model is None else model.uri
                if not root or not _is_uri_within(source, root):
                    raise _not_owned(source, owner)
            case _:
                return

    def _model(self, source: str, model_id: str) -> Artifact:
        try:
            return self._models.get(model_id)
        except MlflowError as error:
            raise _not_owned(source, "model_id") from error

    def _run(self, run_id: str) -> Run | None:
        return next(iter(self._store.runs.get([RunId(run_id)])), None) if run_id else None

    def _run_root(self, run_id: str) -> str:
        run = self._run(run_id)
        if run is None:
            return ""
        [experiment] = self._store.contexts.get([run.experiment_id])
        number = self._experiments.name_of(run.experiment_id)
        return run_location(experiment_location(experiment, number), run.run_id)


def copied_model(source: str) -> str | None:
    """Return the registered model of which a source names a version; None when it names none.

    Raises:
        MlflowError: it is no URI.
    """
    if _scheme(source) != "models":
        return None
    name, label = _model_parts(source)
    return None if label is None else name


def check_uri(source: str) -> None:
    """Check that a URI does not lead out of its folder, in no encoding.

    Raises:
        MlflowError: it does, or has characters that no path has.
    """
    decoded = source
    for _ in range(_MAX_DECODINGS):
        if (plain := unquote_plus(decoded)) == decoded:
            break
        decoded = plain
    parts = urlsplit(decoded)
    path = "/".join(part for part in parts.path.split("/") if part)
    has_odd = "\\" in decoded or any(ord(c) < 32 for c in decoded) or unquote_plus(decoded) != decoded
    if has_odd or ".." in decoded.split("/") or posixpath.normpath(path or ".") != (path or "."):
        raise MlflowError(
            f"Invalid model version source: '{source}'. If supplying a source as an http, https, local file "
            "path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without "
            "relative path references present. Please provide an absolute path."
        )
    if parts.scheme == "file" and parts.netloc not in {"", "localhost"}:
        raise _invalid(source, "A file: URI names no host.")


def _scheme(uri: str) -> str:
    try:
        return urlsplit(uri).scheme.lower()
    except ValueError:
        raise _invalid(uri, "It is no URI.") from None


def _is_local(uri: str) -> bool:
    # One letter is a drive, and no scheme.
    return _scheme(uri) in {"", "file"} or len(_scheme(uri)) == 1


def _local_path(uri: str) -> str:
    return posixpath.normpath(unquote(urlsplit(uri).path))


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


def _run_of(source: str) -> str:
    return urlsplit(source).path.strip("/").partition("/")[0]


def _model_parts(source: str) -> tuple[str, str | None]:
    """Return name and label (version, stage, `@alias`) of a `models:/` URI, or a model id and None."""
    parts = urlsplit(source).path.lstrip("/").split("/")
    if len(parts) > 2 or not parts[0].strip() or (len(parts) == 2 and not parts[1].strip()):
        raise _not_owned(source, "model_id")
    if len(parts) == 2:
        return parts[0], parts[1]
    name, at, alias = parts[0].rpartition("@")
    return (name, f"@{alias}") if at else (parts[0], None)


def _is_of_proxy(source: str) -> bool:
    scheme, _, parts = _normalised(source)
    if scheme == SCHEME:
        return True
    places = range(len(parts) - len(_ROUTE) + 1)
    return scheme in {"http", "https"} and any(parts[i : i + len(_ROUTE)] == _ROUTE for i in places)


def _is_uri_within(source: str, root: str) -> bool:
    scheme, host, parts = _normalised(source)
    root_scheme, root_host, root_parts = _normalised(root)
    is_inside = bool(root_parts) and parts[: len(root_parts)] == root_parts
    return (scheme, host) == (root_scheme, root_host) and is_inside


def _normalised(uri: str) -> tuple[str, str, tuple[str, ...]]:
    found = urlsplit(uri)
    parts = tuple(unquote(part) for part in found.path.split("/") if part)
    return found.scheme.lower(), found.netloc.lower(), parts


def _invalid(source: str, problem: str) -> MlflowError:
    return MlflowError(f"Invalid model version source: '{source}'. {problem}")


def _not_owned(source: str, field: str) -> MlflowError:
    return _invalid(
        source, f"The {field} request parameter must identify the resource that contains the source."
    )
