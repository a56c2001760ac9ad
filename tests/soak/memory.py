"""How much a memory grows, told from samples of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

ALLOWED_BYTES: Final = 8 * 2**20
ALLOWED_SHARE: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What became of a memory after the warm-up.

    Attributes:
        before_bytes, after_bytes: Median of the first and of the last quarter of what is judged.
    """

    before_bytes: float
    after_bytes: float

    @property
    def is_flat(self) -> bool:
        """Tell whether it grew by no more than an allocator takes by itself."""
        allowed = max(ALLOWED_BYTES, ALLOWED_SHARE * self.before_bytes)
        return self.after_bytes - self.before_bytes <= allowed

    def __str__(self) -> str:
        return f"{self.before_bytes / 2**20:,.1f} MiB, later {self.after_bytes / 2**20:,.1f} MiB"


def growth(sizes_bytes: Sequence[int]) -> Growth:
    """Tell how a memory grew in the second half of some time.

    In the first half caches fill up, and the allocator takes what it will go on with. Medians leave
    spikes out.

    Args:
        sizes_bytes: Samples at equal distances, at least eight.
    """
    judged = sizes_bytes[len(sizes_bytes) // 2 :]
    quarter = len(judged) // 4
    return Growth(before_bytes=median(judged[:quarter]), after_bytes=median(judged[-quarter:]))
