"""Who decides, when nobody else is named."""

import getpass
import os
import socket


def user_name() -> str | None:
    """Return the name of the user who runs this program, where they have one."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return None


def default_actor() -> str:
    """Return who decides when nobody else is named: `$HEADWATER_ACTOR`, else user@host."""
    return os.environ.get("HEADWATER_ACTOR") or f"{user_name() or 'unknown'}@{socket.gethostname()}"
