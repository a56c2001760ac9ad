"""The metadata store: its parts by entity."""

from types import TracebackType
from typing import Protocol, Self

from headwater.model.protocols.access import AccessStore
from headwater.model.protocols.ledger import LedgerStore
from headwater.model.protocols.links import LineageStore, LinkStore
from headwater.model.protocols.nodes import ArtifactStore, ContextStore, ExecutionStore, TypeStore
from headwater.model.protocols.releases import ApprovalStore, ReleaseStore
from headwater.model.protocols.runs import RunStore, SeriesStore
from headwater.model.protocols.transfer import TransferStore
from headwater.model.protocols.upkeep import UpkeepStore
from headwater.model.protocols.versions import DataStore, ModelStore
from headwater.model.protocols.webhooks import WebhookStore


class Store(Protocol):
    """The metadata store. All methods are safe to call from several threads."""

    url: str

    @property
    def types(self) -> TypeStore:
        """Node types."""
        ...

    @property
    def artifacts(self) -> ArtifactStore:
        """Artifacts."""
        ...

    @property
    def executions(self) -> ExecutionStore:
        """Executions."""
        ...

    @property
    def contexts(self) -> ContextStore:
        """Contexts."""
        ...

    @property
    def links(self) -> LinkStore:
        """Edges between nodes."""
        ...

    @property
    def runs(self) -> RunStore:
        """Runs."""
        ...

    @property
    def series(self) -> SeriesStore:
        """Metric series."""
        ...

    @property
    def models(self) -> ModelStore:
        """Registered models."""
        ...

    @property
    def releases(self) -> ReleaseStore:
        """Release processes, verdicts and deployments."""
        ...

    @property
    def approvals(self) -> ApprovalStore:
        """Approval requests and votes."""
        ...

    @property
    def data(self) -> DataStore:
        """Data sets."""
        ...

    @property
    def lineage(self) -> LineageStore:
        """Walks over events."""
        ...

    @property
    def ledger(self) -> LedgerStore:
        """The record of decisions."""
        ...

    @property
    def upkeep(self) -> UpkeepStore:
        """Deletion, removal for good, and integrity."""
        ...

    @property
    def webhooks(self) -> WebhookStore:
        """Whom to tell of decisions."""
        ...

    @property
    def transfer(self) -> TransferStore:
        """What takes over what another store holds."""
        ...

    @property
    def access(self) -> AccessStore:
        """Accounts, tokens and grants; a view of the past has those of now."""
        ...

    def at(self, time_ms: int, /) -> "Store":
        """Return this store as it was: its reads see what was stored by then, and it never writes.

        Nodes, edges, versions, deletions, stages, aliases, runs and points of metrics are those of
        then. What was overwritten since without a decision (a property, a tag, a state) has its
        present value: a node whose `updated_ms` lies after the moment was changed since. Filters
        and orders compare the present values of metrics.

        The view shares this store's connections: close this one, not the view.
        """
        ...

    def close(self) -> None:
        """Give back connections; a closed store is not used again."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
