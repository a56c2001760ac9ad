"""Who decides, when nobody else is named."""

import getpass
import os
import socket
from functools import lru_cache
from typing import Final

_NAMES: Final = ("LOGNAME", "USER", "LNAME", "USERNAME")
"""Variables that may name the user, as `getpass` asks them."""


def user_name() -> str | None:
    """Return the name of the user who runs this program, where they have one."""
    return _user_name(os.getpid(), *(os.environ.get(name) for name in _NAMES))


@lru_cache(16)
def _user_name(_: int, *__: str | None) -> str | None:
    # Once while what it depends on stays: it reads the system's files, and each step of a pipeline asks.
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return None


def default_actor() -> str:
    """Return who decides when nobody else is named: `$HEADWATER_ACTOR`, else user@host."""
    return os.environ.get("HEADWATER_ACTOR") or f"{user_name() or 'unknown'}@{socket.gethostname()}"
