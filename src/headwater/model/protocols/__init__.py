"""What a store and a blob store can do, by entity: the seams that all else is written against."""

from headwater.model.protocols.access import AccessStore
from headwater.model.protocols.blobs import BlobStore
from headwater.model.protocols.ledger import LedgerStore
from headwater.model.protocols.links import LineageStore, LinkStore
from headwater.model.protocols.nodes import ArtifactStore, ContextStore, ExecutionStore, NodeStore, TypeStore
from headwater.model.protocols.releases import ApprovalStore, ReleaseStore
from headwater.model.protocols.runs import RunStore, SeriesStore
from headwater.model.protocols.store import Store
from headwater.model.protocols.transfer import ForeignTables, TransferStore
from headwater.model.protocols.upkeep import UpkeepStore
from headwater.model.protocols.versions import DataStore, ModelStore
from headwater.model.protocols.webhooks import WebhookStore

__all__ = [
    "AccessStore",
    "ApprovalStore",
    "ArtifactStore",
    "BlobStore",
    "ContextStore",
    "DataStore",
    "ExecutionStore",
    "ForeignTables",
    "LedgerStore",
    "LineageStore",
    "LinkStore",
    "ModelStore",
    "NodeStore",
    "ReleaseStore",
    "RunStore",
    "SeriesStore",
    "Store",
    "TransferStore",
    "TypeStore",
    "UpkeepStore",
    "WebhookStore",
]
