"""Leases: who works on an attempt, and when nobody does any more.

An attempt is claimed by storing a run under an id that everybody computes alike, so that one of two
claims fails. The holder's heartbeat is the run's own. Whoever takes an attempt away from a dead holder
turns it into FAILED under its revision; the holder, should it live after all, then finds that it may
not publish any more: the token in `pipeline.owner` together with the state RUNNING is what fences it.
"""

import itertools
import os
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

from headwater.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    RefusedError,
    StaleWriteError,
    UnavailableError,
)
from headwater.model.graph import ArtifactLink, Published
from headwater.model.ids import ContextId, ExecutionId
from headwater.model.protocols import Store
from headwater.model.runs import Run, RunChange, RunPublication, RunStatus
from headwater.model.values import Json, PropertyValue
from headwater.pipelines import tags

INTERRUPTED: Final = "interrupted"
_TRIES: Final = 50
_NUMBERS: Final = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A holder of leases.

    Attributes:
        token: Tells this claim from every other.
        host: Its machine.
        boot: Which start of the machine, and which of its process namespaces; empty where unknown.
        pid: Its process.
        started: When the process began, so that another one of the same number is not taken for it.
    """

    token: str
    host: str
    boot: str
    pid: int
    started: str

    def as_json(self) -> dict[str, Json]:
        """Return it as JSON, for a tag."""
        return {
            "token": self.token,
            "host": self.host,
            "boot": self.boot,
            "pid": self.pid,
            "started": self.started,
        }


def new_owner() -> Owner:
    """Return a new holder in this process."""
    process = _process(os.getpid())
    return replace(process, token=f"{process.token}{next(_NUMBERS):x}")


def token_of(run: Run) -> str | None:
    """Return the token of an attempt's holder."""
    owner = run.tags.get(tags.OWNER)
    token = owner.get("token") if isinstance(owner, dict) else None
    return token if isinstance(token, str) else None


def is_open(run: Run) -> bool:
    """Tell whether an attempt has not come to its end; its holder, should it live, may still end it.

    A LOST one was silent for a while, and nobody has taken it over.
    """
    return run.status in {RunStatus.RUNNING, RunStatus.LOST}


def is_held(run: Run, *, now_ms: int, lease_s: float) -> bool:
    """Tell whether somebody still works on an attempt that has begun.

    A process of this machine is looked at; of all others the heartbeat counts.
    """
    if run.status is not RunStatus.RUNNING:
        return False
    owner = run.tags.get(tags.OWNER)
    if isinstance(owner, dict) and _is_gone(owner):
        return False
    return now_ms - (run.heartbeat_ms or run.start_ms) <= lease_s * 1000


def publish(
    store: Store,
    execution_id: ExecutionId,
    token: str,
    *,
    status: RunStatus,
    end_ms: int,
    error: str | None = None,
    artifacts: tuple[ArtifactLink, ...] = (),
    contexts: tuple[ContextId, ...] = (),
    tags_: Mapping[str, PropertyValue | None] | None = None,
    properties: Mapping[str, PropertyValue | None] | None = None,
    revision: int | None = None,
    following: tuple[RunPublication, ...] = (),
) -> list[Published]:
    """End an attempt together with all that it made, in one transaction, if it is still this holder's.

    At the `revision` at which it was claimed nothing has happened to it, so it need not be read first.
    What is `following` is claimed in the same transaction, where it can be: that spares a commit.

    Returns:
        The end, and then, where they could be had, the claims.

    Raises:
        RefusedError: the attempt was taken away in the meantime.
    """
    for _ in range(_TRIES):
        if revision is None:
            revision = _held_revision(store, execution_id, token)
        change = RunChange(
            id=execution_id,
            status=status,
            end_ms=end_ms,
            error=error,
            tags=tags_ or {},
            properties=properties or {},
            expect_revision=revision,
        )
        end = RunPublication(run=change, artifacts=artifacts, contexts=contexts)
        try:
            return store.runs.publish_all([end, *following])
        except StaleWriteError:
            # A tag was set, or a heartbeat has brought it back: look again.
            revision = None
        except (ConflictError, NotFoundError, InvalidError):
            if not following:
                raise
            # Whose fault it was shows when each is stored alone.
            following = ()
    raise UnavailableError(f"execution {execution_id} is being changed all the time")


def _held_revision(store: Store, execution_id: ExecutionId, token: str) -> int:
    (run,) = store.runs.by_execution_ids([execution_id])
    if token_of(run) != token or not is_open(run):
        raise RefusedError(
            f"run {run.run_id} was taken away from this process, which gave no sign of life or took too "
            f"long: it is {run.status.name.lower()}, and what it made is not used"
        )
    return run.revision


def take_away(store: Store, run: Run, now_ms: int, why: str) -> bool:
    """Turn an attempt that nobody works on into FAILED; its holder can publish nothing any more.

    Nothing happens to one that has ended.

    Returns:
        False when it has come to its end meanwhile.
    """
    for _ in range(_TRIES):
        if not is_open(run):
            return False
        change = RunChange(
            id=run.id,
            status=RunStatus.FAILED,
            end_ms=now_ms,
            error=f"{INTERRUPTED}: {why}",
            expect_revision=run.revision,
        )
        try:
            store.runs.update(change)
        except StaleWriteError:
            (run,) = store.runs.by_execution_ids([run.id])
        else:
            return True
    return False


def _is_gone(owner: Mapping[str, object]) -> bool:
    """Tell whether a process of this machine has ended; False where that cannot be told."""
    boot, pid = owner.get("boot"), owner.get("pid")
    if not boot or boot != _boot() or not isinstance(pid, int):
        return False
    try:
        return _started(pid) != owner.get("started")
    except OSError:
        # Such as too many open files, which says nothing of that process.
        return False


@cache
def _process(pid: int) -> Owner:
    # What is random is random once for each process, and counted on.
    token = f"{uuid.uuid4().hex}."
    return Owner(token=token, host=socket.gethostname(), boot=_boot(), pid=pid, started=_started(pid))


@cache
def _boot() -> str:
    """Return what tells this start of this machine, and this container, from all others."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Return when a process began, in the clock ticks of its machine; empty when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    # The name in parentheses may hold anything; the state and the numbers come after it.
    state, *numbers = text.rpartition(")")[2].split()
    return "" if state in "ZX" else numbers[18]
