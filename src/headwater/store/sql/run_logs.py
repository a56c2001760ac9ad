"""What is logged to runs: points, params and tags."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import sqlalchemy as sa

from headwater.errors import ConflictError, HeadwaterError, NotFoundError, RefusedError, UnavailableError
from headwater.model.graph import ExecutionChange
from headwater.model.ids import ExecutionId
from headwater.model.series import Points
from headwater.model.values import Properties, PropertyValue
from headwater.store.sql import properties
from headwater.store.sql.database import Database
from headwater.store.sql.nodes import Executions
from headwater.store.sql.prepared import Prepared
from headwater.store.sql.schema import execution, execution_property, run
from headwater.store.sql.series import SeriesTable, check_key
from headwater.store.sql.together import Asked, Together, finish
from headwater.store.sql.values import Space, same_value

_INTERRUPTED: Final = "interrupted while it was stored: the write may be stored or not"


class _Log(NamedTuple):
    """Points of one run by key, none of them empty."""

    run: ExecutionId
    points: Mapping[str, Points]


class RunLogs:
    """Adds to runs. Points that several threads log at the same moment are stored in one transaction.

    They come in many small calls, whose cost is that of their transactions and statements: those of one
    group need as many as a single call.
    """

    def __init__(self, db: Database, executions: Executions, series: SeriesTable) -> None:
        self._db, self._executions, self._series = db, executions, series
        self._together = Together(self._store_all)
        self._deleted = Prepared(
            db,
            lambda: (
                sa.select(execution.c.id, execution.c.deleted_ms)
                .join(run, run.c.execution_id == execution.c.id)
                .where(db.dialect.among(execution.c.id))
            ),
        )

    def log_params(self, run_: ExecutionId, params: Properties) -> None:
        """Add params; see `RunStore.log_params`."""
        self._db.write(lambda conn: self._add_params(conn, run_, params))

    def log(
        self,
        run_: ExecutionId,
        params: Properties,
        points: Mapping[str, Points],
        tags: Mapping[str, PropertyValue | None],
    ) -> None:
        """Add to a run; see `RunStore.log`."""
        filled = {key: each for key, each in points.items() if len(each)}
        for key in filled:
            check_key(key)
        log = _Log(run_, filled)
        if params or tags or not filled:
            crowded = self._db.write(lambda conn: self._add(conn, log, params, tags))
        else:
            crowded = self._together.run(log)
        self._series.merge_crowded(crowded)

    def _add(
        self,
        conn: sa.Connection,
        log: _Log,
        params: Properties,
        tags: Mapping[str, PropertyValue | None],
    ) -> list[int]:
        for refusal in self._refusals(conn, [log.run]).values():
            raise refusal
        if params:
            self._add_params(conn, log.run, params)
        if tags:
            self._executions.change(conn, [ExecutionChange(id=log.run, custom_properties=tags)])
        return self._series.add(conn, _joined([log]))

    def _store_all(self, group: Sequence[Asked[_Log, list[int]]]) -> None:
        try:
            self._try_all(group)
        except BaseException:
            finish(group, UnavailableError(_INTERRUPTED))
            raise

    def _try_all(self, group: Sequence[Asked[_Log, list[int]]]) -> None:
        try:
            refusals, crowded = self._db.write(lambda conn: self._add_points(conn, [a.job for a in group]))
        except Exception as error:  # noqa: BLE001  # handed to the threads that log
            if len(group) == 1 or isinstance(error, UnavailableError):
                finish(group, error)
                return
            # Something of one of them cannot be stored, and the others have nothing to do with it.
            for asked in group:
                self._try_all([asked])
            return
        for asked in group:
            asked.error = refusals.get(asked.job.run)
            # One of them merges all series that are crowded now.
            asked.result.append(crowded if asked is group[0] else [])
        finish(group)

    def _add_points(
        self, conn: sa.Connection, logs: Sequence[_Log]
    ) -> tuple[Mapping[ExecutionId, HeadwaterError], list[int]]:
        """Store the points of all runs that take any; return why others take none, and crowded series."""
        refusals = self._refusals(conn, {log.run for log in logs})
        return refusals, self._series.add(conn, _joined(log for log in logs if log.run not in refusals))

    def _refusals(
        self, conn: sa.Connection, runs: Iterable[ExecutionId]
    ) -> dict[ExecutionId, HeadwaterError]:
        wanted = sorted(runs)
        found = {row[0]: row[1] for row in self._deleted.among(conn, wanted)}
        missing: dict[ExecutionId, HeadwaterError] = {
            i: NotFoundError("run", i) for i in wanted if i not in found
        }
        return missing | {
            i: RefusedError(f"run {i} is deleted: restore it before anything is added to it")
            for i in wanted
            if found.get(i) is not None
        }

    def _add_params(self, conn: sa.Connection, run_: ExecutionId, params: Properties) -> None:
        stored = self._executions.named_properties(conn, run_, Space.PARAM, params)
        if stored is None:
            raise NotFoundError("run", run_)
        new = _new_params(stored, params)
        properties.insert(conn, self._db.dialect, execution_property, [(run_, {Space.PARAM: new})])


def _joined(logs: Iterable[_Log]) -> dict[tuple[ExecutionId, str], Points]:
    """Gather the points of each series, in the order of the logs."""
    found: dict[tuple[ExecutionId, str], Points] = {}
    for log in logs:
        for key, points in log.points.items():
            before = found.get((log.run, key))
            found[log.run, key] = points if before is None else before.joined(points)
    return found


def _new_params(stored: Properties, wanted: Properties) -> Properties:
    for name, value in wanted.items():
        if name in stored and not same_value(name, stored[name], value):
            raise ConflictError(
                f"param {name!r} is {stored[name]!r} already and cannot become {value!r}: "
                "a run's params never change; start another run, or use a tag"
            )
    return {name: value for name, value in wanted.items() if name not in stored}
