"""All calls of MLflow's tracking server, answered by a store and a blob store."""

from typing import Any

from headwater.compat.mlflow.answers import Answer
from headwater.compat.mlflow.artifacts import Artifacts
from headwater.compat.mlflow.batches import BatchCalls
from headwater.compat.mlflow.dataset_search import DatasetCalls
from headwater.compat.mlflow.endpoints import AnyEndpoint, Endpoint
from headwater.compat.mlflow.errors import mlflow_error_of
from headwater.compat.mlflow.experiment_calls import ExperimentCalls
from headwater.compat.mlflow.experiments import Experiments
from headwater.compat.mlflow.metrics import MetricCalls
from headwater.compat.mlflow.model_history import ModelHistoryCalls
from headwater.compat.mlflow.registry_service import RegistryService
from headwater.compat.mlflow.run_answers import RunViews
from headwater.compat.mlflow.run_data import RunDataCalls
from headwater.compat.mlflow.run_search import RunSearch
from headwater.compat.mlflow.runs import RunCalls, Runs
from headwater.compat.mlflow.server_info import ServerCalls
from headwater.compat.mlflow.subjects import Subjects
from headwater.compat.mlflow.webhook_addresses import WebhookRules
from headwater.errors import HeadwaterError
from headwater.model.access import Identity
from headwater.model.protocols import Store
from headwater.model.protocols.blobs import BlobStore


class MlflowService:
    """Answers MLflow's clients; knows of no transport.

    All methods are safe to call from several threads.
    """

    def __init__(self, store: Store, blobs: BlobStore, *, webhook_rules: WebhookRules | None = None) -> None:
        """Take where the records and the bytes are; whoever opened them closes them.

        Args:
            store: The records.
            blobs: The bytes.
            webhook_rules: What webhooks may reach; by default what the environment says.
        """
        self.store, self.blobs = store, blobs
        self.experiments = Experiments(store)
        self.runs = Runs(store)
        self.views = RunViews(store, self.experiments)
        self.artifacts = Artifacts(store, blobs, self.runs, self.views)
        self.registry = RegistryService(store, blobs, self.experiments, self.runs, webhook_rules)
        self.endpoints: tuple[AnyEndpoint, ...] = (
            *ExperimentCalls(store, self.experiments).endpoints(),
            *RunCalls(store, self.experiments, self.runs, self.views).endpoints(),
            *BatchCalls(store, self.runs).endpoints(),
            *RunDataCalls(store, self.runs).endpoints(),
            *ModelHistoryCalls(store, self.runs).endpoints(),
            *DatasetCalls(store, self.experiments).endpoints(),
            *MetricCalls(store, self.runs).endpoints(),
            *RunSearch(store, self.experiments, self.views).endpoints(),
            *self.artifacts.endpoints(),
            *ServerCalls().endpoints(),
            *self.registry.endpoints,
        )
        self.artifacts.finders += self.registry.finders
        self.subjects = Subjects(store, self.experiments, self.registry.models, self.artifacts)

    def close(self) -> None:
        """End what runs in the background."""
        self.registry.close()

    def call(self, endpoint: Endpoint[Any], request: Any, identity: Identity) -> Answer:
        """Answer one call, if whoever makes it may: everywhere, or with all that it names.

        Args:
            endpoint: One of `endpoints`.
            request: What the endpoint's reader gave.
            identity: Who calls.

        Raises:
            MlflowError: with MLflow's code for what went wrong.
        """
        try:
            self.subjects.require_call(identity, endpoint, request)
            return endpoint.answer(request, identity.name if identity.is_verified else None)
        except HeadwaterError as error:
            raise mlflow_error_of(error) from error
