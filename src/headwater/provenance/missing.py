"""What the record of a thing lacks, how much is there, and the call that would have recorded the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headwater.provenance.changes import plain
from headwater.provenance.html import table_html
from headwater.provenance.wording import listed, short


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was not recorded.

    Attributes:
        check: What it belongs to, such as `data version`.
        ref: Whose record lacks it.
        why: Why it is not there.
        call: The call that would have recorded it.
    """

    check: str
    ref: str
    why: str
    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that a record should have.

    Attributes:
        name: Such as `data version` or `code commit`.
        share: How much of it is there, 0 to 1.
        findings: What is not.
    """

    name: str
    share: float
    findings: tuple[Finding, ...] = ()

    @property
    def standing(self) -> str:
        """`known`, `partly known` or `missing`."""
        return "known" if self.share == 1 else "partly known" if self.share > 0 else "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What the record of one thing has and lacks.

    Attributes:
        ref: Its reference.
        checks: All that was looked for.
    """

    ref: str
    checks: tuple[Check, ...] = ()

    @property
    def score(self) -> float:
        """How much is known, 0 to 1: the mean of the shares of all checks."""
        return sum(check.share for check in self.checks) / len(self.checks) if self.checks else 0.0

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that is not there, in the order of the checks."""
        return tuple(finding for check in self.checks for finding in check.findings)

    @property
    def is_complete(self) -> bool:
        """True when every check is known."""
        return all(check.share == 1 for check in self.checks)

    def rows(self) -> list[dict[str, Any]]:
        """Return rows for people: one for each finding, and one for each check without any."""
        return [row for check in self.checks for row in _rows(check)]

    def json(self) -> dict[str, Any]:
        """Return all of it as JSON, with the score and the sentence."""
        checks = [plain(check) | {"standing": check.standing} for check in self.checks]
        return {"ref": self.ref, "score": self.score, "checks": checks, "sentence": self.sentence()}

    def sentence(self) -> str:
        """Return it in plain English."""
        if self.is_complete:
            return f"All that the record of {self.ref} should have is there: {self._names()}."
        parts = [f"{self.score:.0%} of the record of {self.ref} is known"]
        for standing in ("missing", "partly known"):
            names = [check.name for check in self.checks if check.standing == standing]
            parts += [f"{standing}: {listed(names, most=len(names))}"] if names else []
        return "; ".join(parts) + "."

    def _names(self) -> str:
        return listed([check.name for check in self.checks], most=len(self.checks))

    def __str__(self) -> str:
        return self.sentence()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": table_html(self.sentence(), self.rows())}


def _rows(check: Check) -> list[dict[str, Any]]:
    findings: Sequence[Finding | None] = check.findings or (None,)
    return [
        {
            "check": check.name,
            "standing": check.standing,
            "of": short(finding.ref) if finding else "",
            "why": finding.why if finding else "",
            "call": finding.call if finding else "",
        }
        for finding in findings
    ]
