"""What can be set about logging: how often it is flushed and how much may wait."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from headwater.errors import InvalidError

MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingSettings:
    """Limits of the journal, the buffer and the flusher.

    Attributes:
        flush_interval_s: Time between flushes to the store.
        batch_points: Points after which a batch is closed, whatever the time.
        memory_points: Points that may wait in memory (24 bytes each); beyond
            it they wait in the journal only and are read back from there.
        segment_bytes: Size from which a journal file is followed by a new one.
        journal_bytes: Size of all that waits on disk, per process; beyond it a
            log call raises `UnavailableError`. `HEADWATER_JOURNAL_MAX_MB`.
        exit_timeout_s: Longest wait for the store at the end of a run and of
            the process. `HEADWATER_EXIT_TIMEOUT_S`.
        heartbeat_s: Time between signs of life of open runs.
        lost_after_s: Silence after which a run counts as lost.
        retry_max_s: Longest pause between two tries to reach the store.
        audit_reads: Notice data files that a run reads without declaring them. `HEADWATER_AUDIT_READS`.
    """

    flush_interval_s: float = 1.0
    batch_points: int = 50_000
    memory_points: int = 1_000_000
    segment_bytes: int = 4 * MIB
    journal_bytes: int = 1024 * MIB
    exit_timeout_s: float = 30.0
    heartbeat_s: float = 10.0
    lost_after_s: float = 60.0
    retry_max_s: float = 15.0
    audit_reads: bool = True

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "TrackingSettings":
        """Take the settings that environment variables give; the rest as they are by default.

        Raises:
            InvalidError: a variable does not hold a positive number, or on or off.

        Example:
            >>> TrackingSettings.from_environment({"HEADWATER_JOURNAL_MAX_MB": "64"}).journal_bytes
            67108864
        """
        default = cls()
        size_mb = _positive(environment, "HEADWATER_JOURNAL_MAX_MB", default.journal_bytes / MIB)
        timeout_s = _positive(environment, "HEADWATER_EXIT_TIMEOUT_S", default.exit_timeout_s)
        audits = _switch(environment, "HEADWATER_AUDIT_READS", default=default.audit_reads)
        return cls(journal_bytes=int(size_mb * MIB), exit_timeout_s=timeout_s, audit_reads=audits)


def _switch(environment: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = environment.get(name, "on" if default else "off").strip().lower()
    if text not in {"on", "off"}:
        raise InvalidError(f"{name} must be on or off, not {text!r}")
    return text == "on"


def _positive(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise InvalidError(f"{name} must be a positive number, not {text!r}")
    return value
