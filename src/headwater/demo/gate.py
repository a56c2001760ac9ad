"""The gate: whether a challenger may replace the version in production, and whether that was right."""

from dataclasses import dataclass
from typing import Final

MARGIN: Final = 0.01
"""AUC by which a challenger has to win: less is noise on two weeks of flights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A challenger and the version in production, both on the flights of the last days before a month.

    Attributes:
        production: AUC of the version in production.
        challenger: AUC of the challenger.
        same_data: Reference of the data version, when both were trained on one and the same.
    """

    production: float
    challenger: float
    same_data: str | None = None

    @property
    def gain(self) -> float:
        """What the challenger adds."""
        return self.challenger - self.production

    @property
    def is_promoted(self) -> bool:
        """True when the challenger wins by more than the margin; never when an AUC is NaN."""
        return self.gain > MARGIN

    @property
    def decision(self) -> str:
        """`promote` or `keep`."""
        return "promote" if self.is_promoted else "keep"

    @property
    def reason(self) -> str:
        """The decision in words, with its numbers."""
        found = (
            f"AUC {self.challenger:.3f} against {self.production:.3f} on the last 14 days ({self.gain:+.3f}"
        )
        if self.is_promoted:
            return f"{found}, more than {MARGIN})"
        same = f"; trained on the same data, {self.same_data}" if self.same_data else ""
        return f"{found}, not more than {MARGIN}){same}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindsight:
    """The same two on the flights of the month itself, once they have all landed.

    Attributes:
        before: AUC of the version that was in production before the gate.
        challenger: AUC of the challenger.
    """

    before: float
    challenger: float

    def is_regretted(self, judgement: Judgement) -> bool:
        """True when the challenger was promoted and the version that it replaced would have done better."""
        return judgement.is_promoted and self.before > self.challenger
