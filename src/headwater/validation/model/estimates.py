"""Numbers with what resampling says of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

MOST_UNDEFINED: Final = 0.01
"""Share of draws without a value, from which on there is no interval."""

_NO_DRAWS: Final = np.empty(0)


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval of confidence, both ends included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimate:
    """A number that was measured on a sample.

    Attributes:
        value: The number; NaN: it is undefined there.
        draws: The same on each resample, shape (n_draws,); one for what has no error; empty: unknown.
        is_spread: It is a distance that noise alone makes greater, such as the gap between slices, or
            the difference of two such.
        least: What it can never be below.
        why: Why it is undefined.
    """

    value: float
    draws: NDArray[np.float64] = field(default_factory=lambda: _NO_DRAWS)
    is_spread: bool = False
    least: float = float("-inf")
    why: str = ""

    @classmethod
    def exact(cls, value: float) -> Self:
        """Return a number without error, such as a size."""
        return cls(value=value, draws=np.array([value]))

    @classmethod
    def undefined(cls, why: str) -> Self:
        """Return what cannot be measured."""
        return cls(value=float("nan"), why=why)

    @property
    def is_defined(self) -> bool:
        """Tell whether there is a number."""
        return bool(np.isfinite(self.value))

    def interval(self, confidence: float) -> Interval | None:
        """Return the two-sided interval; None where draws are missing or too many are undefined.

        Percentiles of the draws; of a spread the percentiles mirrored at the value, which takes away in
        first order what noise adds to it twice.

        Source:
            Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13; Davison and
            Hinkley, Bootstrap Methods and their Application (1997), section 5.2, for the mirrored one.
        """
        lost = np.isnan(self.draws)
        if not self.is_defined or not self.draws.size or lost.mean() > MOST_UNDEFINED:
            return None
        tail = (1 - confidence) / 2
        low, high = (float(x) for x in np.quantile(self.draws[~lost], [tail, 1 - tail]))
        if self.is_spread:
            low, high = 2 * self.value - high, 2 * self.value - low
            return Interval(max(low, self.least), max(high, self.least))
        return Interval(low, high)

    def shown(self, interval: Interval | None, *, sign: str = "") -> str:
        """Return the number in digits, with its interval unless it has no error."""
        text = in_digits(self.value, sign)
        if interval is None or self.draws.size == 1:
            return text
        return f"{text} [{in_digits(interval.low, sign)}, {in_digits(interval.high, sign)}]"

    def minus(self, other: "Estimate") -> "Estimate":
        """Return the difference; draws of both are paired."""
        return self._with(other, self.value - other.value, _paired(np.subtract, self, other))

    def relative_to(self, other: "Estimate") -> "Estimate":
        """Return the difference in parts of the size of the other; undefined where that is 0."""
        if other.value == 0:
            return Estimate.undefined("relative to 0")
        change = self.minus(other)
        draws = _paired(_parts, change, other)
        return self._with(other, change.value / abs(other.value), draws)

    def _with(self, other: "Estimate", value: float, draws: NDArray[np.float64]) -> "Estimate":
        is_spread = self.is_spread or other.is_spread
        return Estimate(value=value, draws=draws, is_spread=is_spread, why=self.why or other.why)


def in_digits(value: float, sign: str = "") -> str:
    """Return a number with four digits, or all that stand before its point."""
    return format(value, f"{sign},.0f" if 1e4 <= abs(value) < 1e15 else f"{sign}.4g")


def worst(estimates: Sequence[Estimate], *, higher_is_better: bool) -> Estimate:
    """Return the worst of several numbers."""
    return _over(estimates, np.minimum.reduce if higher_is_better else np.maximum.reduce, is_spread=False)


def gap(estimates: Sequence[Estimate]) -> Estimate:
    """Return how far the greatest of several numbers is from the smallest."""
    return _over(estimates, np.ptp, is_spread=True)


def _over(estimates: Sequence[Estimate], over: Callable[..., Any], *, is_spread: bool) -> Estimate:
    if undefined := [each for each in estimates if not each.is_defined]:
        return undefined[0]
    value = float(over(np.array([each.value for each in estimates]), axis=0))
    length = max(each.draws.size for each in estimates)
    if any(each.draws.size not in {1, length} for each in estimates):
        return Estimate(value=value)
    draws = np.stack([np.broadcast_to(each.draws, length) for each in estimates])
    least = 0.0 if is_spread else float("-inf")
    return Estimate(value=value, draws=np.asarray(over(draws, axis=0)), is_spread=is_spread, least=least)


def _parts(change: NDArray[np.float64], size: NDArray[np.float64]) -> NDArray[np.float64]:
    found = np.full(change.shape, np.nan)
    return np.divide(change, np.abs(size), out=found, where=size != 0)


def _paired(how: Callable[..., NDArray[np.float64]], one: Estimate, other: Estimate) -> NDArray[np.float64]:
    """Combine draws one by one; what has no error goes with each, and what has no draws leaves none."""
    if not one.draws.size or not other.draws.size:
        return _NO_DRAWS
    return how(one.draws, other.draws)
