"""Stages: how a version moves between them, each move in the ledger."""

from collections.abc import Iterable

import sqlalchemy as sa

from headwater.errors import InvalidError, NotFoundError, RefusedError
from headwater.model.graph import ArtifactChange
from headwater.model.ids import ArtifactId, ContextId
from headwater.model.models import ARCHIVED, Stages, Transition
from headwater.model.refs import ModelRef
from headwater.store.sql import versions
from headwater.store.sql.ledger import Ledger, below
from headwater.store.sql.nodes import Artifacts
from headwater.store.sql.schema import version


class StageMachine:
    """Moves versions between stages, inside a running transaction."""

    def __init__(self, artifacts: Artifacts, ledger: Ledger, stages: Stages) -> None:
        self._artifacts = artifacts
        self._ledger = ledger
        self._stages = stages

    def check_stage(self, stage: str) -> None:
        """Check that there is such a stage.

        Raises:
            InvalidError: naming those that there are.
        """
        if stage not in self._stages.transitions:
            raise InvalidError(f"no stage {stage!r}; the stages are {', '.join(self._stages.transitions)}")

    def is_stage(self, name: str) -> bool:
        """Tell whether there is such a stage."""
        return name in self._stages.transitions

    def previous(self, conn: sa.Connection, owner: ContextId, name: str, stage: str) -> int | None:
        """Return the number of the version that held an exclusive stage before the present one."""
        in_stage = sa.and_(version.c.context_id == owner, version.c.exclusive_stage == stage)
        holder = next((row.number for row in versions.rows_of(conn, in_stage)), None)
        return _previous(self._moves_into(conn, name, stage), holder)

    def move(self, conn: sa.Connection, owner: ContextId, wanted: Transition) -> None:
        """Move a version; the caller holds the row of its model locked.

        Raises:
            NotFoundError, RefusedError: as in `ModelStore.transition`.
        """
        rows = {row.number: row for row in versions.rows_of(conn, version.c.context_id == owner)}
        subject = str(ModelRef(wanted.model, wanted.version))
        if wanted.version not in rows:
            raise NotFoundError("model version", subject)
        moving = rows[wanted.version]
        self._check_move(moving.stage, wanted, subject)
        is_exclusive = wanted.to in self._stages.exclusive
        holder = next((r for r in rows.values() if is_exclusive and r.exclusive_stage == wanted.to), None)
        _check_holder(holder.number if holder else 0, wanted)
        if holder is not None:
            self._set_stage(conn, holder.artifact_id, ARCHIVED)
        self._set_stage(conn, moving.artifact_id, wanted.to)
        self._ledger.append(
            conn,
            actor=wanted.actor,
            action=wanted.kind,
            subject=subject,
            reason=wanted.reason,
            details={
                **wanted.evidence,
                "from": moving.stage,
                "to": wanted.to,
                "replaced": holder.number if holder else None,
            },
        )

    def _check_move(self, stage: str, wanted: Transition, subject: str) -> None:
        allowed = self._stages.transitions.get(stage, frozenset())
        if stage == wanted.to:
            raise RefusedError(f"{subject} is in {stage} already")
        if wanted.to not in allowed:
            raise RefusedError(
                f"{subject} is in {stage} and cannot go to {wanted.to}; from there: {sorted(allowed)}"
            )

    def _set_stage(self, conn: sa.Connection, artifact_id: int, stage: str) -> None:
        exclusive = stage if stage in self._stages.exclusive else None
        conn.execute(
            sa.update(version)
            .where(version.c.artifact_id == artifact_id)
            .values(stage=stage, exclusive_stage=exclusive)
        )
        # The version's revision counts its decisions too, so that a stale promotion can be noticed.
        self._artifacts.change(conn, [ArtifactChange(id=ArtifactId(artifact_id), touch=True)])

    def _moves_into(self, conn: sa.Connection, name: str, stage: str) -> Iterable[tuple[int, str]]:
        """Yield (version number, action) of every move into a stage, oldest first."""
        subject = str(ModelRef(name))
        for entry in self._ledger.entries_in(conn, below(subject)):
            number = entry.subject.removeprefix(subject + "/")
            # `models/a/b/3` is a version of `a/b`, not of `a`.
            if entry.details.get("to") == stage and number.isdigit():
                yield int(number), entry.action


def _check_holder(holder: int, wanted: Transition) -> None:
    if wanted.expect_holder not in {None, holder}:
        now = f"version {holder} is" if holder else "no version is"
        raise RefusedError(
            f"{now} in {wanted.to} now, not version {wanted.expect_holder}: look again and decide anew"
        )


def _previous(moves: Iterable[tuple[int, str]], holder: int | None) -> int | None:
    """Replay promotions and rollbacks as a stack: what a rollback leaves is not gone back to."""
    stack: list[int] = []
    for number, action in moves:
        if action == "rollback" and number in stack:
            while stack[-1] != number:
                stack.pop()
        elif not stack or stack[-1] != number:
            stack.append(number)
    if holder is None:
        return stack[-1] if stack else None
    while stack and stack[-1] == holder:
        stack.pop()
    return stack[-1] if stack else None
