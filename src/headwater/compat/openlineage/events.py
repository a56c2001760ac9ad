"""OpenLineage's events, read: of a run, of a job, and of a data set."""

import re
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec

from headwater.compat.openlineage.facets import Facets
from headwater.errors import InvalidError

EVENT_TYPES: Final = frozenset({"START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"})
TERMINAL: Final = frozenset({"COMPLETE", "ABORT", "FAIL"})

_FRACTION: Final = re.compile(r"(\.\d{6})\d+")
"""Java's clock has nine digits, a datetime six."""
_ZONE_NAME: Final = re.compile(r"\[[^\]]*\]$")


class Job(msgspec.Struct, frozen=True):
    """What runs again and again."""

    namespace: str
    name: str
    facets: dict[str, Any] | None = None


class Run(msgspec.Struct, frozen=True, rename="camel"):
    """One time that a job runs."""

    run_id: UUID
    facets: dict[str, Any] | None = None


class Dataset(msgspec.Struct, frozen=True, rename="camel"):
    """A data set, with what is known of it now, and of this reading or writing of it."""

    namespace: str
    name: str
    facets: dict[str, Any] | None = None
    input_facets: dict[str, Any] | None = None
    output_facets: dict[str, Any] | None = None

    @property
    def all_facets(self) -> Facets:
        """All facets by name, which differ between the three groups."""
        return {**(self.facets or {}), **(self.input_facets or {}), **(self.output_facets or {})}


class Moment(int):
    """A time in milliseconds since the epoch, UTC, that stands as text in an event."""


class _Event(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    time_ms: Moment = msgspec.field(name="eventTime")
    producer: str = ""


class RunEvent(_Event, frozen=True, rename="camel", kw_only=True):
    """Something happened to a run."""

    run: Run
    job: Job
    event_type: str | None = None
    inputs: list[Dataset] | None = None
    outputs: list[Dataset] | None = None

    @property
    def kind(self) -> str:
        """Its type; without one it says nothing of the run's life."""
        return self.event_type or "OTHER"


class JobEvent(_Event, frozen=True, rename="camel", kw_only=True):
    """Something is known of a job, whether it runs or not."""

    job: Job
    inputs: list[Dataset] | None = None
    outputs: list[Dataset] | None = None


class DatasetEvent(_Event, frozen=True, rename="camel", kw_only=True):
    """Something is known of a data set, whoever made it."""

    dataset: Dataset


Event: TypeAlias = RunEvent | JobEvent | DatasetEvent


def decode_event(body: bytes | str) -> Event:
    """Read an event of OpenLineage's specification 2; what headwater does not know is left as it is.

    Raises:
        InvalidError: it is no such event; the message says where it is wrong.

    Source: OpenLineage.json, `RunEvent`, `JobEvent` and `DatasetEvent`.
    """
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidError(f"an OpenLineage event is a JSON object: {error}") from error
    kind = _kind_of(found)
    try:
        event = msgspec.convert(found, kind, dec_hook=_moment)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InvalidError(f"not an OpenLineage {kind.__name__}: {error}") from error
    _check(event)
    return event


def _kind_of(found: Any) -> type[Event]:
    match found:
        case {"run": _}:
            return RunEvent
        case {"dataset": _}:
            return DatasetEvent
        case {"job": _}:
            return JobEvent
        case _:
            raise InvalidError(
                "an OpenLineage event is a JSON object with `run` and `job`, with `job`, or with `dataset`"
            )


def _check(event: Event) -> None:
    named: list[Job | Dataset] = []
    match event:
        case RunEvent() | JobEvent():
            named = [event.job, *(event.inputs or ()), *(event.outputs or ())]
        case DatasetEvent():
            named = [event.dataset]
    for each in named:
        if not each.namespace.strip() or not each.name.strip():
            raise InvalidError(f"a {type(each).__name__.lower()} needs a namespace and a name")
    if isinstance(event, RunEvent) and event.kind not in EVENT_TYPES:
        raise InvalidError(f"eventType {event.kind!r} is none of {', '.join(sorted(EVENT_TYPES))}")


def _moment(_: type[Moment], text: object) -> Moment:
    try:
        moment = datetime.fromisoformat(_FRACTION.sub(r"\1", _ZONE_NAME.sub("", str(text))))
    except ValueError:
        raise InvalidError(f"{text!r} is no time such as 2026-11-30T14:05:00.000Z") from None
    return Moment((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
