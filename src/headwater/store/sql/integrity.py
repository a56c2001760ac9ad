"""Does the store keep its own rules? Set-based checks, and repairs that lose nothing that is referred to."""

from dataclasses import replace
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from headwater.ledger import all_records, verify
from headwater.model.graph import ArtifactState, ExecutionState
from headwater.model.runs import RunStatus
from headwater.model.upkeep import DATABASE_FILE, Finding, StoreFacts
from headwater.store.sql import dangling, series_checks
from headwater.store.sql.database import Database
from headwater.store.sql.ledger import records_in
from headwater.store.sql.processes import Processes
from headwater.store.sql.runs import Runs
from headwater.store.sql.schema import (
    SCHEMA_VERSION,
    artifact,
    event,
    execution,
    ledger,
    metadata,
    run,
    setting,
    version,
)

EXAMPLES: Final = 5
"""How many of the first broken rows a finding names."""
_OVER: Final = (
    ExecutionState.COMPLETE,
    ExecutionState.FAILED,
    ExecutionState.CACHED,
    ExecutionState.CANCELED,
)
_PAGE: Final = 2000
_HALF_PUBLISHED: Final = "half-published"
_STALE: Final = "stale-runs"
_LATEST: Final = "newest-points"


class Integrity:
    """Checks and repairs of one database."""

    def __init__(self, db: Database, runs: Runs, processes: Processes) -> None:
        self._db = db
        self._runs = runs
        self._processes = processes

    def check(self, *, silent_since_ms: int, is_deep: bool) -> list[Finding]:
        """Look at everything in one moment."""
        with self._db.read() as conn:
            if found := self._check_file(conn, is_deep=is_deep):
                return found
            for rule in dangling.rules():
                found += _look(conn, rule.finding(), rule.table, rule.broken)
            found += self._check_stages(conn)
            found += _look(conn, _half_published(), artifact, _is_half_published())
            found += _look(conn, _stale(), run, _is_silent(silent_since_ms))
            found += _check_latest(conn, is_deep=is_deep)
            return found + ledger_faults(conn)

    def repair(self, *, silent_since_ms: int, is_deep: bool) -> list[Finding]:
        """Mend what was found; each repair is a transaction that looks for itself."""
        found = [f for f in self.check(silent_since_ms=silent_since_ms, is_deep=is_deep) if f.repair]
        names = {finding.check for finding in found}
        rules = [rule for rule in dangling.rules() if rule.repair]
        if names & {rule.name for rule in rules}:
            # All of them, in their order: what one removes may leave rows of a later one behind.
            for rule in rules:
                self._db.write(lambda conn, rule=rule: conn.execute(rule.mending()).rowcount, is_durable=True)
        if _HALF_PUBLISHED in names:
            self._db.write(_give_up, is_durable=True)
        if _LATEST in names:
            self._db.write(lambda conn: series_checks.repair(conn, is_deep=is_deep), is_durable=True)
        if _STALE in names:
            self._runs.mark_lost(silent_since_ms=silent_since_ms)
        return found

    def facts(self) -> StoreFacts:
        """Count all rows in one moment."""
        with self._db.read() as conn:
            return facts_in(conn)

    def _check_file(self, conn: sa.Connection, *, is_deep: bool) -> list[Finding]:
        if self._db.dialect.name != "sqlite":
            return []
        pragma = "integrity_check" if is_deep else "quick_check"
        try:
            lines = [str(line) for line in conn.exec_driver_sql(f"PRAGMA {pragma}(100)").scalars()]
        except DBAPIError as error:
            lines = [str(error.orig)]
        if lines == ["ok"]:
            return []
        problem = "the SQLite file is damaged: restore it from a backup"
        examples = tuple(lines[:EXAMPLES])
        return [Finding(check=DATABASE_FILE, problem=problem, count=len(lines), examples=examples)]

    def _check_stages(self, conn: sa.Connection) -> list[Finding]:
        right = sa.func.coalesce(self._processes.exclusive_stage(conn), "")
        wrong = sa.func.coalesce(version.c.exclusive_stage, "") != right
        problem = "versions whose stage contradicts the rule that one version at a time is in it"
        look = Finding(check="exclusive-stages", problem=problem, count=0)
        return _look(conn, look, version, sa.and_(version.c.stage.is_not(None), wrong))


