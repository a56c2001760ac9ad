"""How a run stands after an event: events come more than once, late, and in any order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from headwater.compat.openlineage.events import TERMINAL, Dataset, RunEvent
from headwater.compat.openlineage.facets import Facets, merged, stored_facets, text
from headwater.model.graph import Execution, ExecutionState
from headwater.model.values import Json, PropertyValue

STATES: Final[Mapping[str, ExecutionState]] = {
    "START": ExecutionState.RUNNING,
    "RUNNING": ExecutionState.RUNNING,
    "COMPLETE": ExecutionState.COMPLETE,
    "FAIL": ExecutionState.FAILED,
    "ABORT": ExecutionState.CANCELED,
}
"""What an event says of a run's life; one of type OTHER says nothing."""


@dataclass(frozen=True, slots=True)
class Use:
    """A data set that a run reads or writes, and when."""

    dataset: Dataset
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a run stands.

    Attributes:
        state: None while nothing was said of its life.
        inputs: What it has read, as far as that is settled, in the order in which it said so.
        outputs: What it has written, likewise.
        properties: Those of type `openlineage.Run`; None for what it does not have.
    """

    state: ExecutionState | None
    inputs: tuple[Use, ...]
    outputs: tuple[Use, ...]
    properties: Mapping[str, PropertyValue | None]


def standing_after(
    stored: Execution | None,
    event: RunEvent,
    inputs: Mapping[str, Dataset],
    outputs: Mapping[str, Dataset],
) -> Standing:
    """Return how a run stands after one more event.

    The newest event of a run's life counts, by its own time; of two at one moment that which ends it.
    A facet replaces an earlier one of its name, unless it comes with an older event.

    What a run writes is there when it is complete, and which version it reads is settled when it ends: who
    wrote that may tell later than who began to read it. Of a run that streams both are settled at once. Until
    then they are kept in the properties `inputs` and `outputs`.

    Args:
        stored: The run as it was, None before the first event.
        event: What happened.
        inputs: The event's inputs by address.
        outputs: The event's outputs, likewise.
    """
    old: Mapping[str, Any] = stored.properties if stored is not None else {}
    is_newest = _is_newest(old, event)
    life = _life(old, event, is_newest=is_newest)
    state = STATES[life["event"]] if life["event"] else None
    facets = merged(stored_facets(old), event.run.facets or {}, wins=is_newest)
    of_job = event.job.facets or {}
    read, written = _uses(old, "inputs", inputs, event), _uses(old, "outputs", outputs, event)
    is_streaming = _is_streaming(of_job)
    is_read = is_streaming or life["ended_ms"] is not None
    is_written = is_streaming or state is ExecutionState.COMPLETE
    ended_ms = life["ended_ms"] or event.time_ms
    properties: dict[str, PropertyValue | None] = {
        **life,
        "job": f"{event.job.namespace}/{event.job.name}",
        "producer": event.producer or old.get("producer"),
        "error": text(facets, "errorMessage", "message"),
        "git_commit": text(of_job, "sourceCodeLocation", "version") or old.get("git_commit"),
        "git_branch": text(of_job, "sourceCodeLocation", "branch") or old.get("git_branch"),
        "git_remote": text(of_job, "sourceCodeLocation", "repoUrl") or old.get("git_remote"),
        "facets": facets or None,
        "inputs": None if is_read else _kept(read),
        "outputs": None if is_written else _kept(written),
    }
    return Standing(
        state=state,
        inputs=(*read.values(),) if is_read else (),
        outputs=tuple(Use(use.dataset, ended_ms) for use in written.values()) if is_written else (),
        properties=properties,
    )


def _is_newest(old: Mapping[str, Any], event: RunEvent) -> bool:
    last_ms = old.get("event_ms")
    if last_ms is None or event.time_ms != last_ms:
        return last_ms is None or event.time_ms > last_ms
    return event.kind in TERMINAL or old.get("event") not in TERMINAL


def _life(old: Mapping[str, Any], event: RunEvent, *, is_newest: bool) -> dict[str, Any]:
    """Return `event`, `event_ms`, `started_ms` and `ended_ms`."""
    known = {name: old.get(name) for name in ("event", "event_ms", "started_ms", "ended_ms")}
    if event.kind == "OTHER":
        return known
    if event.kind not in TERMINAL:
        known["started_ms"] = min(known["started_ms"] or event.time_ms, event.time_ms)
    if is_newest:
        ended_ms = event.time_ms if event.kind in TERMINAL else None
        known |= {"event": event.kind, "event_ms": event.time_ms, "ended_ms": ended_ms}
    return known


def _is_streaming(of_job: Facets) -> bool:
    return (text(of_job, "jobType", "processingType") or "").upper() == "STREAMING"


def _uses(
    old: Mapping[str, Any], name: str, datasets: Mapping[str, Dataset], event: RunEvent
) -> dict[str, Use]:
    """Return what a run said before that it reads or writes, and now, with all facets and the first time."""
    kept = cast(Mapping[str, dict[str, Any]], old.get(name) or {})
    known = {address: _use(**each) for address, each in kept.items()}
    for address, dataset in datasets.items():
        earlier = known.get(address)
        facets = merged((earlier and earlier.dataset.facets) or {}, dataset.all_facets)
        time_ms = min(earlier.time_ms, event.time_ms) if earlier else event.time_ms
        known[address] = _use(dataset.namespace, dataset.name, facets, time_ms)
    return known


def _use(namespace: str, name: str, facets: dict[str, Any], time_ms: int) -> Use:
    return Use(Dataset(namespace=namespace, name=name, facets=facets), time_ms)


def _kept(uses: Mapping[str, Use]) -> PropertyValue | None:
    kept: dict[str, Json] = {
        address: {
            "namespace": use.dataset.namespace,
            "name": use.dataset.name,
            "facets": use.dataset.facets or {},
            "time_ms": use.time_ms,
        }
        for address, use in uses.items()
    }
    return kept or None
