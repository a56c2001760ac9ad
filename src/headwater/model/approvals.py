"""Approvals: requests that a version may go to a stage, and the votes on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NewType

from headwater.model.graph import ArtifactLink, ExecutionChange
from headwater.model.ids import ContextId
from headwater.model.refs import ModelRef

RequestId = NewType("RequestId", int)

APPROVE: Final = "approve"
REJECT: Final = "reject"
"""What the ledger calls a vote, or a decision on an execution."""


class RequestStatus(IntEnum):
    """What became of a request."""

    OPEN = 1
    USED = 2
    """The move that it asked for was made."""
    WITHDRAWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """The present vote of one approver; the ledger keeps those that were changed or taken back."""

    actor: str
    approves: bool
    reason: str
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    """A request that one version may go to one stage."""

    model: str
    version: int
    stage: str
    actor: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVote:
    """A vote on the open request of a version and a stage; None takes the actor's vote back."""

    model: str
    version: int
    stage: str
    actor: str
    reason: str
    approves: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person decides on an execution that waits for it, such as a step of a pipeline.

    Attributes:
        subject: Reference of what is decided on, for the ledger; there alone it stands who decided, and why.
        execution: How the decision changes the execution.
        artifacts: What comes of it.
        contexts: What all of it belongs to.
    """

    subject: str
    actor: str
    reason: str
    approves: bool
    execution: ExecutionChange
    artifacts: Sequence[ArtifactLink] = ()
    contexts: Sequence[ContextId] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """A request, as it stands under the present policy.

    Attributes:
        needed: How many approvals the policy of the stage asks for.
        counted: Who has approved and counts: may approve, and is not barred by the separation of duty.
        approvers: Roles and actors who may approve; empty: anyone.
        barred: Who may not, because of the separation of duty.
    """

    id: RequestId
    model: str
    version: int
    stage: str
    status: RequestStatus
    requester: str
    reason: str
    created_ms: int
    closed_ms: int | None = None
    votes: tuple[Vote, ...] = ()
    needed: int = 0
    counted: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    barred: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """Reference of the version, such as `models/late-flights/3`."""
        return str(ModelRef(self.model, self.version))

    @property
    def rejected_by(self) -> tuple[str, ...]:
        """Who is against it; a request is not granted while anybody is."""
        return tuple(vote.actor for vote in self.votes if not vote.approves)

    def vote_of(self, actor: str) -> bool | None:
        """Return how somebody votes now: True approves, None has no vote."""
        return next((vote.approves for vote in self.votes if vote.actor == actor), None)

    @property
    def is_open(self) -> bool:
        """True until the move is made or the request withdrawn."""
        return self.status is RequestStatus.OPEN

    @property
    def is_granted(self) -> bool:
        """True when enough have approved and nobody is against it."""
        return self.is_open and not self.rejected_by and len(self.counted) >= self.needed

    @property
    def state(self) -> str:
        """Where it stands: `pending`, `granted`, `rejected`, `used` or `withdrawn`."""
        if not self.is_open:
            return self.status.name.lower()
        return "rejected" if self.rejected_by else "granted" if self.is_granted else "pending"
