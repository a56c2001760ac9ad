"""All calls of MLflow's tracking server, answered by a store and a blob store."""

from typing import Any

from headwater.compat.mlflow.answers import Answer
from headwater.compat.mlflow.endpoints import AnyEndpoint, Endpoint
from headwater.compat.mlflow.errors import mlflow_error_of
from headwater.compat.mlflow.experiments import ExperimentCalls, Experiments
from headwater.errors import HeadwaterError
from headwater.model.protocols import Store
from headwater.model.protocols.blobs import BlobStore


class MlflowService:
    """Answers MLflow's clients; knows of no transport.

    All methods are safe to call from several threads.
    """

    def __init__(self, store: Store, blobs: BlobStore) -> None:
        """Take where the records and the bytes are; whoever opened them closes them."""
        self.store, self.blobs = store, blobs
        self.experiments = Experiments(store)
        self.endpoints: tuple[AnyEndpoint, ...] = (*ExperimentCalls(store, self.experiments).endpoints(),)

    def call(self, endpoint: Endpoint[Any], request: Any, actor: str | None) -> Answer:
        """Answer one call.

        Args:
            endpoint: One of `endpoints`.
            request: What the endpoint's reader gave.
            actor: Name of the caller, if it is known.

        Raises:
            MlflowError: with MLflow's code for what went wrong.
        """
        try:
            return endpoint.answer(request, actor)
        except HeadwaterError as error:
            raise mlflow_error_of(error) from error
