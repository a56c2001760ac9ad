"""A real store behind a connection that a test can cut, or slow down."""

import time
from typing import Any

from headwater.errors import UnavailableError


class SwitchedStore:
    """Hands every call on, after a delay, or raises what a store out of reach raises."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.url = inner.url
        self.is_down = False
        self.delay_s = 0.0

    def __getattr__(self, name: str) -> Any:
        part = getattr(self.inner, name)
        return part if callable(part) else _SwitchedPart(self, part)


class _SwitchedPart:
    def __init__(self, switch: SwitchedStore, part: Any) -> None:
        self._switch, self._part = switch, part

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._part, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if self._switch.is_down:
                raise UnavailableError("the cable is out")
            time.sleep(self._switch.delay_s)
            return method(*args, **kwargs)

        return call
