"""Resamples of rows as weights: row 3 twice and row 4 never is `[…, 2, 0, …]`."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.validation.model.samples import Codes, Floats

BLOCK_CELLS: Final = 1 << 18
"""Weights that are in memory at once: 2 MiB, which stay in the processor's cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampling:
    """How intervals are found.

    Attributes:
        draws: How many resamples; 0: no intervals.
        seed: The same seed gives the same intervals, whatever else is measured.
    """

    draws: int = 1_000
    seed: int = 0

    def weights(
        self, name: str, base: Floats, *, units: Codes | None, strata: Codes | None
    ) -> Iterator[Floats]:
        """Yield the weights of resamples, in blocks of shape (some, n_rows).

        Args:
            name: Of the slice; each has random numbers of its own.
            base: What each row counts, shape (n_rows,).
            units: Rows that are drawn together, as indexes; None: each for itself.
            strata: Draw within each of these, so that none is ever empty; not with units.

        Source:
            Efron, Ann. Statist. 7 (1979): the bootstrap; with strata, Davison and Hinkley (1997), 3.2.
        """
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
        random = np.random.default_rng([self.seed, key, strata is not None])
        block = max(1, BLOCK_CELLS // max(1, len(base)))
        for start in range(0, self.draws, block):
            count = min(block, self.draws - start)
            if units is not None:
                yield _counts(random, count, _size(units))[:, units] * base
            elif strata is None:
                yield _counts(random, count, len(base)) * base
            else:
                yield _stratified(random, count, strata) * base


def _stratified(random: np.random.Generator, count: int, strata: Codes) -> Floats:
    found = np.zeros((count, len(strata)))
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        found[:, rows] = _counts(random, count, len(rows))
    return found


def _counts(random: np.random.Generator, count: int, size: int) -> Floats:
    """Draw `size` of `size` things with replacement, and count how often each came; shape (count, size)."""
    drawn: NDArray[np.int64] = random.integers(size, size=(count, size))
    drawn += np.arange(count)[:, None] * size
    return np.bincount(drawn.ravel(), minlength=count * size).reshape(count, size).astype(np.float64)


def _size(units: Codes) -> int:
    return int(units.max()) + 1
