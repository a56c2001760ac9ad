"""How a request is to be read, beside what MLMD's own options say."""

from functools import cache
from typing import Any, Final

from headwater.compat.mlmd.service.kinds import Message
from headwater.compat.mlmd.wire import definitions

_EXTENSION: Final = "headwater.mlmd.read_options"


def read_options(request: Message) -> Message:
    """Return the `ReadOptions` of a request; without any, what MLMD does."""
    return request.transaction_options.Extensions[_extension()]


def set_read_options(request: Message, **options: bool) -> None:
    """Put `ReadOptions` into a request."""
    target = request.transaction_options.Extensions[_extension()]
    for name, value in options.items():
        setattr(target, name, value)


@cache
def _extension() -> Any:
    return definitions().pool.FindExtensionByName(_EXTENSION)
