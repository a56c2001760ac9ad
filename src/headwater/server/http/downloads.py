"""What every answer has that carries bytes which somebody uploaded."""

from typing import Final

NEVER_RUN: Final = {
    # Whoever stored the bytes chose them, HTML or SVG maybe: no browser is to take them for a page of this
    # server, or to run anything of them even if somebody opens them in place.
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "attachment",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}
"""Headers; whoever knows a name may say more in `Content-Disposition`."""
