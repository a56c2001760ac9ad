"""Stages: how a version moves between them, each move in the ledger."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from headwater.errors import RefusedError, UnmetError
from headwater.model.graph import ArtifactChange
from headwater.model.ids import ArtifactId, ContextId
from headwater.model.models import ARCHIVED, PRODUCTION, Transition
from headwater.model.refs import ModelRef
from headwater.model.release import FREE, Need, NeedKind, Policy, ReleaseProcess
from headwater.model.values import Json
from headwater.store.sql import holders, versions
from headwater.store.sql.ledger import Ledger
from headwater.store.sql.needs import Needs
from headwater.store.sql.nodes import Artifacts
from headwater.store.sql.processes import Processes, require_stage
from headwater.store.sql.requests import close_requests
from headwater.store.sql.schema import artifact, version

ROLLBACK = "rollback"


class StageMachine:
    """Moves versions between stages, inside a running transaction."""

    def __init__(self, artifacts: Artifacts, ledger: Ledger, processes: Processes, needs: Needs) -> None:
        self._artifacts = artifacts
        self._ledger = ledger
        self._processes = processes
        self._needs = needs

    def previous(self, conn: sa.Connection, owner: ContextId, name: str, stage: str) -> int | None:
        """Return the number of the version that held an exclusive stage before the present one."""
        holder = self._holder(conn, owner, stage)
        deleted = (
            sa.select(version.c.number)
            .outerjoin(artifact, artifact.c.id == version.c.artifact_id)
            .where(
                version.c.context_id == owner,
                # What was removed for good has no artifact any more.
                sa.or_(artifact.c.id.is_(None), artifact.c.deleted_ms.is_not(None)),
            )
        )
        gone = conn.execute(deleted).scalars().all()
        moves = holders.moves_into(conn, self._ledger, name, stage)
        return holders.previous(moves, holder.number if holder else None, gone)

    def check(self, conn: sa.Connection, owner: ContextId, wanted: Transition) -> list[Need]:
        """Return all that a move lacks, the rules of the stages first; nothing is changed."""
        process = self._processes.of(conn, owner)
        require_stage(process, wanted.to)
        moving = versions.require_live(conn, owner, wanted.model, wanted.version)
        found = list[Need]()
        for kind, rule in (
            (NeedKind.TRANSITION, lambda: _check_move(process, moving.stage, wanted)),
            (NeedKind.TRANSITION, lambda: self._check_rollback(conn, wanted)),
            (NeedKind.HOLDER, lambda: self._check_holder(conn, owner, wanted)),
        ):
            try:
                rule()
            except RefusedError as error:
                found.append(Need(kind=kind, text=str(error)))
        policy = self._policy(conn, owner, process, wanted)
        rivals = self._rivals(conn, owner, policy, wanted, self._holder(conn, owner, wanted.to))
        return found + self._needs.of(conn, process, policy, moving, rivals, wanted)

    def move(self, conn: sa.Connection, owner: ContextId, wanted: Transition) -> None:
        """Move a version; the caller holds the row of its model locked.

        Raises:
            NotFoundError, RefusedError, UnmetError: as in `ModelStore.transition`.
        """
        process = self._processes.of(conn, owner, locks=True)
        require_stage(process, wanted.to)
        moving = versions.require_live(conn, owner, wanted.model, wanted.version)
        _check_move(process, moving.stage, wanted)
        self._check_rollback(conn, wanted)
        holder = self._check_holder(conn, owner, wanted)
        policy = self._policy(conn, owner, process, wanted)
        rivals = self._rivals(conn, owner, policy, wanted, holder)
        if missing := self._needs.of(conn, process, policy, moving, rivals, wanted):
            raise UnmetError(str(ModelRef(wanted.model, wanted.version)), wanted.to, missing)
        grounds = self._needs.grounds(conn, policy, moving, wanted)
        if holder is not None:
            self._set_stage(conn, process, holder.artifact_id, ARCHIVED)
        self._set_stage(conn, process, moving.artifact_id, wanted.to)
        # Its row is locked only now: somebody may have deleted it as a node in the meantime.
        versions.require_live(conn, owner, wanted.model, wanted.version)
        close_requests(conn, moving.artifact_id, wanted.to, now_ms=self._needs.now_ms())
        self._note(conn, wanted, moving, holder, grounds)

    def _policy(
        self, conn: sa.Connection, owner: ContextId, process: ReleaseProcess, wanted: Transition
    ) -> Policy:
        """Return what is asked of a move: nothing of a rollback to the version before the present one."""
        policy = process.policy(wanted.to)
        if wanted.kind != ROLLBACK or policy == FREE or policy.binds_rollback:
            return policy
        before = self.previous(conn, owner, wanted.model, wanted.to)
        return FREE if wanted.version == before else policy

    def _note(
        self,
        conn: sa.Connection,
        wanted: Transition,
        moving: Any,
        holder: Any,
        grounds: Mapping[str, Json],
    ) -> None:
        details: dict[str, Json] = {
            "from": moving.stage,
            "to": wanted.to,
            "replaced": holder.number if holder else None,
            **grounds,
        }
        if wanted.evidence:
            # Under a key of its own, so that no word of it is taken for the move's.
            details["evidence"] = dict(wanted.evidence)
        self._ledger.append(
            conn,
            actor=wanted.actor,
            action=wanted.kind,
            subject=str(ModelRef(wanted.model, wanted.version)),
            reason=wanted.reason,
            details=details,
        )

    def _holder(self, conn: sa.Connection, owner: ContextId, stage: str) -> Any:
        in_stage = sa.and_(version.c.context_id == owner, version.c.exclusive_stage == stage)
        return next(iter(versions.rows_of(conn, in_stage)), None)

    def _rivals(
        self, conn: sa.Connection, owner: ContextId, policy: Policy, wanted: Transition, holder: Any
    ) -> dict[int, str]:
        """Return what is in the wanted stage, its holder, and in production, beside the version itself.

        A rollback has none: it restores what was let in before. Nobody asks where no verdict is required.
        """
        if wanted.kind == ROLLBACK or not policy.requires:
            return {}
        found = {wanted.to: holder}
        if wanted.to != PRODUCTION:
            found[PRODUCTION] = self._holder(conn, owner, PRODUCTION)
        return {row.number: stage for stage, row in found.items() if row and row.number != wanted.version}

    def _check_holder(self, conn: sa.Connection, owner: ContextId, wanted: Transition) -> Any:
        """Return the row of the version that holds the stage alone, if it is the expected one."""
        holder = self._holder(conn, owner, wanted.to)
        number = holder.number if holder else 0
        if wanted.expect_holder not in {None, number}:
            now = f"version {number} is" if holder else "no version is"
            raise RefusedError(
                f"{now} in {wanted.to} now, not version {wanted.expect_holder}: look again and decide anew"
            )
        return holder

    def _check_rollback(self, conn: sa.Connection, wanted: Transition) -> None:
        # What is let in without verdicts and approvals must have been let in with them before.
        if wanted.kind == ROLLBACK and not holders.has_held(
            conn, self._ledger, wanted.model, wanted.version, {wanted.to}
        ):
            subject = ModelRef(wanted.model, wanted.version)
            raise RefusedError(f"{subject} was never in {wanted.to}: promote it instead of rolling back")

    def _set_stage(self, conn: sa.Connection, process: ReleaseProcess, artifact_id: int, stage: str) -> None:
        exclusive = stage if stage in process.stages.exclusive else None
        conn.execute(
            sa.update(version)
            .where(version.c.artifact_id == artifact_id)
            .values(stage=stage, exclusive_stage=exclusive)
        )
        # The version's revision counts its decisions too, so that a stale promotion can be noticed.
        self._artifacts.change(conn, [ArtifactChange(id=ArtifactId(artifact_id), touch=True)])


def _check_move(process: ReleaseProcess, stage: str, wanted: Transition) -> None:
    subject = ModelRef(wanted.model, wanted.version)
    if stage == wanted.to:
        raise RefusedError(f"{subject} is in {stage} already")
    allowed = process.stages.transitions.get(stage, frozenset())
    if wanted.to not in allowed:
        raise RefusedError(
            f"{subject} is in {stage} and cannot go to {wanted.to}; from there: {sorted(allowed)}"
        )
