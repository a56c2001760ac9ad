"""Lineage, data, decisions and what a search finds as JSON."""

from dataclasses import dataclass
from typing import Any, Literal

from headwater.model.data import DataSet, DataVersion
from headwater.model.ledger import LedgerEntry
from headwater.model.refs import DataRef
from headwater.server.http.resources.wire import Out


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageNodeOut(Out):
    """A node that a walk reached; hops are negative upstream."""

    ref: str
    kind: Literal["artifact", "execution"]
    id: int
    label: str
    type: str
    name: str | None
    state: str | None
    hops: int
    created_ms: int
    is_deleted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageEdgeOut(Out):
    """An edge, along the flow of data."""

    source: str
    target: str
    type: str
    path: list[str | int]
    time_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageOut(Out):
    """A graph around one thing."""

    ref: str
    nodes: list[LineageNodeOut]
    edges: list[LineageEdgeOut]
    is_truncated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedOut(Out):
    """What an event of another system was about, and the versions of data that it settled, as references."""

    about: str
    inputs: list[str]
    outputs: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PathOut(Out):
    """A shortest path, nodes in its order; without one `nodes` is empty.

    `shortest_count` counts the paths that are as short, and `count` all of them; null when nobody counted,
    or there is no end of them.
    """

    nodes: list[LineageNodeOut]
    edges: list[LineageEdgeOut]
    shortest_count: int | None
    count: int | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSetOut(Out):
    """A data set."""

    ref: str
    id: int
    name: str
    description: str | None
    tags: dict[str, Any]
    version_count: int
    created_ms: int
    updated_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DataVersionOut(Out):
    """A version of a data set."""

    ref: str
    id: int
    name: str
    version: int
    digest: str
    uri: str | None
    size_bytes: int | None
    properties: dict[str, Any]
    tags: dict[str, Any]
    created_ms: int
    deleted_ms: int | None
    removed_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryOut(Out):
    """A decision."""

    seq: int
    time_ms: int
    actor: str
    action: str
    subject: str
    reason: str
    details: dict[str, Any]
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadOut(Out):
    """Where the ledger stands."""

    store_id: str
    seq: int
    hash: str
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFaultOut(Out):
    """Something in the ledger that no decision can have written."""

    seq: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationOut(Out):
    """What checking the ledger has found."""

    is_intact: bool
    count: int
    hash: str
    faults: list[LedgerFaultOut]
    fault_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOut(Out):
    """Something that a search found, and by what."""

    ref: str
    kind: Literal["model", "data", "experiment", "run", "artifact", "execution", "context"]
    name: str | None
    type: str | None
    by: Literal["reference", "digest", "id", "name"]


def data_set_out(found: DataSet) -> DataSetOut:
    """Return a data set as it is sent."""
    return DataSetOut.of(found, ref=str(DataRef(found.name)))


def data_version_out(found: DataVersion) -> DataVersionOut:
    """Return a data version as it is sent."""
    return DataVersionOut.of(found, ref=found.ref)


def entry_out(entry: LedgerEntry) -> EntryOut:
    """Return a decision as it is sent."""
    return EntryOut.of(entry)
