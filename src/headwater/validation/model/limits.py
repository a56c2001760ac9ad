"""One number against its limits: three outcomes, and the words for them."""

from dataclasses import dataclass

from headwater.model.verdicts import Outcome
from headwater.validation.model.estimates import Estimate, Interval, in_digits
from headwater.validation.model.evaluation import Measure
from headwater.validation.model.gates import Check, Evidence
from headwater.validation.model.judgements import Finding

_VERBS = {
    Outcome.PASS: "is",
    Outcome.FAIL: "is not",
    Outcome.INSUFFICIENT: "is not proven to be",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Limit:
    """A number and the ends that it has to be between.

    Attributes:
        kind: `value`, `absolute` or `relative`, as in `Finding`.
        number: The number.
        lower: Smallest value; None: no matter.
        upper: Greatest value; None: no matter.
    """

    kind: str
    number: Estimate
    lower: float | None
    upper: float | None

    def finding(self, check: Check, measure: Measure, confidence: float) -> Finding:
        """Hold the number against its ends."""
        interval = self.number.interval(confidence)
        decisive = interval
        if check.by is Evidence.POINT and self.number.is_defined:
            decisive = Interval(self.number.value, self.number.value)
        outcome = self._outcome(decisive)
        return Finding(
            metric=check.metric,
            slice=measure.slice,
            kind=self.kind,
            outcome=outcome,
            text=f"{check.metric} on {measure.slice}{self._words(outcome, interval, decisive)}",
            value=self.number.value if self.number.is_defined else None,
            interval=interval,
            row_count=measure.row_count,
        )

    def _outcome(self, found: Interval | None) -> Outcome:
        if found is None:
            return Outcome.INSUFFICIENT
        least = float("-inf") if self.lower is None else self.lower
        most = float("inf") if self.upper is None else self.upper
        if least <= found.low and found.high <= most:
            return Outcome.PASS
        return Outcome.FAIL if found.high < least or found.low > most else Outcome.INSUFFICIENT

    def _words(self, outcome: Outcome, interval: Interval | None, decisive: Interval | None) -> str:
        if not self.number.is_defined:
            return f" is undefined: {self.number.why}"
        shown = self.number.shown(interval, sign="" if self.kind == "value" else "+")
        if decisive is None:
            shown += " (no interval)"
        does = {"value": " is", "absolute": " changed by", "relative": " changed relatively by"}[self.kind]
        ends = [f"at least {in_digits(self.lower)}"] if self.lower is not None else []
        ends += [f"at most {in_digits(self.upper)}"] if self.upper is not None else []
        return f"{does} {shown}, which {_VERBS[outcome]} {' and '.join(ends)}"
