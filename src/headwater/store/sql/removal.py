"""Deleting, restoring, and removing for good: rows go, events, version numbers and a tombstone stay."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa

from headwater.model.graph import ArtifactState, ExecutionState, NodeKind
from headwater.model.ledger import LedgerEntry
from headwater.model.refs import ModelRef
from headwater.model.upkeep import Expiry, Removal, Subject, Tombstone
from headwater.store.sql import tombstones, versions
from headwater.store.sql.database import Database
from headwater.store.sql.ledger import Ledger
from headwater.store.sql.names import entries_on
from headwater.store.sql.node_tables import ARTIFACTS, CONTEXTS, EXECUTIONS, NodeTable
from headwater.store.sql.nodes import LOOKUP_BATCH, Nodes
from headwater.store.sql.processes import Processes
from headwater.store.sql.schema import (
    alias,
    artifact,
    association,
    attribution,
    context,
    event,
    execution,
    idempotency,
    ledger,
    merged_batch,
    metric_chunk,
    parent_context,
    run,
    series,
    tombstone,
    type_,
    version,
)

DELETE: Final = "delete"
RESTORE: Final = "restore"
_GOING_ON: Final = (ExecutionState.NEW, ExecutionState.RUNNING)
_MEMBERSHIPS: Final = {
    NodeKind.ARTIFACT: (attribution.c.artifact_id,),
    NodeKind.EXECUTION: (association.c.execution_id,),
    NodeKind.CONTEXT: (
        attribution.c.context_id,
        association.c.context_id,
        parent_context.c.child_id,
        parent_context.c.parent_id,
    ),
}


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Nodes of one kind that may go; `kept` are versions that may not, with the reason."""

    ids: list[int]
    kept: dict[str, str]


