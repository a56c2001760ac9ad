"""What a store and a blob store can do, by entity: the seams that all else is written against."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self, TypeVar

from headwater.model.blobs import Blob, ManifestEntry
from headwater.model.data import DataSet, DataVersion, NewDataVersion
from headwater.model.graph import (
    Artifact,
    ArtifactChange,
    Association,
    Attribution,
    Context,
    ContextChange,
    Event,
    Execution,
    ExecutionChange,
    NewArtifact,
    NewContext,
    NewExecution,
    NewType,
    NodeKind,
    NodeRef,
    NodeType,
    ParentContext,
    Publication,
    Published,
)
from headwater.model.ids import ArtifactId, ContextId, ExecutionId, RunId, TypeId
from headwater.model.lineage import LineageGraph, Reached, Walk
from headwater.model.listing import Listing, Page
from headwater.model.models import LedgerEntry, ModelVersion, NewVersion, RegisteredModel, Transition
from headwater.model.runs import NewRun, Run, RunChange
from headwater.model.series import Bucket, LatestMetric, Points, SeriesBatch
from headwater.model.values import Properties

Id = TypeVar("Id", ArtifactId, ExecutionId, ContextId)
N = TypeVar("N", Artifact, Execution, Context)
NewN = TypeVar("NewN", NewArtifact, NewExecution, NewContext, contravariant=True)
ChangeN = TypeVar("ChangeN", ArtifactChange, ExecutionChange, ContextChange, contravariant=True)


class TypeStore(Protocol):
    """Node types."""

    def put(
        self, types: Sequence[NewType], /, *, can_add: bool = False, can_omit: bool = False
    ) -> list[TypeId]:
        """Store types, or find the equal ones that are there; all or none.

        Args:
            types: A type is known by (kind, name, version).
            can_add: A stored type may gain the properties that only the new one has.
            can_omit: The new one may leave out stored properties; they stay.

        Returns:
            Ids, index-aligned with `types`.

        Raises:
            ConflictError: the stored type differs in a way the flags do not allow;
                the kind of a property never changes.
            NotFoundError: a base type is not stored.
        """
        ...

    def get(self, ids: Sequence[TypeId], /) -> list[NodeType]:
        """Return the types with these ids, in that order; unknown ones are left out."""
        ...

    def find(self, kind: NodeKind, name: str, version: str | None = None) -> NodeType | None:
        """Return the type of this kind, name and version, if there is one."""
        ...

    def all(self, kind: NodeKind) -> list[NodeType]:
        """Return all types of a kind, by id."""
        ...


class NodeStore(Protocol[Id, N, NewN, ChangeN]):
    """What the stores of artifacts, executions and contexts have in common."""

    def add(self, new: Sequence[NewN], /, *, key: str | None = None) -> list[Id]:
        """Store nodes, all or none.

        Args:
            new: Nodes to store.
            key: Idempotency key: the same call again returns the same ids and writes nothing.

        Returns:
            Ids, index-aligned with `new`.

        Raises:
            ConflictError: a (type, name) or an external id is taken, or `key` was used for another request.
            NotFoundError: a type id is not stored, or is of another kind.
            InvalidError: a property is not of its type, or a name is too long.
        """
        ...

    def update(self, changes: Sequence[ChangeN], /, *, key: str | None = None) -> None:
        """Change nodes, all or none; a node that does not differ keeps its `updated_ms` and revision.

        Raises:
            NotFoundError: an id is not stored.
            StaleWriteError: a node is not at its `expect_revision`.
            ConflictError, InvalidError: as in `add`.
        """
        ...

    def get(self, ids: Sequence[Id], /) -> list[N]:
        """Return the nodes with these ids, in that order, deleted ones too; unknown ones are left out."""
        ...

    def page(self, listing: Listing = ..., /) -> Page[N]:
        """Return a page of nodes; without order, by id."""
        ...

    def find(self, type_id: TypeId, name: str) -> N | None:
        """Return the node of this type and name, if there is one."""
        ...

    def by_external_ids(self, external_ids: Sequence[str], /) -> list[N]:
        """Return the nodes with these external ids, by id; unknown ones are left out."""
        ...

    def delete(self, ids: Sequence[Id], /) -> None:
        """Mark nodes as deleted: lists leave them out, lineage and `get` still show them."""
        ...

    def restore(self, ids: Sequence[Id], /) -> None:
        """Take the mark of deletion away."""
        ...


class ArtifactStore(NodeStore[ArtifactId, Artifact, NewArtifact, ArtifactChange], Protocol):
    """Artifacts."""

    def by_uris(self, uris: Sequence[str], /) -> list[Artifact]:
        """Return the artifacts at these URIs, by id."""
        ...

    def by_digests(self, digests: Sequence[str], /) -> list[Artifact]:
        """Return the artifacts with these digests, by id."""
        ...


class ExecutionStore(NodeStore[ExecutionId, Execution, NewExecution, ExecutionChange], Protocol):
    """Executions."""


class ContextStore(NodeStore[ContextId, Context, NewContext, ContextChange], Protocol):
    """Contexts."""


class LinkStore(Protocol):
    """Edges between nodes."""

    def add_events(self, events: Sequence[Event], /) -> None:
        """Store events, all or none.

        Raises:
            NotFoundError: an artifact or execution is not stored.
            ConflictError: an (execution, type, artifact) is stored already.
        """
        ...

    def add_memberships(
        self, attributions: Sequence[Attribution] = (), associations: Sequence[Association] = ()
    ) -> None:
        """Store attributions and associations, all or none; those that are there already stay.

        Raises:
            NotFoundError: a node is not stored.
        """
        ...

    def add_parents(self, links: Sequence[ParentContext], /) -> None:
        """Make contexts part of others, all or none.

        Raises:
            NotFoundError: a context is not stored.
            ConflictError: a link is stored already.
            InvalidError: a link would close a cycle.
        """
        ...

    def events_of_artifacts(self, ids: Sequence[ArtifactId], /) -> list[Event]:
        """Return the events of these artifacts, by artifact, type and execution."""
        ...

    def events_of_executions(self, ids: Sequence[ExecutionId], /) -> list[Event]:
        """Return the events of these executions, by execution, type and artifact."""
        ...

    def contexts_of_artifacts(self, ids: Sequence[ArtifactId], /) -> list[Attribution]:
        """Return the attributions of these artifacts, by artifact and context."""
        ...

    def contexts_of_executions(self, ids: Sequence[ExecutionId], /) -> list[Association]:
        """Return the associations of these executions, by execution and context."""
        ...

    def artifacts_of_contexts(self, ids: Sequence[ContextId], /) -> list[Attribution]:
        """Return the attributions of these contexts, by context and artifact."""
        ...

    def executions_of_contexts(self, ids: Sequence[ContextId], /) -> list[Association]:
        """Return the associations of these contexts, by context and execution."""
        ...

    def parents(self, ids: Sequence[ContextId], /) -> list[ParentContext]:
        """Return the links from these contexts to their parents, by child and parent."""
        ...

    def children(self, ids: Sequence[ContextId], /) -> list[ParentContext]:
        """Return the links from these contexts to their children, by parent and child."""
        ...

    def publish(self, publication: Publication, /, *, key: str | None = None) -> Published:
        """Store an execution with its artifacts, events and contexts in one transaction.

        An event that is there already (same execution, type, artifact) stays as it is.

        Raises:
            NotFoundError, ConflictError, StaleWriteError, InvalidError: as in `NodeStore.add` and `update`.
        """
        ...


class RunStore(Protocol):
    """Runs: executions with a status, params, tags and metrics."""

    def start(self, new: NewRun, /) -> Run:
        """Store a run, and its experiment if that is new; the same run id again returns the stored run.

        Raises:
            InvalidError: the experiment, a param or a tag has an unusable name.
        """
        ...

    def get(self, run_ids: Sequence[RunId], /) -> list[Run]:
        """Return the runs with these run ids, in that order, with params, tags and latest metrics."""
        ...

    def by_execution_ids(self, ids: Sequence[ExecutionId], /) -> list[Run]:
        """Return the runs that these executions are, in that order; other executions are left out."""
        ...

    def with_prefix(self, prefix: str, /, *, limit: int = 10) -> list[RunId]:
        """Return run ids that begin with `prefix`, in order."""
        ...

    def page(self, listing: Listing = ..., /, *, with_metrics: bool = True) -> Page[Run]:
        """Return a page of runs; without order, newest start first."""
        ...

    def update(self, change: RunChange, /) -> Run:
        """Change a run and the state of its execution.

        Raises:
            NotFoundError: there is no such run.
            StaleWriteError: the run is not at `expect_revision`.
        """
        ...

    def log_params(self, run: ExecutionId, params: Properties, /) -> None:
        """Set params that are new; an equal value again changes nothing.

        Raises:
            ConflictError: a param has another value already; none is set then.
        """
        ...

    def heartbeat(self, runs: Sequence[ExecutionId], /) -> None:
        """Note that these runs are alive; a `LOST` one is `RUNNING` again."""
        ...

    def mark_lost(self, *, silent_since_ms: int) -> list[RunId]:
        """Turn RUNNING runs whose last heartbeat is older into LOST ones and return them."""
        ...

    def experiments(self, *, with_deleted: bool = False) -> list[Context]:
        """Return all experiments, by name."""
        ...


class SeriesStore(Protocol):
    """Metric series, kept as columnar chunks."""

    def append(self, batches: Sequence[SeriesBatch], /) -> None:
        """Store batches, all or none, in one transaction; a batch that is there already changes nothing.

        Raises:
            NotFoundError: an execution is not stored.
            InvalidError: a key is too long or malformed.
        """
        ...

    def keys(self, execution_id: ExecutionId, /) -> list[str]:
        """Return the names of an execution's series, sorted."""
        ...

    def latest(
        self, execution_ids: Sequence[ExecutionId], /, *, keys: Sequence[str] | None = None
    ) -> list[LatestMetric]:
        """Return the newest points, by execution and key."""
        ...

    def read(
        self,
        execution_id: ExecutionId,
        key: str,
        /,
        *,
        min_step: int | None = None,
        max_step: int | None = None,
    ) -> Points:
        """Return a series, by (step, time), without exact duplicates; empty when there is none.

        Args:
            execution_id: Whose series.
            key: Its name.
            min_step: Smallest step to return.
            max_step: Largest step to return.
        """
        ...

    def sample(self, execution_id: ExecutionId, key: str, /, *, max_points: int) -> Points:
        """Return at most `max_points` real points that keep the shape (LTTB), first and last included."""
        ...

    def buckets(
        self,
        execution_id: ExecutionId,
        key: str,
        /,
        *,
        count: int,
        min_step: int | None = None,
        max_step: int | None = None,
    ) -> list[Bucket]:
        """Return at most `count` buckets of equal step width, empty ones left out; no spike is lost."""
        ...

    def merge(self, execution_id: ExecutionId, /) -> int:
        """Merge small chunks into ones of about 4,096 points; return how many chunks are left."""
        ...


