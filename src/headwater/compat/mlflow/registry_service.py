"""The calls about logged models, registered models and webhooks, put together."""

from headwater.compat.mlflow.artifacts import Finder
from headwater.compat.mlflow.endpoints import AnyEndpoint
from headwater.compat.mlflow.errors import MlflowError
from headwater.compat.mlflow.experiments import Experiments
from headwater.compat.mlflow.locations import proxied_path, safe_path
from headwater.compat.mlflow.logged_model_calls import LoggedModelCalls
from headwater.compat.mlflow.logged_model_search import LoggedModelSearch
from headwater.compat.mlflow.logged_models import LoggedModels
from headwater.compat.mlflow.model_files import ModelFileCalls, find_logged_model, find_native
from headwater.compat.mlflow.model_versions import ModelVersionCalls
from headwater.compat.mlflow.registered_models import RegisteredModelCalls, RegisteredModels
from headwater.compat.mlflow.registry_answers import RegistryAnswers, location_of
from headwater.compat.mlflow.registry_rules import number_of
from headwater.compat.mlflow.runs import Runs
from headwater.compat.mlflow.sources import Sources
from headwater.compat.mlflow.webhook_addresses import WebhookRules, rules_of_environment
from headwater.compat.mlflow.webhook_delivery import WebhookDelivery
from headwater.compat.mlflow.webhooks import WebhookCalls
from headwater.model.protocols import BlobStore, Store


class RegistryService:
    """Everything about models."""

    def __init__(
        self,
        store: Store,
        blobs: BlobStore,
        experiments: Experiments,
        runs: Runs,
        rules: WebhookRules | None = None,
    ) -> None:
        """Take where records and bytes are, who finds experiments and runs, and what webhooks may reach."""
        self._store, self._blobs = store, blobs
        self.models = LoggedModels(store)
        self.registered = RegisteredModels(store)
        self.delivery = WebhookDelivery(store.webhooks, rules or rules_of_environment())
        sources = Sources(store, experiments, self.registered, self.models)
        announce = self.delivery.announce
        answers = RegistryAnswers(store, runs)
        self.endpoints: tuple[AnyEndpoint, ...] = (
            *LoggedModelSearch(store, experiments, self.models).endpoints(),
            *LoggedModelCalls(store, experiments, self.models).endpoints(),
            *RegisteredModelCalls(store, self.registered, answers, announce).endpoints(),
            *ModelVersionCalls(store, self.registered, answers, sources, announce).endpoints(),
            *WebhookCalls(store, self.delivery).endpoints(),
            *ModelFileCalls(store, blobs, self.models).endpoints(),
        )

    @property
    def finders(self) -> tuple[Finder, ...]:
        """What finds whose a path of the artifact proxy is."""
        return (
            lambda path: find_logged_model(self._store, self._blobs, self.models, path),
            lambda path: find_native(self._store, self._blobs, path),
        )

    def file_path(self, name: str, version: str, path: str) -> str:
        """Return the proxy's path of a file of a version.

        Raises:
            MlflowError: there is no such version, or its files are elsewhere.
        """
        location = location_of(self.registered.version(name, number_of(version)))
        root = proxied_path(location)
        if root is None:
            raise MlflowError(f"the files of models:/{name}/{version} are at {location!r}: read them there")
        return f"{root}/{safe_path(path)}"

    def close(self) -> None:
        """Send what waits for webhooks, for a moment at most."""
        self.delivery.close()
