"""All calls of MLMD's service, and those for deletion, by name, answered by a store."""

from typing import Any

from headwater.compat.mlmd.errors import UnimplementedError
from headwater.compat.mlmd.service.deletion import DeletionCalls
from headwater.compat.mlmd.service.edges import EdgeCalls
from headwater.compat.mlmd.service.kinds import Message
from headwater.compat.mlmd.service.lineage import LineageCalls
from headwater.compat.mlmd.service.reads import ReadCalls
from headwater.compat.mlmd.service.status import status_of
from headwater.compat.mlmd.service.types import TypeCalls
from headwater.compat.mlmd.service.writes import WriteCalls
from headwater.errors import HeadwaterError
from headwater.model.protocols import Store


class MetadataService:
    """Answers `ml_metadata.MetadataStoreService` and `headwater.mlmd.UpkeepService`; knows of no transport.

    All methods are safe to call from several threads.
    """

    def __init__(self, store: Store, max_bytes: int | None = None) -> None:
        """Take what answers.

        Args:
            store: Holds the graph; whoever opened it closes it.
            max_bytes: A list that is not paged and gets larger than this is refused.
        """
        self._calls = {
            "GetLineageGraph": _never,
            **TypeCalls(store).calls(),
            **WriteCalls(store).calls(),
            **EdgeCalls(store).calls(),
            **ReadCalls(store, max_bytes).calls(),
            **LineageCalls(store).calls(),
            **DeletionCalls(store).calls(),
        }

    @property
    def methods(self) -> frozenset[str]:
        """The names of the calls that are answered."""
        return frozenset(self._calls)

    def call(self, method: str, request: Message) -> Message:
        """Answer one call.

        Args:
            method: Its name, such as `PutArtifacts`.
            request: A message of this package's class for it.

        Raises:
            StatusError: with MLMD's status code for what went wrong.
        """
        handler = self._calls.get(method)
        if handler is None:
            raise UnimplementedError(f"there is no call {method!r}")
        try:
            return handler(request)
        except HeadwaterError as error:
            raise status_of(error) from error


def _never(_: Any) -> Any:
    raise UnimplementedError("GetLineageGraph is deprecated and was never answered: use GetLineageSubgraph")