class ModelStore(Protocol):
    """Registered models and their versions."""

    def register(
        self, name: str, /, *, description: str | None = None, tags: Properties | None = None
    ) -> RegisteredModel:
        """Store a registered model, or return the one that is there."""
        ...

    def get(self, name: str, /) -> RegisteredModel:
        """Return a registered model.

        Raises:
            NotFoundError: with near names.
        """
        ...

    def page(self, listing: Listing = ..., /) -> Page[RegisteredModel]:
        """Return a page of registered models; without order, by name."""
        ...

    def add_version(self, new: NewVersion, /, *, actor: str, key: str | None = None) -> ModelVersion:
        """Register a version under the next number, and the model if it is new; noted in the ledger."""
        ...

    def version(self, name: str, version: int, /) -> ModelVersion:
        """Return one version.

        Raises:
            NotFoundError: there is no such model or version.
        """
        ...

    def resolve(self, name: str, label: str, /) -> ModelVersion:
        """Return the version that an alias names, or the newest in a stage (`latest`: the newest of all).

        Raises:
            NotFoundError: no version has this alias or stage.
        """
        ...

    def page_versions(self, listing: Listing = ..., /) -> Page[ModelVersion]:
        """Return a page of model versions; without order, by id."""
        ...

    def by_artifact_ids(self, ids: Sequence[ArtifactId], /) -> list[ModelVersion]:
        """Return the versions that these artifacts are, in that order; other artifacts are left out."""
        ...

    def transition(self, transition: Transition, /) -> ModelVersion:
        """Move a version to a stage; the version that held an exclusive stage goes to `archived`.

        One transaction, with its ledger entry: never two holders, never none in between.

        Raises:
            RefusedError: the stages do not allow the move, or the holder is not the expected one.
        """
        ...

    def set_alias(self, name: str, alias: str, version: int | None, /, *, actor: str, reason: str) -> None:
        """Point an alias at a version; None removes it.

        Raises:
            InvalidError: the alias looks like a version number, or is `latest` or a stage.
        """
        ...

    def previous_holder(self, name: str, stage: str, /) -> ModelVersion | None:
        """Return the version that held an exclusive stage before the present one, by the ledger."""
        ...


