"""What chance alone does to distances between two tables of so many rows, when nothing has changed."""

import math
from collections.abc import Sequence
from typing import Any, Final, cast

from headwater.errors import MissingDependencyError

_STEPS: Final = 12
"""Halvings of the interval in which a threshold lies: it is known to a part in 4,000."""
_SUPPORT: Final = 1000
"""A count that can take at most so many values is summed exactly; beyond, the normal law is as good."""


def l_infinity_chance(one: Sequence[int], two: Sequence[int], distance: float) -> float:
    """Return a bound of the chance that two tables of one origin are this far apart by L-infinity.

    Given how often a value stands in both tables together, chance deals its rows out to them like cards:
    each count is hypergeometric. The chances of the values are added up, so the answer is never too
    small, for any number of rows; it needs no simulation.

    Args:
        one: Counts of each value, shape (n_values,).
        two: The same values' counts in another table, shape (n_values,).
        distance: Their distance, or another one.

    Returns:
        From 0 to 1.

    Source:
        Fisher's exact test (1935) of each value, with Bonferroni's inequality.

    Example:
        >>> l_infinity_chance([60, 40], [48, 52], 0.12) > 0.1
        True
    """
    rows, other_rows = sum(one), sum(two)
    pooled = {a + b for a, b in zip(one, two, strict=True)}
    times = dict.fromkeys(pooled, 0)
    for a, b in zip(one, two, strict=True):
        times[a + b] += 1
    if len(one) == 2:
        # The two shares add up to one, so both are off together.
        times = {one[0] + two[0]: 1}
    return min(1.0, sum(n * _dealt(k, rows, other_rows, distance) for k, n in times.items()))


def jensen_shannon_chance(bins: int, rows: int, other_rows: int, divergence: float) -> float:
    """Return the chance that two tables of one origin are this far apart by Jensen-Shannon.

    Args:
        bins: In how many bins rows were counted.
        rows: How many there are.
        other_rows: How many there are in the other table.
        divergence: In bits.

    Returns:
        From 0 to 1: the upper tail of chi-square with `bins` - 1 degrees of freedom.

    Source:
        Grosse et al., Physical Review E 65, 041905 (2002): to second order the divergence is chi-square;
        here with equal weights, 8 ln 2 D / (1/n + 1/m).

    Example:
        >>> round(jensen_shannon_chance(10, 1000, 1000, 0.006102), 3)
        0.05
    """
    if bins < 2:
        return 1.0
    statistic = 8 * math.log(2) * divergence / (1 / rows + 1 / other_rows)
    return float(_scipy_stats().chi2.sf(statistic, bins - 1))


def jensen_shannon_threshold(bins: int, rows: int, other_rows: int, level: float) -> float:
    """Return the divergence, in bits, that chance alone exceeds with a chance of `level`.

    Source:
        As `jensen_shannon_chance`.
    """
    if bins < 2:
        return 0.0
    statistic = float(_scipy_stats().chi2.isf(level, bins - 1))
    return min(1.0, statistic * (1 / rows + 1 / other_rows) / (8 * math.log(2)))


def l_infinity_threshold(one: Sequence[int], two: Sequence[int], level: float) -> float:
    """Return a distance that chance alone exceeds with a chance of `level` at the most.

    Source:
        As `l_infinity_chance`.
    """
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if l_infinity_chance(one, two, middle) > level:
            low = middle
        else:
            high = middle
    return high


def adjusted(chances: Sequence[float]) -> list[float]:
    """Correct chances for how many there are, so that of all alarms only a share is false.

    Args:
        chances: One for each feature, in any order.

    Returns:
        Index-aligned with `chances`, from 0 to 1: a feature alarms where this is at most the level.

    Source:
        Benjamini and Hochberg, Journal of the Royal Statistical Society B 57 (1995).

    Example:
        >>> [round(c, 3) for c in adjusted([0.01, 0.04, 0.03])]
        [0.03, 0.04, 0.04]
    """
    order = sorted(range(len(chances)), key=lambda i: chances[i], reverse=True)
    found, least = [1.0] * len(chances), 1.0
    for place, i in enumerate(order):
        least = min(least, chances[i] * len(chances) / (len(chances) - place))
        found[i] = least
    return found


def _dealt(pooled: int, rows: int, other_rows: int, distance: float) -> float:
    """Return the chance that the share of one value differs by `distance`, `pooled` rows having it."""
    import numpy as np

    total, spread = rows + other_rows, 1 / rows + 1 / other_rows
    if not 0 < pooled < total:
        return 0.0 if distance > 0 else 1.0
    # Rounding must not part what is equal.
    distance -= 1e-9
    low, high = max(0, pooled - other_rows), min(pooled, rows)
    if high - low > _SUPPORT:
        share = pooled / total
        deviation = math.sqrt(share * (1 - share) * spread * total / (total - 1))
        return math.erfc(distance / deviation / math.sqrt(2))
    counts = np.arange(low, high + 1)
    is_far = np.abs(counts * spread - pooled / other_rows) >= distance
    special = _scipy_special()
    logs = (
        _log_ways(special, pooled, counts)
        + _log_ways(special, total - pooled, rows - counts)
        - _log_ways(special, total, rows)
    )
    return float(np.sum(np.exp(logs[is_far])))


def _log_ways(special: Any, total: int, chosen: Any) -> Any:
    gammaln = special.gammaln
    return gammaln(total + 1) - gammaln(chosen + 1) - gammaln(total - chosen + 1)


def _scipy_stats() -> Any:
    try:
        from scipy import stats
    except ImportError as error:
        raise MissingDependencyError("scipy", "validation", "comparing data") from error
    return cast("Any", stats)


def _scipy_special() -> Any:
    try:
        from scipy import special
    except ImportError as error:
        raise MissingDependencyError("scipy", "validation", "comparing data") from error
    return cast("Any", special)
