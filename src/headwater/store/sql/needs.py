"""What a move to a stage lacks by the stage's policy, and what it rests on."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from headwater.model.models import Transition
from headwater.model.release import STALE, Need, NeedKind, Policy, ReleaseProcess
from headwater.model.values import Json
from headwater.model.verdicts import RUBBER_STAMP, Outcome, Verdict
from headwater.store.sql.database import Database
from headwater.store.sql.requests import RequestViews
from headwater.store.sql.schema import deprecation
from headwater.store.sql.verdicts import Verdicts


class Needs:
    """Holds moves against policies, inside a running transaction."""

    def __init__(self, db: Database, verdicts: Verdicts, requests: RequestViews) -> None:
        self._db = db
        self._verdicts = verdicts
        self._requests = requests

    def now_ms(self) -> int:
        """Return the time of the write."""
        return self._db.clock_ms()

    def of(
        self,
        conn: sa.Connection,
        process: ReleaseProcess,
        policy: Policy,
        moving: Any,
        rivals: Mapping[int, str],
        wanted: Transition,
    ) -> list[Need]:
        """Return everything that a move lacks by a policy, all at once.

        Args:
            conn: The transaction.
            process: Of the model.
            policy: Of the stage.
            moving: Row of the version.
            rivals: Versions that the moving one has to be compared with, and their stages.
            wanted: The move.
        """
        missing = list[Need]()
        if wanted.kind != "rollback" and wanted.to in process.stages.exclusive:
            missing += self._deprecation(conn, moving.artifact_id)
        if not process.allows(policy.promoters, wanted.actor):
            who = tuple(sorted(policy.promoters))
            text = f"{wanted.actor} may not move versions to {wanted.to}; {', '.join(who)} may"
            missing.append(Need(kind=NeedKind.ROLE, text=text, found=wanted.actor, who=who))
        newest = self._newest(conn, policy, moving.artifact_id)
        for gate in policy.requires:
            need = _verdict_need(gate, newest.get(gate)) or _rival_need(newest[gate], rivals)
            missing += [need] if need else []
        return missing + self._approvals(conn, policy, moving, wanted)

    def grounds(
        self, conn: sa.Connection, policy: Policy, moving: Any, wanted: Transition
    ) -> dict[str, Json]:
        """Return what a move that lacks nothing rests on, for the ledger."""
        found: dict[str, Json] = {}
        if policy.requires:
            newest = self._newest(conn, policy, moving.artifact_id)
            found["verdicts"] = {gate: int(newest[gate].id) for gate in policy.requires}
        request = self._requests.open_one(conn, moving.artifact_id, wanted.to)
        if request is not None:
            found |= {"request": int(request.id), "approved_by": [*request.counted]}
        return found

    def _newest(self, conn: sa.Connection, policy: Policy, artifact_id: int) -> dict[str, Verdict]:
        if not policy.requires:
            return {}
        return {verdict.gate: verdict for verdict in self._verdicts.of(conn, artifact_id)}

    def _deprecation(self, conn: sa.Connection, artifact_id: int) -> list[Need]:
        found = conn.execute(
            sa.select(deprecation.c.reason).where(deprecation.c.artifact_id == artifact_id)
        ).scalar()
        if found is None:
            return []
        return [Need(kind=NeedKind.DEPRECATED, text=f"it is deprecated ({found})", found=found)]

    def _approvals(self, conn: sa.Connection, policy: Policy, moving: Any, wanted: Transition) -> list[Need]:
        if not policy.approvals:
            return []
        request = self._requests.open_one(conn, moving.artifact_id, wanted.to)
        who = tuple(sorted(policy.approvers))
        givers = f"from {', '.join(who)}" if who else "from anyone"
        if request is None:
            text = f"{policy.approvals} approvals {givers} are needed, and nobody has requested them"
            return [Need(kind=NeedKind.APPROVAL, text=text, count=0, wanted=policy.approvals, who=who)]
        if request.is_granted:
            return []
        have = len(request.counted)
        text = f"{have} of {policy.approvals} approvals {givers}"
        if request.barred:
            text += f" other than {', '.join(request.barred)}"
        if request.rejected_by:
            text += f", rejected by {', '.join(request.rejected_by)}"
        found = "rejected" if request.rejected_by else None
        return [
            Need(kind=NeedKind.APPROVAL, text=text, found=found, count=have, wanted=policy.approvals, who=who)
        ]


def _verdict_need(gate: str, verdict: Verdict | None) -> Need | None:
    if verdict is None:
        return Need(kind=NeedKind.VERDICT, text=f"no verdict of gate {gate!r}", gate=gate)
    if verdict.outcome is Outcome.PASS:
        return None
    says = f": {verdict.summary}" if verdict.summary else ""
    text = f"gate {gate!r} says {verdict.outcome}{says}"
    return Need(kind=NeedKind.VERDICT, text=text, gate=gate, found=str(verdict.outcome))


def _rival_need(verdict: Verdict, rivals: Mapping[int, str]) -> Need | None:
    """Ask for a new verdict where the newest compares with a version that has been replaced since."""
    compares = verdict.baseline is not None or RUBBER_STAMP in verdict.facts
    if not compares or not rivals or verdict.baseline in rivals:
        return None
    other = f"version {verdict.baseline}" if verdict.baseline else f"nothing ({RUBBER_STAMP})"
    now = " and ".join(f"version {number} is in {stage}" for number, stage in rivals.items())
    text = f"gate {verdict.gate!r} compared it with {other}, but {now}: judge it again"
    return Need(kind=NeedKind.VERDICT, text=text, gate=verdict.gate, found=STALE)
