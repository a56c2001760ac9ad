"""The registered models of whichever client is the current one."""

from collections.abc import Callable, Iterator

from headwater.model.approvals import ApprovalRequest
from headwater.model.models import ModelVersion, RegisteredModel
from headwater.model.release import ReleaseProcess
from headwater.model.values import Properties
from headwater.registry import Model
from headwater.sdk.client import Current


class CurrentModels:
    """The registered models of the current client: `headwater.models["late-flights"]`."""

    def __init__(self, current: Callable[[], Current]) -> None:
        """Take what finds the client."""
        self._current = current

    def __getitem__(self, name: str) -> Model:
        """Return a handle of the model of this name, which need not be registered yet."""
        return self._current().get().models[name]

    def __iter__(self) -> Iterator[Model]:
        """Yield all registered models, by name."""
        return iter(self._current().get().models)

    def search(self, filter: str = "", *, order_by: str = "") -> list[RegisteredModel]:
        """Return the registered models that a filter selects, by default all by name.

        Raises:
            FilterError: the filter or order does not parse.
        """
        return self._current().get().models.search(filter, order_by=order_by)

    def search_versions(
        self, filter: str = "", *, order_by: str = "", limit: int | None = None
    ) -> list[ModelVersion]:
        """Return the versions of all models that a filter selects, by default all by id.

        Raises:
            FilterError: the filter or order does not parse.
        """
        return self._current().get().models.search_versions(filter, order_by=order_by, limit=limit)

    def register(
        self,
        name: str,
        *,
        description: str | None = None,
        owner: str | None = None,
        tags: Properties | None = None,
    ) -> Model:
        """Register a model before it has a version; one that is there stays as it is."""
        return self._current().get().models.register(name, description=description, owner=owner, tags=tags)

    def requests(self, *, only_open: bool = True) -> list[ApprovalRequest]:
        """Return the approval requests for all models, oldest first."""
        return self._current().get().models.requests(only_open=only_open)

    def process(self) -> ReleaseProcess:
        """Return the release process of the models that have none of their own."""
        return self._current().get().models.process()

    def set_process(self, process: ReleaseProcess | None, *, reason: str) -> None:
        """Change the release process of all models that have none of their own; None: the built-in one."""
        self._current().get().models.set_process(process, reason=reason)