class DataStore(Protocol):
    """Data sets and their versions."""

    def add_version(self, new: NewDataVersion, /) -> DataVersion:
        """Record a version under the next number; the same content again returns the stored version."""
        ...

    def version(self, name: str, version: int | None = None, /) -> DataVersion:
        """Return one version, by default the newest.

        Raises:
            NotFoundError: there is no such data set or version.
        """
        ...

    def versions(self, name: str, /) -> list[DataVersion]:
        """Return all versions of a data set, by number; empty when there is none."""
        ...

    def all(self) -> list[DataSet]:
        """Return all data sets, by name."""
        ...

    def by_artifact_ids(self, ids: Sequence[ArtifactId], /) -> list[DataVersion]:
        """Return the data versions that these artifacts are, in that order; other artifacts are left out."""
        ...


class LineageStore(Protocol):
    """Walks over events."""

    def reach(self, walk: Walk, /) -> Reached:
        """Return the ids of all that a walk reaches."""
        ...

    def walk(self, walk: Walk, /) -> LineageGraph:
        """Return the nodes and edges that a walk reaches.

        Raises:
            NotFoundError: a starting node is not stored.
            InvalidError: the walk starts nowhere, or a limit is negative.
        """
        ...

    def path(self, start: NodeRef, end: NodeRef, /) -> LineageGraph | None:
        """Return one shortest path between two nodes, along edges of one direction, or None.

        The nodes' hops count from `start`.
        """
        ...


