"""Rows that refer to what is not there, found by one statement per rule."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Final

import sqlalchemy as sa

from headwater.model.upkeep import Finding
from headwater.store.sql.node_tables import ARTIFACTS, CONTEXTS, EXECUTIONS, NodeTable
from headwater.store.sql.schema import (
    account,
    account_grant,
    alias,
    approval_request,
    approval_vote,
    association,
    attribution,
    deprecation,
    event,
    merged_batch,
    metric_chunk,
    parent_context,
    run,
    series,
    token,
    tombstone,
    type_,
    type_property,
    version,
)

_NODES: Final = {table.kind: table for table in (ARTIFACTS, EXECUTIONS, CONTEXTS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dangling:
    """One rule: rows of a table that refer to something.

    Attributes:
        name: Name of the check.
        problem: What is wrong, in words.
        table: Whose rows.
        broken: The condition that a row breaks the rule.
        repair: What is done about it; None where nobody but a person can decide.
        mend: Builds the statement that does it; by default the rows are deleted.
    """

    name: str
    problem: str
    table: sa.Table
    broken: sa.ColumnElement[bool]
    repair: str | None = "they are deleted: nothing refers to them"
    mend: Callable[[sa.ColumnElement[bool]], sa.UpdateBase] | None = None

    def finding(self) -> Finding:
        """Return what to report, without the rows."""
        return Finding(check=self.name, problem=self.problem, count=0, repair=self.repair)

    def mending(self) -> sa.UpdateBase:
        """Build the statement that repairs all of them."""
        return self.mend(self.broken) if self.mend else sa.delete(self.table).where(self.broken)


def rules() -> list[Dangling]:
    """Return all rules; a repair goes through them in this order."""
    of_graph = (_of_nodes(), _of_events(), _of_memberships(), _of_runs(), _of_versions(), _of_series())
    return [*chain.from_iterable(of_graph), *_of_accounts()]


def _of_nodes() -> Iterable[Dangling]:
    for table in _NODES.values():
        yield Dangling(
            name=f"{table.name}s-without-type",
            problem=f"{table.name}s whose type is not stored",
            table=table.table,
            broken=_missing(table.table.c.type_id, type_),
            repair=None,
        )
        yield Dangling(
            name=f"{table.name}-properties-without-owner",
            problem=f"properties of {table.name}s that are not stored",
            table=table.properties,
            broken=_missing(table.properties.c.node_id, table.table),
        )
        alive = sa.select(table.table.c.id).where(table.table.c.id == tombstone.c.node_id)
        yield Dangling(
            name=f"{table.name}s-alive-with-tombstone",
            problem=f"tombstones of {table.name}s that are there",
            table=tombstone,
            broken=sa.and_(tombstone.c.kind == table.kind, alive.exists()),
        )
    yield Dangling(
        name="type-properties-without-type",
        problem="properties of types that are not stored",
        table=type_property,
        broken=_missing(type_property.c.type_id, type_),
    )


def _of_events() -> Iterable[Dangling]:
    yield Dangling(
        name="events-without-node",
        problem="events with an artifact or execution that never was",
        table=event,
        broken=sa.or_(
            _never_was(event.c.artifact_id, ARTIFACTS), _never_was(event.c.execution_id, EXECUTIONS)
        ),
    )


def _of_memberships() -> Iterable[Dangling]:
    for table, ends in (
        (attribution, (("context_id", CONTEXTS), ("artifact_id", ARTIFACTS))),
        (association, (("context_id", CONTEXTS), ("execution_id", EXECUTIONS))),
        (parent_context, (("child_id", CONTEXTS), ("parent_id", CONTEXTS))),
    ):
        yield Dangling(
            name=f"{table.name}s-without-node".replace("_", "-"),
            problem=f"{table.name.replace('_', ' ')}s with a node that is not stored",
            table=table,
            broken=sa.or_(*(_missing(table.c[column], node.table) for column, node in ends)),
        )


def _of_runs() -> Iterable[Dangling]:
    yield Dangling(
        name="runs-without-execution",
        problem="runs whose execution is not stored",
        table=run,
        broken=_missing(run.c.execution_id, EXECUTIONS.table),
    )
    yield Dangling(
        name="runs-without-experiment",
        problem="runs whose experiment is not stored",
        table=run,
        broken=_missing(run.c.experiment_id, CONTEXTS.table),
        repair=None,
    )
    yield Dangling(
        name="runs-with-unknown-parent",
        problem="runs whose parent never was",
        table=run,
        broken=sa.and_(run.c.parent_id.is_not(None), _never_was(run.c.parent_id, EXECUTIONS)),
        repair="they become runs without a parent",
        mend=lambda broken: sa.update(run).where(broken).values(parent_id=None),
    )


def _of_versions() -> Iterable[Dangling]:
    yield Dangling(
        name="versions-without-artifact",
        problem="version numbers of an artifact or a name that never was",
        table=version,
        broken=sa.or_(
            _never_was(version.c.artifact_id, ARTIFACTS), _missing(version.c.context_id, CONTEXTS.table)
        ),
        repair=None,
    )
    yield Dangling(
        name="aliases-without-version",
        problem="aliases of versions that are not stored",
        table=alias,
        broken=_missing(alias.c.artifact_id, ARTIFACTS.table),
    )
    for table in (deprecation, approval_request):
        yield Dangling(
            name=f"{table.name}s-without-version".replace("_", "-"),
            problem=f"{table.name.replace('_', ' ')}s of versions that never were",
            table=table,
            broken=_never_was(table.c.artifact_id, ARTIFACTS),
        )
    yield Dangling(
        name="votes-without-request",
        problem="votes on requests that are not stored",
        table=approval_vote,
        broken=_missing(approval_vote.c.request_id, approval_request),
    )


def _of_series() -> Iterable[Dangling]:
    yield Dangling(
        name="series-without-execution",
        problem="metric series whose run is not stored",
        table=series,
        broken=_missing(series.c.execution_id, EXECUTIONS.table),
    )
    for table, word in ((metric_chunk, "chunks"), (merged_batch, "merge marks")):
        yield Dangling(
            name=f"metric-{word.replace(' ', '-')}-without-series",
            problem=f"metric {word} whose series is not stored",
            table=table,
            broken=_missing(table.c.series_id, series),
        )


def _of_accounts() -> Iterable[Dangling]:
    for table, word in ((token, "tokens"), (account_grant, "grants")):
        owner = sa.select(account.c.name).where(account.c.name == table.c.account)
        yield Dangling(
            name=f"{word}-without-account",
            problem=f"{word} of accounts that are not stored",
            table=table,
            broken=~owner.exists(),
        )


def _missing(column: sa.ColumnElement[int], owner: sa.Table) -> sa.ColumnElement[bool]:
    # An alias: a statement on the owner's own table would otherwise look at the row itself.
    other = owner.alias()
    return ~sa.select(other.c.id).where(other.c.id == column).exists()


def _never_was(column: sa.ColumnElement[int], node: NodeTable) -> sa.ColumnElement[bool]:
    """Build the condition that a node is not stored and never was removed either."""
    stone = tombstone.alias()
    removed = sa.select(stone.c.node_id).where(stone.c.kind == node.kind, stone.c.node_id == column)
    return sa.and_(_missing(column, node.table), ~removed.exists())
