"""What a gate says of a model, and what that rests on."""

from dataclasses import dataclass

from headwater.model.values import Json
from headwater.model.verdicts import RUBBER_STAMP, Outcome
from headwater.validation.model.estimates import Interval
from headwater.validation.model.evaluation import Evaluation
from headwater.validation.model.gates import Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one limit of one check came to on one slice.

    Attributes:
        metric: The metric.
        slice: Where; of several slices as one number, such as `worst of carrier`.
        kind: `value`, or `absolute` or `relative` for a change against the baseline.
        outcome: What it came to.
        text: It in words.
        value: The number that was held against the limit; None: there is none.
        interval: Of that number.
        row_count: Rows that it rests on.
    """

    metric: str
    slice: str
    kind: str
    outcome: Outcome
    text: str
    value: float | None = None
    interval: Interval | None = None
    row_count: int | None = None

    def facts(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {
            "metric": self.metric,
            "slice": self.slice,
            "kind": self.kind,
            "outcome": str(self.outcome),
            "text": self.text,
            "value": self.value,
            "interval": None if self.interval is None else [self.interval.low, self.interval.high],
            "rows": self.row_count,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judgement:
    """What a gate says of a model.

    Attributes:
        outcome: The worst of its findings: one fail is a fail.
        findings: Of each check and slice, in the gate's order.
        skipped: Slices that were left out for want of rows, and what else was not looked at.
        rubber_stamp: Why nothing was compared, if a check asked for it; else empty.
    """

    gate: Gate
    evaluation: Evaluation
    outcome: Outcome
    findings: tuple[Finding, ...]
    skipped: tuple[str, ...] = ()
    rubber_stamp: str = ""

    def of(self, outcome: Outcome) -> list[Finding]:
        """Return the findings of one outcome."""
        return [each for each in self.findings if each.outcome is outcome]

    @property
    def summary(self) -> str:
        """The judgement in one sentence: what failed, else what is not proven, else that all holds."""
        decisive = self.of(self.outcome)
        if self.outcome is Outcome.PASS:
            told = f"{len(decisive)} of {len(self.findings)} limits hold"
        else:
            shown = "; ".join(each.text for each in decisive[:3])
            told = shown + (f"; and {len(decisive) - 3} more" if len(decisive) > 3 else "")
        return f"{told} ({RUBBER_STAMP}: {self.rubber_stamp})" if self.rubber_stamp else told

    def facts(self) -> dict[str, Json]:
        """Return what the judgement rests on, as JSON."""
        found: dict[str, Json] = {
            "findings": [each.facts() for each in self.findings],
            "rows": self.evaluation.row_count,
            "confidence": self.evaluation.confidence,
        }
        if self.skipped:
            found["skipped"] = [*self.skipped]
        if self.rubber_stamp:
            found[RUBBER_STAMP] = self.rubber_stamp
        return found

    def to_markdown(self) -> str:
        """Return it as Markdown: the outcome, the findings, and a table by slice."""
        from headwater.validation.model.report import judgement_markdown

        return judgement_markdown(self)

    def _repr_html_(self) -> str:
        from headwater.validation.model.report import judgement_html

        return judgement_html(self)

    def __str__(self) -> str:
        from headwater.validation.model.report import judgement_text

        return judgement_text(self)