class Remover:
    """Deletes nodes, and removes those that were deleted long enough ago."""

    def __init__(
        self, db: Database, nodes: Sequence[Nodes[Any, Any, Any, Any]], ledger_: Ledger, processes: Processes
    ) -> None:
        self._db = db
        self._nodes = {n.nodes.kind: n for n in nodes}
        self._ledger = ledger_
        self._processes = processes

    def mark(self, subjects: Sequence[Subject], deleted_ms: int | None, *, actor: str, reason: str) -> None:
        """Delete or restore nodes, each with its entry in the ledger."""
        action = RESTORE if deleted_ms is None else DELETE

        def job(conn: sa.Connection) -> None:
            changed = {
                (kind, i)
                for kind, nodes in self._nodes.items()
                for i in nodes.mark_deleted(conn, [s.id for s in subjects if s.kind is kind], deleted_ms)
            }
            deciding = [s for s in subjects if (s.kind, s.id) in changed]
            parts = sorted({i for subject in deciding for i in subject.parts})
            self._nodes[NodeKind.ARTIFACT].mark_deleted(conn, parts, deleted_ms)
            for subject in deciding:
                self._ledger.append(
                    conn,
                    actor=actor,
                    action=action,
                    subject=subject.ref,
                    reason=reason,
                    details={"artifacts": len(subject.parts)} if subject.parts else {},
                )

        self._db.write(job, is_durable=True)

    def tombstones(self, kind: NodeKind, ids: Sequence[int]) -> list[Tombstone]:
        """Return what is left of nodes."""
        with self._db.read() as conn:
            return tombstones.entities(conn, tombstones.rows_of(conn, self._db.dialect, kind, ids))

    def removed_runs(self, prefix: str, *, limit: int) -> list[Tombstone]:
        """Return what is left of runs whose run id begins like this."""
        # Text is ordered by code point: "g" follows the last digit of a run id.
        mine = (tombstone.c.uri >= f"runs/{prefix}", tombstone.c.uri < f"runs/{prefix}g")
        statement = sa.select(tombstone).where(tombstone.c.kind == NodeKind.EXECUTION, *mine)
        with self._db.read() as conn:
            return tombstones.entities(
                conn, conn.execute(statement.order_by(tombstone.c.uri).limit(limit)).all()
            )

    def removable(self, expiry: Expiry) -> Removal:
        """Tell what `remove` would remove in the end."""
        nodes: Counter[str] = Counter()
        kept: dict[str, str] = {}
        points = 0
        with self._db.read() as conn:
            for table in (ARTIFACTS, EXECUTIONS, CONTEXTS):
                chosen = self._choose(conn, table, expiry, limit=None)
                kept |= chosen.kept
                nodes.update(self._count_types(conn, table, chosen.ids))
                points += self._count_points(conn, chosen.ids) if table is EXECUTIONS else 0
            keys = conn.execute(sa.select(sa.func.count()).where(_is_expired(expiry))).scalar_one()
        return Removal(nodes=nodes, points=points, kept=kept, keys=keys)

    def remove(self, expiry: Expiry, *, limit: int) -> Removal:
        """Remove some nodes and expired keys in one transaction."""

        def job(conn: sa.Connection) -> Removal:
            nodes: Counter[str] = Counter()
            points, left = 0, limit
            for table in (ARTIFACTS, EXECUTIONS, CONTEXTS):
                ids = self._choose(conn, table, expiry, limit=left, locks=True).ids
                nodes.update(self._count_types(conn, table, ids))
                points += self._count_points(conn, ids) if table is EXECUTIONS else 0
                self._bury(conn, table, ids)
                left -= len(ids)
            return Removal(nodes=nodes, points=points, keys=self._drop_keys(conn, expiry, limit))

        return self._db.write(job)

    def _choose(
        self, conn: sa.Connection, table: NodeTable, expiry: Expiry, *, limit: int | None, locks: bool = False
    ) -> _Chosen:
        """Choose nodes that may go; what is in the way of all the rest is looked at once, not in batches."""
        found = conn.execute(sa.select(table.table.c.id).where(_is_over(table, expiry))).scalars().all()
        kept = self._protected(conn, found) if table is ARTIFACTS else {}
        ids = sorted(i for i in found if i not in kept)[:limit]
        if locks and ids:
            # Somebody may have restored it, or used it for a version, since it was read.
            still = sa.and_(self._db.dialect.ids_in(table.table.c.id, ids), _is_over(table, expiry))
            rows = sa.select(table.table.c.id).where(still).order_by(table.table.c.id)
            ids = [*conn.execute(rows.with_for_update()).scalars()]
        return _Chosen(ids, dict(kept.values()))

    def _protected(self, conn: sa.Connection, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Return versions that stay, as (reference, reason) by artifact."""
        if not ids:
            return {}
        mine = sa.and_(self._db.dialect.ids_in(version.c.artifact_id, ids), version.c.stage.is_not(None))
        rows = {str(ModelRef(row.name, row.number)): row for row in versions.rows_of(conn, mine)}
        was_released = self._released(conn, [*rows.values()])
        aliased = sa.select(alias.c.artifact_id).where(
            self._db.dialect.ids_in(alias.c.artifact_id, [row.artifact_id for row in rows.values()])
        )
        named = {*conn.execute(aliased).scalars()}
        kept: dict[int, tuple[str, str]] = {}
        for ref, row in rows.items():
            if row.exclusive_stage is not None:
                kept[row.artifact_id] = (ref, f"it is in {row.exclusive_stage}")
            elif row.artifact_id in named:
                kept[row.artifact_id] = (ref, "it has an alias")
            elif ref in was_released:
                stage = was_released[ref]
                kept[row.artifact_id] = (ref, f"it was in {stage}: delete it with `headwater models delete`")
        return kept

    def _released(self, conn: sa.Connection, rows: Sequence[Any]) -> dict[str, str]:
        """Return the exclusive stage that each version once held, unless the ledger has its deletion."""
        held: dict[str, str] = {}
        undone: dict[str, str] = {}
        exclusive = self._processes.exclusive_anywhere(conn)
        for entry in self._decisions_on(conn, rows):
            stage = entry.details.get("to")
            if isinstance(stage, str) and stage in exclusive:
                held[entry.subject] = stage
            for ref in _versions_of(entry):
                if entry.action == DELETE and ref in held:
                    undone[ref] = held.pop(ref)
                elif entry.action == RESTORE and ref in undone:
                    held[ref] = undone.pop(ref)
        return held

    def _decisions_on(self, conn: sa.Connection, rows: Sequence[Any]) -> Iterable[LedgerEntry]:
        """Yield the decisions on versions and on their models, those on one model oldest first."""
        by_name = groupby(sorted(rows, key=_model_of), key=_model_of)
        for name, mine in by_name:
            # "" stands for the model itself.
            tails = ["", *(f"/{row.number}" for row in mine)]
            parts = [tails[i : i + LOOKUP_BATCH] for i in range(0, len(tails), LOOKUP_BATCH)]
            found = [e for part in parts for e in entries_on(conn, self._ledger, name, _any_of(part))]
            yield from sorted(found, key=lambda entry: entry.seq)

    def _count_types(self, conn: sa.Connection, table: NodeTable, ids: Sequence[int]) -> dict[str, int]:
        if not ids:
            return {}
        statement = (
            sa.select(type_.c.name, sa.func.count())
            .join(table.table, table.table.c.type_id == type_.c.id)
            .where(self._db.dialect.ids_in(table.table.c.id, ids))
            .group_by(type_.c.name)
        )
        return {row[0]: row[1] for row in conn.execute(statement)}

    def _count_points(self, conn: sa.Connection, ids: Sequence[int]) -> int:
        mine = self._db.dialect.ids_in(series.c.execution_id, ids)
        total = sa.select(sa.func.sum(series.c.count)).where(mine)
        return int(conn.execute(total).scalar() or 0) if ids else 0

    def _bury(self, conn: sa.Connection, table: NodeTable, ids: Sequence[int]) -> None:
        if not ids:
            return
        within = self._db.dialect.ids_in
        self._put_tombstones(conn, table, ids)
        if table is EXECUTIONS:
            self._drop_metrics(conn, ids)
            conn.execute(sa.delete(run).where(within(run.c.execution_id, ids)))
        for member in _MEMBERSHIPS[table.kind]:
            conn.execute(sa.delete(member.table).where(within(member, ids)))
        if table is ARTIFACTS:
            # The number stays taken; the content may be recorded again, under the next one.
            gone = within(version.c.artifact_id, ids)
            conn.execute(sa.update(version).where(gone).values(content=None))
        conn.execute(sa.delete(table.properties).where(within(table.properties.c.node_id, ids)))
        conn.execute(sa.delete(table.table).where(within(table.table.c.id, ids)))

    def _put_tombstones(self, conn: sa.Connection, table: NodeTable, ids: Sequence[int]) -> None:
        now = self._db.clock_ms()
        mine = self._db.dialect.ids_in(table.table.c.id, ids)
        runs = self._run_names(conn, ids) if table is EXECUTIONS else {}
        rows: list[dict[str, Any]] = []
        for row in conn.execute(sa.select(table.table).where(mine)).mappings():
            name, uri = runs.get(row["id"], (row["name"], row.get("uri")))
            left = (table.kind, row["id"], row["type_id"], name, uri, row.get("digest"), row["created_ms"])
            # What was given up and never deleted goes at once.
            deleted = now if row["deleted_ms"] is None else row["deleted_ms"]
            rows.append(dict(zip(tombstones.COLUMNS, (*left, deleted, now), strict=True)))
        conn.execute(self._db.dialect.upsert(tombstone, ("kind", "node_id")), rows)

    def _run_names(self, conn: sa.Connection, ids: Sequence[int]) -> dict[int, tuple[str | None, str]]:
        mine = self._db.dialect.ids_in(run.c.execution_id, ids)
        rows = conn.execute(sa.select(run.c.execution_id, run.c.name, run.c.run_id).where(mine))
        return {row.execution_id: (row.name, f"runs/{row.run_id}") for row in rows}

    def _drop_metrics(self, conn: sa.Connection, ids: Sequence[int]) -> None:
        within = self._db.dialect.ids_in
        # Locked first, as whoever appends points does.
        mine = sa.select(series.c.id).where(within(series.c.execution_id, ids)).order_by(series.c.id)
        found = conn.execute(mine.with_for_update()).scalars().all()
        if found:
            for table in (metric_chunk, merged_batch):
                conn.execute(sa.delete(table).where(within(table.c.series_id, found)))
            conn.execute(sa.delete(series).where(within(series.c.id, found)))

    def _drop_keys(self, conn: sa.Connection, expiry: Expiry, limit: int) -> int:
        wanted = sa.select(idempotency.c.key).where(_is_expired(expiry)).limit(min(limit, LOOKUP_BATCH))
        keys = conn.execute(wanted).scalars().all()
        if keys:
            conn.execute(sa.delete(idempotency).where(idempotency.c.key.in_(keys)))
        return len(keys)


def _is_expired(expiry: Expiry) -> sa.ColumnElement[bool]:
    return idempotency.c.created_ms <= expiry.keys_ms


def _is_over(table: NodeTable, expiry: Expiry) -> sa.ColumnElement[bool]:
    """Build the condition that a node was deleted or given up long enough ago, and nothing hangs on it."""
    deleted = table.table.c.deleted_ms <= expiry.nodes_ms
    if table is CONTEXTS:
        return sa.and_(deleted, *_holds_nothing())
    return sa.or_(deleted, _is_given_up(expiry)) if table is ARTIFACTS else deleted


def _holds_nothing() -> tuple[sa.ColumnElement[bool], ...]:
    """A number of a version is never given out twice, and a run is shown with its experiment."""
    numbered = sa.select(version.c.artifact_id).where(version.c.context_id == context.c.id)
    ran = sa.select(run.c.execution_id).where(run.c.experiment_id == context.c.id)
    return (~numbered.exists(), ~ran.exists())


def _is_given_up(expiry: Expiry) -> sa.ColumnElement[bool]:
    going_on = (
        sa.select(event.c.execution_id)
        .join(execution, execution.c.id == event.c.execution_id)
        .where(event.c.artifact_id == artifact.c.id, execution.c.state.in_(_GOING_ON))
    )
    is_old = artifact.c.updated_ms <= expiry.nodes_ms
    is_pending = sa.and_(artifact.c.state == ArtifactState.PENDING, ~going_on.exists())
    return sa.and_(is_old, sa.or_(artifact.c.state == ArtifactState.ABANDONED, is_pending))


def _versions_of(entry: LedgerEntry) -> list[str]:
    """Return the versions that a decision is on: one, or those of a model that it names."""
    numbers = entry.details.get("versions")
    return [f"{entry.subject}/{n}" for n in numbers] if isinstance(numbers, list) else [entry.subject]


def _model_of(row: Any) -> str:
    return row.name


def _any_of(tails: Sequence[str]) -> Callable[[str], sa.ColumnElement[bool]]:
    """Return what builds the condition that an entry is on a model, or on one of its versions."""
    return lambda model: ledger.c.subject.in_([model + tail for tail in tails])
