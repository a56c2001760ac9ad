"""Short ways to say what a test of the release process decides."""

from collections.abc import Mapping
from typing import Any

from headwater.model.approvals import ApprovalRequest, NewRequest, NewVote
from headwater.model.models import Transition
from headwater.model.process_files import process_from
from headwater.model.protocols import Store
from headwater.model.release import Need
from headwater.model.verdicts import NewVerdict, Outcome, Verdict


def set_process(store: Store, given: Mapping[str, Any], *, name: str | None = None) -> None:
    """Change the release process."""
    store.releases.set_process(process_from(given), name=name, actor="boss", reason="rules")


def set_policy(store: Store, stage: str = "production", **policy: Any) -> None:
    """Give one stage of all models a policy; `roles` are those of the process."""
    roles = policy.pop("roles", {})
    set_process(store, {"policies": {stage: policy}, "roles": roles})


def judge(store: Store, gate: str, outcome: str = "pass", version: int = 1, **fields: Any) -> Verdict:
    """Store a verdict."""
    named = {"model": "m", "actor": "gatekeeper", **fields}
    return store.releases.add_verdict(
        NewVerdict(version=version, gate=gate, outcome=Outcome(outcome), **named)
    )


def request(store: Store, actor: str = "ann", version: int = 1, stage: str = "production") -> ApprovalRequest:
    """Open a request."""
    return store.approvals.request(_request(actor, version, stage))


def withdraw(store: Store, actor: str = "ann", version: int = 1) -> ApprovalRequest:
    """Close a request."""
    return store.approvals.withdraw(_request(actor, version, "production"))


def vote(
    store: Store, actor: str, approves: bool | None = True, version: int = 1, stage: str = "production"
) -> ApprovalRequest:
    """Vote on an open request."""
    new = NewVote(model="m", version=version, stage=stage, actor=actor, reason="because", approves=approves)
    return store.approvals.vote(new)


def needs(store: Store, version: int = 1, to: str = "production", **fields: Any) -> list[Need]:
    """What a move lacks."""
    named = {"model": "m", "reason": "because", "actor": "ann", **fields}
    return store.releases.check(Transition(version=version, to=to, **named))


def _request(actor: str, version: int, stage: str) -> NewRequest:
    return NewRequest(model="m", version=version, stage=stage, actor=actor, reason="because")
