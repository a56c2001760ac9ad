"""Runs: an execution with a row of its own, and an experiment that is a context."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from headwater.errors import ConflictError, InvalidError, NotFoundError, StaleWriteError
from headwater.model import builtin
from headwater.model.filters import Entity, Field, Filter
from headwater.model.graph import (
    KEEP,
    Association,
    Context,
    ExecutionChange,
    NewContext,
    NewExecution,
    Published,
)
from headwater.model.ids import ContextId, ExecutionId, RunId
from headwater.model.listing import Listing, Page
from headwater.model.runs import (
    EXECUTION_STATES,
    FieldValue,
    NewRun,
    Run,
    RunChange,
    RunField,
    RunPublication,
    RunStatus,
)
from headwater.model.series import LatestMetric, Points
from headwater.model.values import Properties, PropertyValue
from headwater.store.sql import search
from headwater.store.sql.database import Database
from headwater.store.sql.entities import run_of
from headwater.store.sql.fields import field_values, run_fields
from headwater.store.sql.idempotency import write_once
from headwater.store.sql.links import Links
from headwater.store.sql.node_fields import spaces_of, storable
from headwater.store.sql.nodes import LOOKUP_BATCH, Contexts, Executions
from headwater.store.sql.prepared import Prepared, Rows
from headwater.store.sql.properties import Spaces, as_stored
from headwater.store.sql.run_logs import RunLogs
from headwater.store.sql.schema import context, run
from headwater.store.sql.search.places import place_of
from headwater.store.sql.series import SeriesTable
from headwater.store.sql.text import check_length, decode_optional, encode_optional
from headwater.store.sql.types import Types
from headwater.store.sql.values import Space

RUN_ID_DIGITS: Final = 32
_HEXADECIMAL: Final = re.compile("[0-9a-f]*")
_FIELDS: Final = ("name", "status", "end_ms", "error")
_COLUMNS: Final = (
    *("execution_id", "run_id", "experiment_id", "name", "status", "start_ms", "end_ms"),
    *("user", "host", "parent_id", "heartbeat_ms", "error"),
)
_STORED: Final = (*_COLUMNS, "experiment", "deleted_ms", "revision")
"""What `run_of` takes, by the names that a search has for it."""
_INSERTED: Final = tuple(name for name in _COLUMNS if name not in {"end_ms", "error"})


class Runs:
    """`RunStore` in SQL."""

    def __init__(
        self,
        db: Database,
        types: Types,
        executions: Executions,
        contexts: Contexts,
        links: Links,
        series: SeriesTable,
    ) -> None:
        self._db = db
        self._types = types
        self._executions = executions
        self._contexts = contexts
        self._links = links
        self._series = series
        self._logs = RunLogs(db, executions, series)
        place = place_of(Entity.RUN)
        self._given = Prepared(
            db,
            lambda: (
                sa.select(*(place.column(name) for name in _STORED))
                .select_from(place.source)
                .where(db.dialect.among(place.id))
            ),
        )
        own = [run.c[name] for name in _FIELDS]
        self._of_id = Prepared(db, lambda: sa.select(*own).where(run.c.execution_id == sa.bindparam("id")))
        self._id = Prepared(
            db, lambda: sa.select(run.c.execution_id).where(run.c.run_id == sa.bindparam("run_id"))
        )
        self._updates: dict[tuple[str, ...], Prepared] = {}
        self._insert_row = Prepared(
            db, lambda: sa.insert(run).values({name: sa.bindparam(name) for name in _INSERTED})
        )

    def start(self, new: NewRun, /) -> Run:
        _check_run(new)
        run_type = self._types.ensure(builtin.RUN)
        experiment_type = self._types.ensure(builtin.EXPERIMENT)

        def job(conn: sa.Connection) -> Run:
            experiment = self._contexts.ensure(conn, NewContext(type_id=experiment_type, name=new.experiment))
            return self._insert(conn, new, run_type, experiment)

        try:
            return self._db.write(job)
        except ConflictError:
            # The run was sent before, which is rare enough not to look first: the stored one decides.
            stored = self.get([new.run_id])
            if not stored:
                raise
            return stored[0]

    def get(self, run_ids: Sequence[RunId], /) -> list[Run]:
        with self._db.read() as conn:
            ids = self._ids(conn, run_ids)
            found = self._load(conn, ids.values())
        return [found[ids[i]] for i in run_ids if i in ids]

    def by_execution_ids(self, ids: Sequence[ExecutionId], /) -> list[Run]:
        with self._db.read() as conn:
            found = self._load(conn, ids)
        return [found[i] for i in ids if i in found]

    def with_prefix(self, prefix: str, /, *, limit: int = 10) -> list[RunId]:
        if not _HEXADECIMAL.fullmatch(prefix):
            return []
        statement = (
            sa.select(run.c.run_id)
            .where(run.c.run_id >= prefix, run.c.run_id < prefix + "g")
            .order_by(run.c.run_id)
            .limit(limit)
        )
        with self._db.read() as conn:
            return [RunId(i) for i in conn.execute(statement).scalars()]

    def page(self, listing: Listing = Listing(), /, *, with_metrics: bool = True) -> Page[Run]:
        with self._db.read() as conn:
            rows, token = search.nodes(conn, self._db, Entity.RUN, listing, _STORED[1:])
            found = self._of_rows(conn, rows, with_metrics=with_metrics)
        return Page(tuple(found.values()), token)

    def count(self, filter: Filter | None = None, /, *, limit: int) -> int:
        with self._db.read() as conn:
            return search.count(conn, self._db, Entity.RUN, filter, limit)

    def fields(self, prefix: str = "", /, *, limit: int = 200) -> list[RunField]:
        with self._db.read() as conn:
            return run_fields(conn, prefix, limit)

    def values(self, field: Field, prefix: str = "", /, *, limit: int = 20) -> list[FieldValue]:
        with self._db.read() as conn:
            return field_values(conn, field, prefix, limit)

    def update(self, change: RunChange, /) -> Run:
        if change.name is not KEEP:
            check_length("run name", change.name, least=1)
        self._db.write(lambda conn: self._change(conn, change))
        return self.by_execution_ids([change.id])[0]

    def publish(self, publication: RunPublication, /, *, key: str | None = None) -> Published:
        job = self._publishing(publication)
        return write_once(self._db, job, key=key, request=publication, result=Published)

    def publish_all(
        self, publications: Sequence[RunPublication], /, *, key: str | None = None
    ) -> list[Published]:
        jobs = [self._publishing(each) for each in publications]

        def job(conn: sa.Connection) -> list[Published]:
            return [each(conn) for each in jobs]

        return write_once(self._db, job, key=key, request=publications, result=list[Published])

    def _publishing(self, publication: RunPublication) -> Callable[[sa.Connection], Published]:
        """Return what publishes a run inside of a transaction."""
        new = publication.run
        if isinstance(new, NewRun):
            _check_run(new)
        run_type = self._types.ensure(builtin.RUN)
        experiment_type = self._types.ensure(builtin.EXPERIMENT)

        def put_run(conn: sa.Connection) -> ExecutionId:
            if isinstance(new, RunChange):
                self._change(conn, new)
                return new.id
            if self._ids(conn, [new.run_id]):
                raise ConflictError(f"run {new.run_id} is stored already")
            wanted = NewContext(type_id=experiment_type, name=new.experiment)
            return self._insert(conn, new, run_type, self._contexts.ensure(conn, wanted)).id

        return lambda conn: self._links.tie(
            conn,
            lambda: put_run(conn),
            publication.artifacts,
            publication.contexts,
            with_inputs=False,
        )

    def log_params(self, run_: ExecutionId, params: Properties, /) -> None:
        self._logs.log_params(run_, params)

    def log(
        self,
        run_: ExecutionId,
        /,
        *,
        params: Properties = MappingProxyType({}),
        points: Mapping[str, Points] = MappingProxyType({}),
        tags: Mapping[str, PropertyValue | None] = MappingProxyType({}),
    ) -> None:
        self._logs.log(run_, params, points, tags)

    def heartbeat(self, runs: Sequence[ExecutionId], /) -> None:
        def job(conn: sa.Connection) -> None:
            mine = self._db.dialect.ids_in(run.c.execution_id, runs)
            conn.execute(sa.update(run).where(mine).values(heartbeat_ms=self._db.clock_ms()))
            lost = sa.select(run.c.execution_id).where(mine, run.c.status == RunStatus.LOST)
            for found in conn.execute(lost).scalars().all():
                self._change(
                    conn, RunChange(id=ExecutionId(found), status=RunStatus.RUNNING, end_ms=None, error=None)
                )

        self._db.write(job)

    def mark_lost(self, *, silent_since_ms: int) -> list[RunId]:
        silent = (
            run.c.status == RunStatus.RUNNING,
            run.c.heartbeat_ms < silent_since_ms,
        )
        statement = sa.select(run.c.execution_id, run.c.run_id, run.c.heartbeat_ms).where(*silent)

        def job(conn: sa.Connection) -> list[RunId]:
            found = conn.execute(statement.with_for_update()).all()
            for row in found:
                change = RunChange(
                    id=ExecutionId(row.execution_id),
                    status=RunStatus.LOST,
                    end_ms=row.heartbeat_ms,
                    error="no heartbeat: the process stopped without ending the run",
                )
                self._change(conn, change)
            return [RunId(row.run_id) for row in found]

        # Most of the time nothing is silent, and then nobody need wait for a writer.
        with self._db.read() as conn:
            if conn.execute(statement.limit(1)).first() is None:
                return []
        return self._db.write(job)

    def experiments(self, *, with_deleted: bool = False) -> list[Context]:
        kind = self._types.ensure(builtin.EXPERIMENT)
        statement = sa.select(context.c.id).where(context.c.type_id == kind)
        if not with_deleted:
            statement = statement.where(context.c.deleted_ms.is_(None))
        with self._db.read() as conn:
            found = self._contexts.by_ids(conn, conn.execute(statement).scalars().all())
        return sorted(found.values(), key=lambda c: c.name or "")

    def _insert(self, conn: sa.Connection, new: NewRun, type_id: Any, experiment: ContextId) -> Run:
        """Store a run, and return what `get` would."""
        node = NewExecution(
            type_id=type_id,
            state=EXECUTION_STATES[new.status],
            properties=new.properties,
            params=new.params,
            custom_properties=new.tags,
        )
        (execution_id,) = self._executions.insert(conn, [node])
        now = self._db.clock_ms()
        made = _as_stored(new, execution_id, experiment, as_stored(spaces_of(node)), now)
        self._insert_row.run(
            conn,
            execution_id=execution_id,
            run_id=made.run_id,
            experiment_id=experiment,
            name=encode_optional(made.name),
            status=int(made.status),
            start_ms=made.start_ms,
            user=encode_optional(made.user),
            host=encode_optional(made.host),
            parent_id=made.parent_id,
            heartbeat_ms=made.heartbeat_ms,
        )
        self._links.associate(conn, [Association(experiment, execution_id)])
        return made

    def _ids(self, conn: sa.Connection, run_ids: Sequence[RunId]) -> dict[RunId, ExecutionId]:
        if len(run_ids) == 1 and _HEXADECIMAL.fullmatch(run_ids[0]):
            rows = self._id.rows(conn, run_id=run_ids[0])
            return {run_ids[0]: ExecutionId(rows[0][0])} if rows else {}
        found: dict[RunId, ExecutionId] = {}
        for start in range(0, len(run_ids), LOOKUP_BATCH):
            # Others are nowhere, and not all of them can be handed to every driver.
            part = [i for i in run_ids[start : start + LOOKUP_BATCH] if _HEXADECIMAL.fullmatch(i)]
            statement = sa.select(run.c.run_id, run.c.execution_id).where(run.c.run_id.in_(part))
            found |= {RunId(r): ExecutionId(e) for r, e in conn.execute(statement)}
        return found

    def _load(self, conn: sa.Connection, ids: Iterable[int]) -> dict[ExecutionId, Run]:
        wanted = sorted(set(ids))
        return self._of_rows(conn, self._given.among(conn, wanted)) if wanted else {}

    def _of_rows(
        self, conn: sa.Connection, rows: Rows, *, with_metrics: bool = True
    ) -> dict[ExecutionId, Run]:
        """Return runs by execution, in the order of the rows of their tables."""
        if not rows:
            return {}
        wanted = sorted(row[0] for row in rows)
        spaces, none = self._executions.properties_of(conn, wanted), dict[Space, Properties]()
        metrics: dict[int, dict[str, LatestMetric]] = {i: {} for i in wanted}
        for metric in self._series.latest_in(conn, wanted) if with_metrics else ():
            metrics[metric.execution_id][metric.key] = metric
        return {row[0]: run_of(row, spaces.get(row[0], none), metrics[row[0]]) for row in rows}

    def _change(self, conn: sa.Connection, change: RunChange) -> None:
        found = self._executions.by_ids(conn, [change.id], locks=True).get(change.id)
        rows = self._of_id.rows(conn, id=change.id)
        if found is None or not rows:
            raise NotFoundError("run", change.id)
        name, status, end_ms, error = rows[0]
        row = {
            "name": decode_optional(name),
            "status": status,
            "end_ms": end_ms,
            "error": decode_optional(error),
        }
        if change.expect_revision not in {None, found.revision}:
            raise StaleWriteError(
                "run", change.id, expected=change.expect_revision or 0, found=found.revision
            )
        wanted = {name: getattr(change, name) for name in _FIELDS}
        fields = {name: v for name, v in wanted.items() if v is not KEEP and v != row[name]}
        if fields:
            given = {f"new_{name}": storable(value) for name, value in fields.items()}
            self._update(tuple(fields)).run(conn, of_run=change.id, **given)
        state = KEEP if change.status is KEEP else EXECUTION_STATES[change.status]
        self._executions.change(
            conn,
            [
                ExecutionChange(
                    id=change.id,
                    state=state,
                    properties=change.properties,
                    custom_properties=change.tags,
                    touch=bool(fields),
                )
            ],
            locked={found.id: found},
        )

    def _update(self, names: tuple[str, ...]) -> Prepared:
        """Return the statement that sets some columns of a run."""
        if names not in self._updates:
            values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in names}
            update = sa.update(run).where(run.c.execution_id == sa.bindparam("of_run"))
            self._updates[names] = Prepared(self._db, lambda: update.values(values))
        return self._updates[names]


def _as_stored(
    new: NewRun, execution_id: ExecutionId, experiment: ContextId, spaces: Spaces, now: int
) -> Run:
    return Run(
        id=execution_id,
        run_id=new.run_id,
        experiment_id=experiment,
        experiment=new.experiment,
        name=new.name,
        status=RunStatus(new.status),
        start_ms=now if new.start_ms is None else new.start_ms,
        user=new.user,
        host=new.host,
        parent_id=new.parent_id,
        heartbeat_ms=now if new.has_heartbeat else None,
        properties=spaces.get(Space.PROPERTY, {}),
        params=spaces.get(Space.PARAM, {}),
        tags=spaces.get(Space.CUSTOM, {}),
    )


def _check_run(new: NewRun) -> None:
    for what, text in (("experiment", new.experiment), ("run name", new.name)):
        check_length(what, text, least=1)
    check_length("user", new.user)
    check_length("host", new.host)
    if len(new.run_id) != RUN_ID_DIGITS or not _HEXADECIMAL.fullmatch(new.run_id):
        raise InvalidError(f"{new.run_id!r} is not a run id: it has 32 lower-case hexadecimal digits")
