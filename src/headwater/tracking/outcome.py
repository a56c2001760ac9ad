"""How a run ended, seen from the exception that left its block."""

import traceback
from typing import Final

from headwater.model.runs import RunStatus

ERROR_LINES: Final = 20
"""Lines of the traceback that are kept, from its end."""
ERROR_CHARS: Final = 8_000


def outcome(error: BaseException | None) -> tuple[RunStatus, str | None]:
    """Return the status and error text of a run.

    Args:
        error: What left the run's block; None when it ended by itself.

    Returns:
        FINISHED without text, also for `sys.exit(0)`; KILLED after Ctrl-C or
        an exit with another code; FAILED with the end of the traceback.
    """
    match error:
        case None:
            return RunStatus.FINISHED, None
        case SystemExit(code=None | 0):
            return RunStatus.FINISHED, None
        case SystemExit():
            return RunStatus.KILLED, f"SystemExit: {error.code}"[:ERROR_CHARS]
        case KeyboardInterrupt():
            return RunStatus.KILLED, _text(error)
        case _:
            return RunStatus.FAILED, _text(error)


def _text(error: BaseException) -> str:
    lines = "".join(traceback.format_exception(error)).splitlines()
    # The end says what went wrong, and where in the user's code.
    return "\n".join(lines[-ERROR_LINES:])[-ERROR_CHARS:]
