"""How a method becomes a call: requests, responses, retries."""

import random
import time
from collections.abc import Iterable
from typing import Any, Final, cast

from headwater.compat.mlmd.errors import AbortedError
from headwater.compat.mlmd.service.options import set_read_options
from headwater.compat.mlmd.wire import definitions

_READ_OPTIONS: Final = ("exact_limits", "with_deleted")
RETRIES: Final = 5
MEAN_WAIT_S: Final = 2.0
"""Between tries of a call that was aborted; the waits are exponentially distributed, as MLMD's are."""
_PLAIN: Final = frozenset({int, float, bool, str, bytes})


class ExtraOptions:
    """What a call may ask for beyond MLMD; every method takes it, as the original's do."""

    def __init__(self, euc: object = None, *, exact_limits: bool = False, with_deleted: bool = False) -> None:
        """Say how to read.

        Args:
            euc: Ignored, as in the original.
            exact_limits: Lists come in pages of up to 10,000 nodes instead of 100, and `max_num_hops` of a
                lineage walk means what it says instead of at most 100; without it a walk goes on to the end.
            with_deleted: Lists show deleted nodes, too.
        """
        self.euc = euc
        self.exact_limits, self.with_deleted = exact_limits, with_deleted


class Calls:
    """Turns arguments into requests and sends them; whoever inherits says where to."""

    _max_num_retries = RETRIES
    _mean_wait_s = MEAN_WAIT_S

    def _ask(self, method: str, extra_options: ExtraOptions | None = None, /, **fields: Any) -> Any:
        """Send a request of these fields and return the response; None leaves a field unset."""
        request = self._message(f"{method}Request", **fields)
        # The original's own class of this name has neither.
        wanted = {name: True for name in _READ_OPTIONS if getattr(extra_options, name, False)}
        if wanted:
            set_read_options(request, **wanted)
        response = definitions().message(f"{method}Response")()
        self._call(method, request, response, extra_options)
        return response

    def _message(self, name: str, **fields: Any) -> Any:
        """Return a message of these fields; None leaves a field unset."""
        given = {field: _own(value) for field, value in fields.items() if value is not None}
        return definitions().message(name)(**given)

    def _call(
        self, method_name: str, request: Any, response: Any, extra_options: ExtraOptions | None = None
    ) -> None:
        """Fill `response` with the answer to `request`; an aborted call is tried again.

        Part of what users of MLMD override, so the name and the arguments stay.
        """
        del extra_options
        tries = 0
        while True:
            try:
                return self._call_method(method_name, request, response)
            except AbortedError:
                tries += 1
                if tries >= self._max_num_retries:
                    raise
                time.sleep(random.expovariate(1 / self._mean_wait_s))

    def _call_method(self, method_name: str, request: Any, response: Any) -> None:
        raise NotImplementedError


def _own(value: Any) -> Any:
    """Turn messages, alone or in a list, into this package's own classes."""
    if type(value) in _PLAIN:
        return value
    if hasattr(value, "DESCRIPTOR"):
        return definitions().own(value)
    if isinstance(value, dict) or not isinstance(value, Iterable):
        return cast(Any, value)
    return [_own(each) for each in cast("Iterable[Any]", value)]
