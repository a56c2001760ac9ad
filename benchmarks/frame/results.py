"""What came of a measurement."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """How many times cheaper than its peer the work has to be, and how the design says that."""

    at_least: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Costs of the same work, ours and a peer's, measured in turns; less is better.

    Attributes:
        unit: Of the costs, such as `s` or `B`.
    """

    benchmark: str
    work: str
    peer: str
    ours: Sequence[float]
    theirs: Sequence[float]
    unit: str = "s"
    target: Target | None = None
    note: str = ""

    @property
    def ratios(self) -> list[float]:
        """How many times cheaper we are, turn by turn."""
        return [theirs / ours for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    @property
    def ratio(self) -> float:
        """Median of the ratios."""
        return median(self.ratios)

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None without a target."""
        return None if self.target is None else self.ratio >= self.target.at_least

    def record(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        told = {"ratio": self.ratio, "ratios": self.ratios, "is_met": self.is_met}
        return {"kind": "result", **asdict(self), **told}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that was seen and has no peer, such as that nothing was lost."""

    benchmark: str
    work: str
    seen: str
    target: str = ""
    is_met: bool | None = None

    def record(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {"kind": "fact", **asdict(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """How the cost of one call grows with the size of the store.

    Attributes:
        seconds: Cost of one call, the median, index-aligned with `sizes`.
    """

    benchmark: str
    work: str
    sizes: Sequence[int]
    seconds: Sequence[float]

    def record(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {"kind": "curve", **asdict(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A benchmark, or a part of one, that could not be run here."""

    benchmark: str
    reason: str

    def record(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {"kind": "skip", **asdict(self)}
