"""The data sets that runs of some experiments read, as MLflow's web pages offer them for a filter."""

from collections.abc import Iterator, Sequence
from typing import Final

from headwater.compat.mlflow.answers import Answer
from headwater.compat.mlflow.endpoints import AnyEndpoint, post
from headwater.compat.mlflow.errors import MlflowError
from headwater.compat.mlflow.experiments import Experiments
from headwater.compat.mlflow.requests import Request
from headwater.compat.mlflow.run_edges import CONTEXT_TAG, tags_of
from headwater.model.access import Permission
from headwater.model.graph import Event
from headwater.model.ids import ContextId, ExecutionId
from headwater.model.protocols import Store

MAX_EXPERIMENTS: Final = 20
MAX_SUMMARIES: Final = 1_000
_BATCH: Final = 1_000


class SearchDatasets(Request, frozen=True):
    """Asks for the data sets of some experiments."""

    experiment_ids: tuple[str, ...] = ()


class DatasetSummary(Answer):
    """A data version that runs of an experiment read, and as what."""

    experiment_id: str
    name: str
    digest: str
    context: str = ""


class Summaries(Answer):
    """Some data versions, each with a use of it once."""

    dataset_summaries: tuple[DatasetSummary, ...] = ()


class DatasetCalls:
    """Answers the call."""

    def __init__(self, store: Store, experiments: Experiments) -> None:
        """Take where runs are kept, and who finds experiments."""
        self._store = store
        self._experiments = experiments

    def endpoints(self) -> tuple[AnyEndpoint, ...]:
        """Return the calls that are answered here."""
        path = "mlflow/experiments/search-datasets"
        return (post(path, SearchDatasets, self.search, Permission.READ),)

    def search(self, request: SearchDatasets, _actor: str | None) -> Summaries:
        """Return a thousand at most, those of the first runs first."""
        _check(request.experiment_ids)
        found: dict[tuple[str, str, str, str], None] = {}
        for experiment_id in dict.fromkeys(request.experiment_ids):
            for use in self._uses(self._experiments.number(experiment_id)):
                found.setdefault((experiment_id, *use))
                if len(found) == MAX_SUMMARIES:
                    break
        return Summaries(
            dataset_summaries=tuple(
                DatasetSummary(experiment_id=experiment_id, name=name, digest=digest, context=context)
                for experiment_id, name, digest, context in list(found)[:MAX_SUMMARIES]
            )
        )

    def _uses(self, experiment: ContextId) -> Iterator[tuple[str, str, str]]:
        """Yield name, digest and use of each data version that a run of an experiment read."""
        runs = [link.execution_id for link in self._store.links.executions_of_contexts([experiment])]
        for start in range(0, len(runs), _BATCH):
            events = self._inputs(runs[start : start + _BATCH])
            ids = sorted({event.artifact_id for event in events})
            data = {each.id: each for each in self._store.data.by_artifact_ids(ids)} if ids else {}
            for event in events:
                if (version := data.get(event.artifact_id)) is not None:
                    tags = {tag.key: tag.value for tag in tags_of(version.name, event.path)}
                    yield version.name, version.digest, tags.get(CONTEXT_TAG, "")

    def _inputs(self, runs: Sequence[ExecutionId]) -> list[Event]:
        return self._store.links.events_of_executions(runs, are_outputs=False)


def _check(experiment_ids: Sequence[str]) -> None:
    if not experiment_ids:
        raise MlflowError("SearchDatasets request must specify at least one experiment_id.")
    if len(experiment_ids) > MAX_EXPERIMENTS:
        raise MlflowError(
            f"SearchDatasets request cannot specify more than {MAX_EXPERIMENTS} experiment_ids. "
            f"Received {len(experiment_ids)} experiment_ids."
        )
