"""The client: one store with its bytes, its registry and its journal."""

import os
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from headwater.errors import InvalidError, RefusedError
from headwater.model.actor import default_actor
from headwater.model.data import DataVersion
from headwater.model.filters import Entity
from headwater.model.listing import Listing
from headwater.model.refs import DataRef, parse_ref
from headwater.model.runs import Run
from headwater.model.times import milliseconds
from headwater.registry import Registry, load_version, version_of
from headwater.sdk.data_gate import DataGate
from headwater.sdk.lineage import Lineage
from headwater.sdk.project import Places, places
from headwater.sdk.sources import Sources
from headwater.sdk.upkeep import Upkeep
from headwater.store import open_store
from headwater.tracking import ActiveRun, Dataset, Session, find_run, log_dataset, start_run
from headwater.tracking.session import without_password
from headwater.upkeep import delete_data, delete_runs, restore_data, restore_runs

if TYPE_CHECKING:
    from headwater.model.protocols import BlobStore, Store
    from headwater.sdk.pipeline_runs import PipelineRuns
    from headwater.validation.model import Evaluation, Gate, InfraGate, InfraJudged, Judged, Place

PAGE = 1000


class Client:
    """All that belongs to one store. `headwater.connect` makes one and remembers it."""

    def __init__(self, url: str | None = None, *, blobs: str | None = None, actor: str | None = None) -> None:
        """Open a store.

        Args:
            url: `memory://`, `sqlite:///PATH`, `postgresql://…`, `mysql://…`; else
                `$HEADWATER_STORE`, else `.headwater/headwater.db` in the project.
            blobs: Folder or URL for bytes; else `$HEADWATER_BLOBS`, else beside
                a SQLite file (`.blobs`), else `.headwater/blobs` in the project.
            actor: Who decides, for the ledger; by default user@host.

        Raises:
            InvalidError, SchemaError, UnavailableError: as in `headwater.store.open_store`.
        """
        self._places = places_of(url, blobs)
        self.store: Store = open_store(self._places.store)
        self.actor = actor or default_actor()
        self.is_closed = False
        self.moment_ms: int | None = None

    @property
    def url(self) -> str:
        """The store's URL, without its password."""
        return without_password(self._places.store)

    @cached_property
    def blobs(self) -> "BlobStore":
        """The blob store."""
        from headwater.blobs import open_blobs

        return open_blobs(self._places.blobs)

    @cached_property
    def session(self) -> Session:
        """What runs are logged through.

        Raises:
            RefusedError: this is a view of the past.
        """
        if self.moment_ms is not None:
            raise RefusedError("this is the store as it was: nothing is logged into the past")
        is_memory = self._places.journals is None
        return Session(
            self.store,
            self.blobs,
            journals=self._places.journals,
            project_root=self._places.root,
            # A forked child has none of its parent's memory, but opens its own connections to a database.
            reopen=None if is_memory else lambda: self.store,
            actor=self.actor,
        )

    @cached_property
    def upkeep(self) -> Upkeep:
        """What looks after the store: garbage collection and examination."""
        return Upkeep(self.store, self.blobs, self.session)

    @property
    def data_gate(self) -> DataGate:
        """What judges data versions: `client.data_gate.validate("data/flights", "flights.yaml")`."""
        return DataGate(self.store, self.blobs, self.actor)

    @cached_property
    def pipelines(self) -> "PipelineRuns":
        """The pipelines of the store, and their runs."""
        # Most programs that log run no pipeline.
        from headwater.sdk.pipeline_runs import PipelineRuns

        return PipelineRuns(self)

    @cached_property
    def models(self) -> Registry:
        """All registered models: `client.models["late-flights"]`."""
        return Registry(self.store, self.blobs, self.actor)

    def run(
        self,
        experiment: str,
        *,
        name: str | None = None,
        params: Mapping[str, object] | None = None,
        tags: Mapping[str, object] | None = None,
        run_id: str | None = None,
        parent: ActiveRun | Run | str | None = None,
        capture: bool = True,
    ) -> ActiveRun:
        """Start a run, or go on with the one of `run_id`; see `headwater.run`."""
        self._places.make_home()
        return start_run(
            self.session,
            experiment,
            name=name,
            params=params,
            tags=tags,
            run_id=run_id,
            parent=parent,
            capture=capture,
        )

    def dataset(self, name: str, data: object, **options: Any) -> Dataset:
        """Record a data version, or find the one with this content; see `headwater.dataset`."""
        self._places.make_home()
        return log_dataset(self.session, name, data, **options)

    def get_run(self, run_id: str) -> Run:
        """Return a stored run by its id, its reference, or the beginning of its id.

        Raises:
            NotFoundError: there is none.
            InvalidError: several begin like this.
        """
        return find_run(self.store, run_id)

    def search_runs(self, filter: str = "", *, order_by: str = "", limit: int = 100) -> list[Run]:
        """Return the runs that a filter selects; by default the newest first.

        Raises:
            FilterError: the filter or order does not parse.
            InvalidError: the limit is negative.
        """
        if limit < 0:
            raise InvalidError(f"limit must be 0 or more, not {limit}")
        # The parser takes a while to load, and most programs only log.
        from headwater.query.parse import parse_filter, parse_order

        tree, order = parse_filter(filter, Entity.RUN), parse_order(order_by, Entity.RUN)
        found, token = list[Run](), None
        while len(found) < limit:
            size = min(PAGE, limit - len(found))
            page = self.store.runs.page(Listing(filter=tree, order_by=order, limit=size, page_token=token))
            found += page.items
            if (token := page.next_token) is None:
                break
        return found

    def delete_runs(self, run_ids: Sequence[str], *, reason: str, force: bool = False) -> None:
        """Delete runs; see `headwater.delete_runs`."""
        runs = [self.get_run(i) for i in run_ids]
        delete_runs(self.store, runs, actor=self.actor, reason=reason, force=force)

    def restore_runs(self, run_ids: Sequence[str], *, reason: str) -> None:
        """Restore deleted runs; see `headwater.restore_runs`."""
        restore_runs(self.store, [self.get_run(i) for i in run_ids], actor=self.actor, reason=reason)

    def delete_data(self, refs: Sequence[str], *, reason: str) -> None:
        """Delete data versions such as `data/flights/2`; recording the same content again restores one.

        Raises:
            NotFoundError: there is no such version.
            RefusedError: the reason is empty.
        """
        delete_data(self.store, self._data_versions(refs), actor=self.actor, reason=reason)

    def restore_data(self, refs: Sequence[str], *, reason: str) -> None:
        """Restore deleted data versions.

        Raises:
            NotFoundError: there is no such version, or it was removed for good.
            RefusedError: the reason is empty.
        """
        restore_data(self.store, self._data_versions(refs), actor=self.actor, reason=reason)

    def _data_versions(self, refs: Sequence[str]) -> list[DataVersion]:
        parsed = [parse_ref(ref) for ref in refs]
        for ref in parsed:
            if not isinstance(ref, DataRef) or ref.version is None:
                raise InvalidError(f"{ref} is not a data version: name its number, such as data/flights/2")
        return [self.store.data.version(r.name, r.version) for r in parsed if isinstance(r, DataRef)]

    def load_model(self, ref: str) -> object:
        """Load a model by reference; see `headwater.load_model`."""
        return load_version(self.blobs, version_of(self.store, ref))

    def judge(self, ref: str, *, gate: "Gate", on: Dataset | str, frame: Any = None) -> "Judged":
        """Judge a version of a model and store the verdict; see `headwater.judge`."""
        from headwater.validation.model import judge

        return judge(self._place(), ref, gate=gate, on=self._dataset(on), frame=frame)

    def evaluate(self, ref: str, *, gate: "Gate", on: Dataset | str, frame: Any = None) -> "Evaluation":
        """Measure a version as a gate would, and store nothing; see `headwater.validation.model`."""
        from headwater.validation.model import evaluate_version

        return evaluate_version(self._place(), ref, gate=gate, on=self._dataset(on), frame=frame)

    def judge_infra(self, ref: str, *, gate: "InfraGate | None" = None) -> "InfraJudged":
        """Try a version in a fresh process and store the verdict; see `headwater.judge_infra`."""
        from headwater.validation.model import judge_infra

        return judge_infra(self._place(), ref, gate=gate)

    def _dataset(self, on: Dataset | str) -> Dataset:
        if isinstance(on, Dataset):
            return on
        return Dataset(data_version=self._data_versions([on])[0], blobs=self.blobs)

    def _place(self) -> "Place":
        from headwater.validation.model import Place

        return Place(store=self.store, blobs=self.blobs, actor=self.actor)

    def lineage(self, ref: str) -> Lineage:
        """Return the lineage of what a reference names; see `headwater.lineage`."""
        return Lineage.of(Sources(self.store, lambda: self.blobs, self._places.root), ref)

    def at(self, moment: str | datetime | int) -> Self:
        """Return a view of everything as it was at a moment; it reads, and never writes.

        Args:
            moment: Such as `2013-08-14T09:00` (UTC), a datetime, or milliseconds since the epoch.

        Raises:
            InvalidError: the text is no moment.
        """
        then = copy(self)
        # Made when first used, and then for the present.
        for part in ("session", "models", "pipelines"):
            then.__dict__.pop(part, None)
        then.moment_ms = milliseconds(moment)
        then.store = self.store.at(then.moment_ms)
        return then

    @property
    def address(self) -> tuple[str, str, str]:
        """What another process opens the same store with: URL with password, blobs, and who acts."""
        return self._places.store, self._places.blobs, self.actor

    def close(self) -> None:
        """Flush what was logged and give back connections; a closed client is not used again."""
        self.is_closed = True
        if "session" in self.__dict__:
            self.session.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Current:
    """The client that the functions of `headwater` use: the last one connected, else the project's own."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self._lock = threading.Lock()
        self._here: ContextVar[Client | None] = ContextVar("headwater_client", default=None)

    @contextmanager
    def using(self, client: Client) -> Generator[Client]:
        """Use a client in this thread or task, whatever the others use: inside of a pipeline's step."""
        token = self._here.set(client)
        try:
            yield client
        finally:
            self._here.reset(token)

    def connect(self, client: Client) -> Client:
        """Use this client from now on; the one before is closed."""
        with self._lock:
            before, self._client = self._client, client
        if before is not None:
            before.close()
        return client

    def get(self) -> Client:
        """Return the client, opened now if there is none.

        Raises:
            RefusedError: the client was closed; another store in its place would be a surprise.
        """
        if (here := self._here.get()) is not None:
            return here
        with self._lock:
            if self._client is None:
                self._client = Client()
            if self._client.is_closed:
                raise RefusedError(f"{self._client.url} was closed: connect again with hw.connect()")
            return self._client


def places_of(url: str | None, blobs: str | None = None) -> Places:
    """Return where the store at `url` (None: the project's own) and its parts are kept."""
    return places(url, blobs, environment=os.environ, start=Path.cwd())