class LedgerStore(Protocol):
    """The append-only record of decisions. Entries are written by the decisions themselves."""

    def entries(self, *, subject: str | None = None, after: int = 0, limit: int = 1000) -> list[LedgerEntry]:
        """Return entries with a greater number than `after`, oldest first.

        Args:
            subject: Only entries on this reference or below it (`models/late-flights`).
            after: Number of the last entry that is known already.
            limit: At most this many.
        """
        ...


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

    def close(self) -> None:
        """Give back connections; a closed store is not used again."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class BlobStore(Protocol):
    """Content-addressed bytes. What is under a digest never changes."""

    url: str

    def put_bytes(self, data: bytes, /) -> Blob:
        """Store bytes; the same bytes are stored once."""
        ...

    def put_file(self, path: Path, /) -> Blob:
        """Store a file, read in pieces.

        Raises:
            NotFoundError: there is no such file.
        """
        ...

    def put_folder(self, path: Path, /) -> Blob:
        """Store all files below a folder and a manifest of them."""
        ...

    def manifest(self, digest: str, /) -> list[ManifestEntry]:
        """Return the files of a folder, by path; of a file, one entry with an empty path."""
        ...

    def open(self, digest: str, /) -> BinaryIO:
        """Open a file's bytes for reading, without verifying them."""
        ...

    def read(self, digest: str, /) -> bytes:
        """Return a file's bytes, verified.

        Raises:
            NotFoundError: nothing is stored under the digest.
            CorruptError: the bytes do not match it.
        """
        ...

    def fetch(self, digest: str, target: Path, /) -> Path:
        """Write a file or folder to `target`, verified; all of it or nothing.

        Raises:
            NotFoundError, CorruptError: as in `read`.
        """
        ...

    def verify(self, digest: str, /) -> None:
        """Read everything under a digest and compare.

        Raises:
            NotFoundError, CorruptError: as in `read`.
        """
        ...

    def has(self, digest: str, /) -> bool:
        """Tell whether the bytes are there (all files of a folder)."""
        ...

    def digests(self) -> Iterable[str]:
        """Yield every digest that is stored, in no order."""
        ...

    def delete(self, digest: str, /) -> None:
        """Remove what is stored under one digest; nothing happens when it is not there."""
        ...