def ledger_faults(conn: sa.Connection) -> list[Finding]:
    """Find what is altered, missing or out of order in the ledger."""
    found = verify(all_records(partial(records_in, conn)))
    if found.is_intact:
        return []
    examples = tuple(f"entry {fault.seq} {fault.text}" for fault in found.faults[:EXAMPLES])
    problem = "decisions in the ledger that are altered, missing or out of order"
    return [Finding(check="ledger", problem=problem, count=found.fault_count, examples=examples)]


def facts_in(conn: sa.Connection) -> StoreFacts:
    """Count all rows inside a running transaction."""
    counts = {
        table.name: conn.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        for table in metadata.sorted_tables
        if table is not setting
    }
    newest = sa.select(ledger.c.seq, ledger.c.hash).order_by(ledger.c.seq.desc()).limit(1)
    head = conn.execute(newest).one_or_none()
    seq, hash_ = (0, "") if head is None else (head.seq, head.hash)
    return StoreFacts(schema=SCHEMA_VERSION, counts=counts, ledger_seq=seq, ledger_hash=hash_)


def _look(
    conn: sa.Connection, look: Finding, table: sa.Table, broken: sa.ColumnElement[bool]
) -> list[Finding]:
    """Return a finding with how many rows there are and the first of them; nothing when there are none."""
    count = conn.execute(sa.select(sa.func.count()).select_from(table).where(broken)).scalar_one()
    if not count:
        return []
    key = [*table.primary_key]
    rows = conn.execute(sa.select(*key).where(broken).order_by(*key).limit(EXAMPLES))
    return [replace(look, count=count, examples=tuple(_row_name(table, row) for row in rows))]


def _row_name(table: sa.Table, row: sa.Row[Any]) -> str:
    return f"{table.name} {'/'.join(str(part) for part in row)}"


def _check_latest(conn: sa.Connection, *, is_deep: bool) -> list[Finding]:
    wrong = series_checks.wrong_series(conn, is_deep=is_deep)
    look = Finding(
        check=_LATEST,
        problem="metrics whose newest point or count is not that of their chunks",
        count=len(wrong),
        examples=tuple(f"series {i}" for i in wrong[:EXAMPLES]),
        repair="it is worked out again from the chunks",
    )
    return [look] if wrong else []


def _half_published() -> Finding:
    return Finding(
        check=_HALF_PUBLISHED,
        problem="artifacts that are PENDING though the execution that makes them has ended",
        count=0,
        repair="they are marked as ABANDONED, and `headwater gc` removes them later",
    )


def _is_half_published() -> sa.ColumnElement[bool]:
    made = (
        sa.select(event.c.execution_id)
        .join(execution, execution.c.id == event.c.execution_id)
        .where(event.c.artifact_id == artifact.c.id, execution.c.state.in_(_OVER))
    )
    return sa.and_(artifact.c.state == ArtifactState.PENDING, made.exists())


def _give_up(conn: sa.Connection) -> None:
    conn.execute(
        sa.update(artifact)
        .where(_is_half_published())
        .values(state=ArtifactState.ABANDONED, revision=artifact.c.revision + 1)
    )


def _stale() -> Finding:
    return Finding(
        check=_STALE,
        problem="runs that count as running but have given no sign of life for a while",
        count=0,
        repair="they are marked as lost",
    )


def _is_silent(silent_since_ms: int) -> sa.ColumnElement[bool]:
    return sa.and_(run.c.status == RunStatus.RUNNING, run.c.heartbeat_ms < silent_since_ms)
