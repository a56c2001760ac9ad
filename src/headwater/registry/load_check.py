"""Whether a model loads where nothing is at hand but what it was saved with."""

from pathlib import Path

from headwater.errors import RefusedError
from headwater.formats.fresh_process import Limits, try_model


def check_in_fresh_process(folder: Path, format_name: str, subject: str, *, timeout_s: float) -> None:
    """Load a model in a process that is started for it.

    Args:
        folder: What the format wrote, verified.
        format_name: Name of the format.
        subject: Reference of the version, for the refusal.
        timeout_s: Longest time that loading may take.

    Raises:
        RefusedError: it does not load, or not in time.
    """
    trial = try_model(folder, format_name, limits=Limits(timeout_s=timeout_s))
    if trial.fault:
        raise RefusedError(f"{subject} does not load: {trial.fault}")
