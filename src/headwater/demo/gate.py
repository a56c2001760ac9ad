"""The gates: whether a challenger may replace the version in production, and whether that was right."""

from dataclasses import dataclass
from typing import Final

from headwater.demo.features import LABEL
from headwater.model.release import Policy, ReleaseProcess
from headwater.model.verdicts import Outcome
from headwater.validation.model import Check, Finding, Gate, InfraGate, Judgement, Plan

AUC: Final = "roc_auc"
FLOOR: Final = 0.6
"""AUC below which no version goes into production, whatever it replaces."""
GAIN: Final = 0.001
"""AUC by which a challenger has to be proven better on all flights: any gain at all, but no tie."""
TOLERANCE: Final = 0.03
"""AUC by which a challenger may be worse at one airport: there are 4,000 flights in 14 days, and the interval
is as wide as plus and minus 0.02, so that nothing much smaller could be proven."""
PLACES: Final = "origin"

GATE: Final = Gate(
    plan=Plan(target=LABEL, metrics=(AUC,), draws=200),
    checks=(
        Check(metric=AUC, lower=FLOOR, absolute=GAIN),
        Check(metric=AUC, slices=(PLACES,), absolute=-TOLERANCE),
    ),
    min_rows=200,
)
"""Proven better than the version in production on all flights, and not much worse at any airport."""

INFRA: Final = InfraGate(timeout_s=300)
"""The model loads in a fresh process and answers its example there, on a busy machine, too."""

PROCESS: Final = ReleaseProcess(policies={"production": Policy(requires=("data", "model", "infra"))})
"""What has to be there before a promotion; the store itself holds it."""


def told(judgement: Judgement) -> str:
    """Return what the gate found: the numbers on all flights, and every limit that does not hold."""
    whole = judgement.evaluation[AUC]
    against = "" if whole.baseline is None else f" against {whole.baseline.value:.3f}"
    head = f"AUC {whole.value.value:.3f}{against} on the last 14 days"
    changes = [each for each in judgement.findings if each.kind == "absolute"]
    if not changes:
        return f"{head}; {judgement.rubber_stamp or judgement.summary}"
    reasons = [_told(each) for each in judgement.findings if each.outcome is not Outcome.PASS]
    if not reasons:
        reasons = ["better at a confidence of 95 %", f"at no airport worse by {TOLERANCE}"]
    return f"{head}, {_change(changes[0])}: {'; '.join(reasons)}"


def _told(finding: Finding) -> str:
    is_open = finding.outcome is Outcome.INSUFFICIENT
    if finding.kind != "absolute":
        return f"{'not proven to be' if is_open else 'not'} at least {FLOOR}"
    if finding.slice == "all":
        return "not proven to be better" if is_open else "not better"
    limit = f"{'not proven to be less than' if is_open else 'more than'} {TOLERANCE} worse"
    return f"{_airport(finding)} {_change(finding)}, {limit}"


def _airport(finding: Finding) -> str:
    return finding.slice.rpartition(" ")[2].strip("'")


def _change(finding: Finding) -> str:
    if finding.value is None:
        return finding.text
    if finding.interval is None:
        return f"{finding.value:+.3f}"
    return f"{finding.value:+.3f} [{finding.interval.low:+.3f}, {finding.interval.high:+.3f}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindsight:
    """A challenger and what was in production before it, on the flights of the month, once they have landed.

    Attributes:
        before: AUC of the version that was in production before the gate.
        challenger: AUC of the challenger.
        is_promoted: The challenger was in production.
    """

    before: float
    challenger: float
    is_promoted: bool

    @property
    def is_regretted(self) -> bool:
        """True when the challenger was promoted and the version that it replaced would have done better."""
        return self.is_promoted and self.before > self.challenger
