"""Approvals: requests and votes, each step in the ledger."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from headwater.errors import NotFoundError, RefusedError
from headwater.model import builtin
from headwater.model.approvals import (
    APPROVE,
    REJECT,
    ApprovalRequest,
    Decision,
    NewRequest,
    NewVote,
    RequestId,
    RequestStatus,
)
from headwater.model.graph import Publication, Published
from headwater.model.ids import ContextId
from headwater.model.refs import ModelRef
from headwater.model.release import ReleaseProcess
from headwater.model.values import Json
from headwater.store.sql import versions
from headwater.store.sql.database import Database
from headwater.store.sql.ledger import Ledger
from headwater.store.sql.links import Links
from headwater.store.sql.processes import Processes, require_stage
from headwater.store.sql.requests import RequestViews, close_requests
from headwater.store.sql.schema import approval_request, approval_vote, context, version
from headwater.store.sql.text import check_length
from headwater.store.sql.types import Types


class Approvals:
    """`ApprovalStore` in SQL."""

    def __init__(
        self,
        db: Database,
        types: Types,
        links: Links,
        ledger: Ledger,
        processes: Processes,
        views: RequestViews,
    ) -> None:
        self._db = db
        self._types = types
        self._links = links
        self._ledger = ledger
        self._processes = processes
        self._views = views

    def request(self, new: NewRequest, /) -> ApprovalRequest:
        def job(conn: sa.Connection, owner: ContextId, _: ReleaseProcess) -> RequestId:
            row = versions.require_live(conn, owner, new.model, new.version)
            if row.stage == new.stage:
                raise RefusedError(f"{ModelRef(new.model, new.version)} is in {new.stage} already")
            there = self._views.open_one(conn, row.artifact_id, new.stage)
            if there is not None:
                raise RefusedError(
                    f"{there.requester} has requested {new.stage} for {there.ref} already: vote on that"
                )
            request_id = self._insert(conn, new, row.artifact_id)
            self._note(conn, "request", new, {"request": int(request_id), "stage": new.stage})
            return request_id

        return self._decide(new, job)

    def vote(self, new: NewVote, /) -> ApprovalRequest:
        def job(conn: sa.Connection, owner: ContextId, process: ReleaseProcess) -> RequestId:
            row = versions.require_live(conn, owner, new.model, new.version)
            request = self._require_open(conn, row, new.stage)
            before = request.vote_of(new.actor)
            self._check_vote(process, request, new)
            self._write_vote(conn, request.id, new)
            action = {True: APPROVE, False: REJECT, None: "take-back"}[new.approves]
            details: dict[str, Json] = {
                "request": int(request.id),
                "stage": new.stage,
                "before": {True: APPROVE, False: REJECT, None: None}[before],
            }
            self._note(conn, action, new, details)
            return request.id

        return self._decide(new, job)

    def withdraw(self, new: NewRequest, /) -> ApprovalRequest:
        def job(conn: sa.Connection, owner: ContextId, process: ReleaseProcess) -> RequestId:
            row = versions.require_row(conn, owner, new.model, new.version)
            request = self._require_open(conn, row, new.stage)
            may_vote = process.allows(process.policy(new.stage).approvers, new.actor)
            if new.actor != request.requester and not may_vote:
                raise RefusedError(f"only {request.requester} and those who may approve can withdraw it")
            close_requests(
                conn,
                row.artifact_id,
                new.stage,
                now_ms=self._db.clock_ms(),
                status=RequestStatus.WITHDRAWN,
            )
            self._note(conn, "withdraw", new, {"request": int(request.id), "stage": new.stage})
            return request.id

        return self._decide(new, job)

    def requests(
        self, model: str | None = None, version_: int | None = None, /, *, only_open: bool = True
    ) -> list[ApprovalRequest]:
        conditions: list[sa.ColumnElement[bool]] = [context.c.deleted_ms.is_(None)]
        if model is not None:
            conditions.append(context.c.name == model)
        if version_ is not None:
            conditions.append(version.c.number == version_)
        if only_open:
            conditions.append(approval_request.c.open_stage.is_not(None))
            conditions.append(approval_request.c.status == RequestStatus.OPEN)
        with self._db.read() as conn:
            return self._views.where(conn, sa.and_(*conditions))

    def decide(self, decision: Decision, /) -> Published:
        publication = Publication(
            execution=decision.execution, artifacts=decision.artifacts, contexts=decision.contexts
        )

        def job(conn: sa.Connection) -> Published:
            done = self._links.publish_in(conn, publication)
            self._ledger.append(
                conn,
                actor=decision.actor,
                action=APPROVE if decision.approves else REJECT,
                subject=decision.subject,
                reason=decision.reason,
                details={"execution": int(done.execution_id)},
            )
            return done

        return self._db.write(job, is_durable=True)

    def _decide(
        self,
        new: NewRequest | NewVote,
        job: Callable[[sa.Connection, ContextId, ReleaseProcess], RequestId],
    ) -> ApprovalRequest:
        check_length("actor", new.actor, least=1)
        kind = self._types.ensure(builtin.REGISTERED_MODEL)

        def locked(conn: sa.Connection) -> RequestId:
            owner = versions.require_context(conn, "registered model", kind, new.model, locks=True)
            process = self._processes.of(conn, owner, locks=True)
            require_stage(process, new.stage)
            return job(conn, owner, process)

        request_id = self._db.write(locked, is_durable=True)
        with self._db.read() as conn:
            return self._views.where(conn, approval_request.c.id == request_id)[0]

    def _insert(self, conn: sa.Connection, new: NewRequest, artifact_id: int) -> RequestId:
        values = {
            "artifact_id": artifact_id,
            "stage": new.stage,
            "open_stage": new.stage,
            "status": RequestStatus.OPEN,
            "requester": new.actor,
            "reason": new.reason,
            "created_ms": self._db.clock_ms(),
        }
        key = conn.execute(sa.insert(approval_request).values(values)).inserted_primary_key
        assert key is not None
        return RequestId(key[0])

    def _require_open(self, conn: sa.Connection, row: Any, stage: str) -> ApprovalRequest:
        request = self._views.open_one(conn, row.artifact_id, stage)
        if request is None:
            raise NotFoundError("open request for", f"{ModelRef(row.name, row.number)} to {stage}")
        return request

    def _check_vote(self, process: ReleaseProcess, request: ApprovalRequest, new: NewVote) -> None:
        before = request.vote_of(new.actor)
        if new.approves is None:
            if before is None:
                raise RefusedError(f"{new.actor} has not voted on {request.ref}")
            return
        if before is new.approves:
            raise RefusedError(
                f"{new.actor} has {'approved' if before else 'rejected'} {request.ref} already"
            )
        if not process.allows(frozenset(request.approvers), new.actor):
            raise RefusedError(
                f"{new.actor} may not decide on {new.stage}; {', '.join(request.approvers)} may"
            )
        if new.approves and new.actor in request.barred:
            raise RefusedError(
                f"{new.actor} requested or registered {request.ref}, so somebody else has to approve"
            )

    def _write_vote(self, conn: sa.Connection, request_id: RequestId, new: NewVote) -> None:
        table = approval_vote
        mine = sa.and_(table.c.request_id == request_id, table.c.actor == new.actor)
        conn.execute(sa.delete(table).where(mine))
        if new.approves is not None:
            values = {
                "request_id": request_id,
                "actor": new.actor,
                "approves": int(new.approves),
                "reason": new.reason,
                "time_ms": self._db.clock_ms(),
            }
            conn.execute(sa.insert(table).values(values))

    def _note(
        self, conn: sa.Connection, action: str, new: NewRequest | NewVote, details: dict[str, Json]
    ) -> None:
        self._ledger.append(
            conn,
            actor=new.actor,
            action=action,
            subject=str(ModelRef(new.model, new.version)),
            reason=new.reason,
            details=details,
        )
