"""What a store does with runs and their metrics."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from headwater.model.filters import Field, Filter
from headwater.model.graph import Context, Published
from headwater.model.ids import ExecutionId, RunId
from headwater.model.listing import Listing, Page
from headwater.model.runs import FieldValue, NewRun, Run, RunChange, RunField, RunPublication
from headwater.model.series import Bucket, LastPoint, LatestMetric, Points, SeriesBatch
from headwater.model.values import Properties, PropertyValue


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

    def count(self, filter: Filter | None = None, /, *, limit: int) -> int:
        """Count the runs that a list of this filter has, and stop at `limit`."""
        ...

    def fields(self, prefix: str = "", /, *, limit: int = 200) -> list[RunField]:
        """Return the metrics, params and tags that runs have, those that most runs have first.

        Args:
            prefix: Only names that begin like this.
            limit: At most so many of each.
        """
        ...

    def values(self, field: Field, prefix: str = "", /, *, limit: int = 20) -> list[FieldValue]:
        """Return the values of a param, a tag or a text of runs, those that most runs have first.

        Args:
            field: A param, a tag, or one of the attributes `name`, `experiment`, `user` and `host`.
            prefix: Only values whose text begins like this; long texts are left out.
            limit: At most so many.

        Raises:
            InvalidError: the field is none of these.
        """
        ...

    def update(self, change: RunChange, /) -> Run:
        """Change a run and the state of its execution.

        Raises:
            NotFoundError: there is no such run.
            StaleWriteError: the run is not at `expect_revision`.
        """
        ...

    def publish(self, publication: RunPublication, /, *, key: str | None = None) -> Published:
        """Start or change a run together with its artifacts, events and contexts, in one transaction.

        An event that is there already (same execution, type, artifact) stays as it is.

        Raises:
            ConflictError: a new run's id is stored already; or as in `NodeStore.add`.
            NotFoundError, StaleWriteError, InvalidError: as in `start`, `update` and `NodeStore.add`.
        """
        ...

    def publish_all(
        self, publications: Sequence[RunPublication], /, *, key: str | None = None
    ) -> list[Published]:
        """`publish` several, in their order and in one transaction: all or none.

        Raises:
            HeadwaterError: as `publish` of the first that cannot be published.
        """
        ...

    def log_params(self, run: ExecutionId, params: Properties, /) -> None:
        """Set params that are new; an equal value again changes nothing.

        Raises:
            ConflictError: a param has another value already; none is set then.
        """
        ...

    def log(
        self,
        run: ExecutionId,
        /,
        *,
        params: Properties = ...,
        points: Mapping[str, Points] = ...,
        tags: Mapping[str, PropertyValue | None] = ...,
    ) -> None:
        """Set params that are new, add points to series and change tags, in one transaction: all or none.

        For who keeps no journal: points that are sent twice are stored twice, and read once.

        Args:
            run: Which run.
            params: As in `log_params`.
            points: Points by metric.
            tags: Tags to set; None deletes.

        Raises:
            NotFoundError: there is no such run.
            RefusedError: it is deleted.
            ConflictError: a param has another value already.
            InvalidError: a name is too long or malformed.
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
        """Return the newest points and the ranges of series, by execution and key."""
        ...

    def last_points(self, execution_ids: Sequence[ExecutionId], /) -> dict[ExecutionId, list[LastPoint]]:
        """Return the newest points of all series of each execution, by key; cheaper than `latest`."""
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
