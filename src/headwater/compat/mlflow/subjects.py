"""What a call is about, for those who may do more with some experiments and models than with all."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final, TypeAlias

from headwater.compat.mlflow.artifacts import Artifacts
from headwater.compat.mlflow.endpoints import AnyEndpoint
from headwater.compat.mlflow.errors import MlflowError
from headwater.compat.mlflow.experiments import Experiments
from headwater.compat.mlflow.logged_models import LoggedModels
from headwater.compat.mlflow.runs import not_found
from headwater.compat.mlflow.server_info import NoRequest
from headwater.compat.mlflow.sources import copied_model
from headwater.model.access import Identity, Permission, SubjectKind, subject
from headwater.model.graph import Artifact
from headwater.model.ids import RunId
from headwater.model.protocols import Store
from headwater.model.runs import Run

Thing: TypeAlias = Sequence[str]
"""The subjects of one thing: whoever reads it needs one of them, whoever changes it all."""

_KINDS: Final[dict[str, SubjectKind]] = {
    "registered-models": "models",
    "model-versions": "models",
    "experiments": "experiments",
}
"""What names are of, by the first word of a call's path."""
_NAMES: Final = ("name", "new_name", "experiment_name")
_RUNS: Final = ("run_id", "run_ids", "source_run_id")
_MODELS: Final = ("model_id",)


class Subjects:
    """Checks callers against what their calls are about."""

    def __init__(
        self, store: Store, experiments: Experiments, models: LoggedModels, artifacts: Artifacts
    ) -> None:
        """Take where everything is kept, and who finds experiments, logged models and files."""
        self._store = store
        self._experiments = experiments
        self._models = models
        self._artifacts = artifacts

    def require(self, identity: Identity, permission: Permission, things: Iterable[Thing]) -> None:
        """Check that somebody may do something everywhere, or with all of some things.

        Raises:
            ForbiddenError, UnauthenticatedError: they may not. They are not told whether a thing is there.
        """
        if identity.allows(permission):
            return
        try:
            found = list(things)
        except MlflowError:
            # What is not there is nobody's.
            found = []
        for thing in found or [()]:
            _require(identity, permission, thing)

    def require_call(self, identity: Identity, endpoint: AnyEndpoint, request: Any) -> None:
        """`require` what an endpoint needs, for what a request names.

        What a version of a registered model is made of is only read.
        """
        family, _, rest = endpoint.path.partition("/")
        kind = _KINDS.get(rest.partition("/")[0])
        if isinstance(request, NoRequest) or identity.allows(endpoint.permission):
            return
        named = ([subject(kind, name)] for name in _given(request, _NAMES)) if kind else ()
        if kind == "models":
            self.require(identity, endpoint.permission, named)
            copied = copied_model(getattr(request, "source", ""))
            if copied is not None:
                self.require(identity, Permission.READ, [[subject("models", copied)]])
            if _given(request, (*_RUNS, *_MODELS)):
                self.require(identity, Permission.READ, self._made_by(request))
        elif family == "mlflow-artifacts":
            self.require(identity, endpoint.permission, self.of_file(request.path))
        else:
            things = chain(named, self._experiments_of(request), self._made_by(request))
            self.require(identity, endpoint.permission, things)

    def of_run(self, run_id: str) -> Iterator[Thing]:
        """Yield what a run belongs to.

        Raises:
            MlflowError: there is no such run.
        """
        yield from self._of_runs([run_id])

    def of_file(self, path: str) -> Iterator[Thing]:
        """Yield what a path of the artifact proxy belongs to; nothing when it is nobody's.

        Raises:
            MlflowError: it can be no path, or is below a run or model that is not there.
        """
        owner = self._artifacts.owner(path)
        if isinstance(owner, Run):
            yield [subject("experiments", owner.experiment)]
        elif owner is not None:
            yield self._of_model(owner)

    def of_version(self, model: str) -> Iterator[Thing]:
        """Yield what the versions of a registered model belong to."""
        yield [subject("models", model)]

    def _experiments_of(self, request: Any) -> Iterator[Thing]:
        if hasattr(request, "experiment_id"):
            # An empty id stands for the default experiment.
            yield self._of_experiment(request.experiment_id)
        for experiment_id in _given(request, ["experiment_ids"]):
            yield self._of_experiment(experiment_id)

    def _made_by(self, request: Any) -> Iterator[Thing]:
        yield from self._of_runs(_given(request, _RUNS))
        for model_id in _given(request, _MODELS) | _models_of_points(request):
            yield self._of_model(self._models.get(model_id, with_deleted=True))

    def _of_experiment(self, experiment_id: str) -> Thing:
        return [subject("experiments", self._experiments.get(experiment_id).name or "")]

    def _of_runs(self, run_ids: Iterable[str]) -> Iterator[Thing]:
        wanted = sorted(map(RunId, run_ids))
        found = self._store.runs.get(wanted) if wanted else []
        if len(found) < len(wanted):
            raise not_found(wanted[0])
        yield from ([subject("experiments", run.experiment)] for run in found)

    def _of_model(self, model: Artifact) -> Thing:
        """Return the experiment of a logged model, and the registered model that it is a version of."""
        owners = self._models.experiments_of([model]).values()
        experiments = [each.name or "" for each in self._store.contexts.get([*owners])]
        versions = self._store.models.by_artifact_ids([model.id])
        return [
            *(subject("experiments", name) for name in experiments),
            *(subject("models", version.model) for version in versions),
        ]


def _require(identity: Identity, permission: Permission, thing: Thing) -> None:
    if permission is Permission.READ and any(identity.allows(permission, each) for each in thing):
        return
    for each in thing or [None]:
        identity.require(permission, each)


def _given(request: Any, names: Iterable[str]) -> set[str]:
    """Return the texts that fields of these names hold, one or several each."""
    found: set[str] = set()
    for name in names:
        match getattr(request, name, None):
            case str(text) if text:
                found.add(text)
            case tuple(several):  # pyright: ignore[reportUnknownVariableType]
                found.update(map(str, several))  # pyright: ignore[reportUnknownArgumentType]
            case _:
                pass
    return found


def _models_of_points(request: Any) -> set[str]:
    """Return the logged models that points of a batch are about."""
    return {point.model_id for point in getattr(request, "metrics", ()) if point.model_id}
