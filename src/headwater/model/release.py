"""The release process: who may move a version to a stage, on which verdicts and approvals."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from headwater.model.models import DEFAULT_STAGES, Stages


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What has to be there before a version may go to a stage.

    Attributes:
        requires: Gates whose newest verdict on the version has to be a pass, and one against the version
            that is to be replaced where the gate compares versions.
        approvals: How many people have to approve.
        approvers: Roles or actors who may approve; empty: anyone.
        promoters: Roles or actors who may make the move; empty: anyone.
        separates_duty: Whoever requested the move or registered the version cannot approve it.
        binds_rollback: Ask the same of a rollback, which otherwise restores what was let in before.
    """

    requires: tuple[str, ...] = ()
    approvals: int = 0
    approvers: frozenset[str] = frozenset()
    promoters: frozenset[str] = frozenset()
    separates_duty: bool = False
    binds_rollback: bool = False


STALE: Final = "stale"
"""What a need says of a verdict that compares with another version than the one to be replaced."""

FREE = Policy()
"""The policy of a stage that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseProcess:
    """How the versions of a model are released.

    Attributes:
        stages: Which stages there are and how a version may move.
        policies: By stage, what has to be there before; a stage without one asks for nothing.
        roles: By role, the actors who have it.
    """

    stages: Stages = DEFAULT_STAGES
    policies: Mapping[str, Policy] = field(default_factory=dict[str, Policy])
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])

    def policy(self, stage: str) -> Policy:
        """Return what a stage asks for."""
        return self.policies.get(stage, FREE)

    def people(self, named: Iterable[str]) -> frozenset[str]:
        """Return the actors that roles and actors name."""
        return frozenset(actor for name in named for actor in self.roles.get(name, {name}))

    def allows(self, named: frozenset[str], actor: str) -> bool:
        """Tell whether an actor is among those named; nobody named means anyone."""
        return not named or actor in self.people(named)


class NeedKind(StrEnum):
    """What kind of thing a move lacks."""

    TRANSITION = "transition"
    HOLDER = "holder"
    VERDICT = "verdict"
    APPROVAL = "approval"
    ROLE = "role"
    DEPRECATED = "deprecated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing that a move lacks.

    Attributes:
        text: It in words, with who can help.
        gate: Of a verdict, its gate.
        found: What is there instead, such as `fail`, `insufficient`, `stale`, or None.
        count: Of approvals, how many count.
        wanted: Of approvals, how many are asked for.
        who: The actors and roles who can give it; empty: anyone.
    """

    kind: NeedKind
    text: str
    gate: str | None = None
    found: str | None = None
    count: int | None = None
    wanted: int | None = None
    who: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text
