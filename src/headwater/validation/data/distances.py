"""How far two distributions are apart, each given by its counts in the same bins or of the same values."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Shares = NDArray[np.float64]


def l_infinity(one: Sequence[float], two: Sequence[float]) -> float:
    """Return the largest difference between two shares of the same value.

    Args:
        one: Counts of each value, shape (n_values,).
        two: The same values' counts in another table, shape (n_values,).

    Returns:
        From 0 (the same shares) to 1; without unit.

    Raises:
        ValueError: the shapes differ, or one is empty.

    Source:
        What TensorFlow Data Validation compares categories by.

    Example:
        >>> l_infinity([50, 50], [80, 20])
        0.3
    """
    import numpy as np

    a, b = _shares(one, two)
    return round(float(np.max(np.abs(a - b))), 12)


def jensen_shannon(one: Sequence[float], two: Sequence[float]) -> float:
    """Return the Jensen-Shannon divergence: the mean divergence of both from their average.

    Args:
        one: Counts of each bin, shape (n_bins,).
        two: Counts of the same bins in another table, shape (n_bins,).

    Returns:
        In bits, from 0 (the same shares) to 1 (no bin in common).

    Raises:
        ValueError: the shapes differ, or one is empty.

    Source:
        Lin, IEEE Transactions on Information Theory 37 (1991), with equal weights.

    Example:
        >>> jensen_shannon([1, 0], [0, 1])
        1.0
    """
    import numpy as np

    a, b = _shares(one, two)
    middle = (a + b) / 2
    total = 0.0
    for side in (a, b):
        seen = side > 0
        total += float(np.sum(side[seen] * np.log2(side[seen] / middle[seen]))) / 2
    return round(min(1.0, max(0.0, total)), 12)


def effect_size(one: Sequence[float], two: Sequence[float]) -> float:
    """Return Cohen's w of two distributions: how large their difference is, whatever the number of rows.

    Args:
        one: Counts of each bin or value, shape (n,).
        two: Counts of the same in another table, shape (n,).

    Returns:
        At least 0, without unit; by convention 0.1 is small, 0.3 medium and 0.5 large.

    Raises:
        ValueError: the shapes differ, or one is empty.

    Source:
        Cohen, Statistical Power Analysis for the Behavioral Sciences (1988), chapter 7; of the average
        of both, so that a value which only one has gives no infinity.

    Example:
        >>> effect_size([50, 50], [80, 20])
        0.629
    """
    import numpy as np

    a, b = _shares(one, two)
    middle = (a + b) / 2
    seen = middle > 0
    return round(float(np.sqrt(np.sum((a[seen] - b[seen]) ** 2 / middle[seen]))), 3)


def _shares(one: Sequence[float], two: Sequence[float]) -> "tuple[Shares, Shares]":
    import numpy as np

    a, b = np.asarray(one, dtype=np.float64), np.asarray(two, dtype=np.float64)
    if a.shape != b.shape or not a.sum() or not b.sum():
        raise ValueError(f"need counts of one shape with something in both, got {a.shape} and {b.shape}")
    return a / a.sum(), b / b.sum()
