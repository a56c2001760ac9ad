"""Approval requests read from their rows, held against the present policies."""

from typing import Any

import sqlalchemy as sa

from headwater.model.approvals import ApprovalRequest, RequestId, RequestStatus, Vote
from headwater.model.ids import ContextId
from headwater.model.release import Policy, ReleaseProcess
from headwater.store.sql.database import Database
from headwater.store.sql.ledger import Ledger
from headwater.store.sql.names import entries_on
from headwater.store.sql.processes import Processes
from headwater.store.sql.schema import approval_request, approval_vote, context, version
from headwater.store.sql.schema import ledger as entries


class RequestViews:
    """Puts requests together inside a running transaction."""

    def __init__(self, db: Database, ledger: Ledger, processes: Processes) -> None:
        self._db = db
        self._ledger = ledger
        self._processes = processes

    def where(self, conn: sa.Connection, condition: sa.ColumnElement[bool]) -> list[ApprovalRequest]:
        """Return the requests that meet a condition, oldest first."""
        rows = conn.execute(
            sa.select(approval_request, version.c.context_id, version.c.number, context.c.name)
            .join(version, version.c.artifact_id == approval_request.c.artifact_id)
            .join(context, context.c.id == version.c.context_id)
            .where(condition)
            .order_by(approval_request.c.id)
        ).all()
        votes = self._votes(conn, [row.id for row in rows])
        owners = {ContextId(row.context_id) for row in rows}
        processes = {owner: self._processes.of(conn, owner) for owner in owners}
        return [
            self._request(conn, row, votes.get(row.id, ()), processes[ContextId(row.context_id)])
            for row in rows
        ]

    def open_one(self, conn: sa.Connection, artifact_id: int, stage: str) -> ApprovalRequest | None:
        """Return the open request of a version for a stage."""
        mine = approval_request.c.artifact_id == artifact_id
        return next(iter(self.where(conn, sa.and_(mine, approval_request.c.open_stage == stage))), None)

    def barred(self, conn: sa.Connection, policy: Policy, row: Any) -> tuple[str, ...]:
        """Return who may not approve a request because of the separation of duty."""
        if not policy.separates_duty:
            return ()
        found = entries_on(
            conn, self._ledger, row.name, lambda model: entries.c.subject == f"{model}/{row.number}"
        )
        registrars = {entry.actor for entry in found if entry.action == "register"}
        return tuple(sorted({row.requester, *registrars}))

    def _votes(self, conn: sa.Connection, ids: list[int]) -> dict[int, tuple[Vote, ...]]:
        if not ids:
            return {}
        mine = self._db.dialect.ids_in(approval_vote.c.request_id, ids)
        order = (approval_vote.c.time_ms, approval_vote.c.actor)
        found: dict[int, tuple[Vote, ...]] = {}
        for row in conn.execute(sa.select(approval_vote).where(mine).order_by(*order)):
            vote = Vote(actor=row.actor, approves=bool(row.approves), reason=row.reason, time_ms=row.time_ms)
            found[row.request_id] = (*found.get(row.request_id, ()), vote)
        return found

    def _request(
        self, conn: sa.Connection, row: Any, votes: tuple[Vote, ...], process: ReleaseProcess
    ) -> ApprovalRequest:
        policy = process.policy(row.stage)
        barred = self.barred(conn, policy, row)
        approving = (vote.actor for vote in votes if vote.approves)
        return ApprovalRequest(
            id=RequestId(row.id),
            model=row.name,
            version=row.number,
            stage=row.stage,
            status=RequestStatus(row.status),
            requester=row.requester,
            reason=row.reason,
            created_ms=row.created_ms,
            closed_ms=row.closed_ms,
            votes=votes,
            needed=policy.approvals,
            counted=tuple(a for a in approving if process.allows(policy.approvers, a) and a not in barred),
            approvers=tuple(sorted(policy.approvers)),
            barred=barred,
        )


def close_requests(
    conn: sa.Connection,
    artifact_id: int,
    stage: str | None,
    *,
    now_ms: int,
    status: RequestStatus = RequestStatus.USED,
) -> None:
    """Close the open request of a version for a stage, or with None all of its open requests."""
    table = approval_request
    is_mine = table.c.open_stage.is_not(None) if stage is None else table.c.open_stage == stage
    conn.execute(
        sa.update(table)
        .where(table.c.artifact_id == artifact_id, is_mine)
        .values(status=status, open_stage=None, closed_ms=now_ms)
    )
