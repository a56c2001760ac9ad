"""What was found to be true a moment ago, so that it need not be found out for every request."""

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

MOST_REMEMBERED: Final = 4096


class Remembered(Generic[T]):
    """Values by a secret, each for a few seconds; the secret itself is not kept."""

    def __init__(
        self,
        seconds: float,
        *,
        most: int = MOST_REMEMBERED,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Remember at most so many values, each so many seconds."""
        self._seconds, self._most, self._monotonic_s = seconds, most, monotonic_s
        self._found: dict[bytes, tuple[T, float]] = {}
        self._lock = threading.Lock()

    def get(self, secret: str) -> T | None:
        """Return what is known; None for nothing, or nothing any more."""
        value, until_s = self._found.get(_key(secret), (None, 0.0))
        return value if self._monotonic_s() < until_s else None

    def put(self, secret: str, value: T, *, at_most_s: float | None = None) -> None:
        """Remember a value, at most so long."""
        seconds = self._seconds if at_most_s is None else min(self._seconds, at_most_s)
        key = _key(secret)
        with self._lock:
            self._found.pop(key, None)
            while len(self._found) >= self._most:
                del self._found[next(iter(self._found))]
            self._found[key] = (value, self._monotonic_s() + seconds)

    def forget(self, secret: str) -> None:
        """Forget a value."""
        with self._lock:
            self._found.pop(_key(secret), None)


def _key(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
