"""A limit on failures, so that nobody can try passwords one after another."""

import threading
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Final

from headwater.errors import ThrottledError

MOST_KEYS: Final = 10_000


class Throttle:
    """Counts failures by key; a count goes down by itself as time passes.

    Memory is bounded: of more than `most_keys` keys the one that failed longest ago is forgotten.
    """

    def __init__(
        self,
        *,
        burst: int,
        each_s: float,
        most_keys: int = MOST_KEYS,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Allow `burst` failures at once, and another one each `each_s` seconds."""
        self._burst, self._each_s, self._most_keys = burst, each_s, most_keys
        self._monotonic_s = monotonic_s
        self._failures: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def check(self, key: str) -> None:
        """Check that this one has not failed too often.

        Raises:
            ThrottledError: it has; the error says how long to wait.
        """
        with self._lock:
            self._check(key)

    def spend(self, key: str) -> None:
        """Count a failure.

        Raises:
            ThrottledError: there were too many already; it is not counted then.
        """
        with self._lock:
            self._check(key)
            level = self._level(key) + 1
            # Taken out and put in again: the dictionary's order is that of the last failures.
            self._failures.pop(key, None)
            self._failures[key] = (level, self._monotonic_s())
            while len(self._failures) > self._most_keys:
                del self._failures[next(iter(self._failures))]

    def refund(self, key: str) -> None:
        """Take a failure back that was none."""
        with self._lock:
            level = self._level(key) - 1
            if level > 0:
                self._failures[key] = (level, self._monotonic_s())
            else:
                self._failures.pop(key, None)

    def _check(self, key: str) -> None:
        over = self._level(key) - self._burst + 1
        if over > 0:
            raise ThrottledError("too many failed attempts", retry_after_s=over * self._each_s)

    def _level(self, key: str) -> float:
        level, at_s = self._failures.get(key, (0.0, 0.0))
        return max(0.0, level - (self._monotonic_s() - at_s) / self._each_s)


def address_key(address: str) -> str:
    """Return what failures from an address are counted by: of IPv6 its network, which one person may own.

    Example:
        >>> address_key("2001:db8:1:2:3:4:5:6"), address_key("192.0.2.1"), address_key("unix")
        ('2001:db8:1:2::', '192.0.2.1', 'unix')
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)
