"""What starts a pipeline by itself: a time, new data, or a decision in the ledger.

A firing has a name that every server computes alike, and its run is called by that name. So of two servers
one gets to make the run, and what has fired before can be read off the runs there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final, Literal, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from headwater.errors import InvalidError, MissingDependencyError
from headwater.model.protocols import Store
from headwater.pipelines.records import PipelineRun

Missed = Literal["skip", "latest", "all"]
"""What becomes of firings that no server was there for."""
MAX_MISSED: Final = 1_000
_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One time that a trigger has fired.

    Attributes:
        name: Name of the run that it makes.
        params: What the pipeline is called with.
        is_missed: It was due before the server began.
    """

    name: str
    params: Mapping[str, Any]
    is_missed: bool


class Trigger(Protocol):
    """Something that starts a pipeline."""

    @property
    def missed(self) -> Missed:
        """What becomes of firings that no server was there for."""
        ...

    @property
    def text(self) -> str:
        """What it is, as it is noted with its runs."""
        ...

    def firings(self, store: Store, fired: Sequence[str], began_ms: int, now_ms: int) -> list[Firing]:
        """Return what is due and has not been fired, oldest first.

        Args:
            store: The store.
            fired: Names of the runs that it has made before, newest first.
            began_ms: When the server began.
            now_ms: Now.
        """
        ...


@dataclass(frozen=True, slots=True)
class Cron:
    """Fires at times.

    Attributes:
        expression: Such as `0 2 * * *`: minute, hour, day, month, day of the week.
        timezone: Where these times hold; daylight saving is taken care of.
        missed: `latest` makes up for one missed time, `all` for each, `skip` for none.
        params: What the pipeline is called with.
    """

    expression: str
    timezone: str = "UTC"
    missed: Missed = "latest"
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        _check_missed(self.missed)
        self._times(datetime.now(UTC))

    @property
    def text(self) -> str:
        """Such as `cron 0 2 * * * UTC`."""
        return f"cron {self.expression} {self.timezone}"

    def firings(self, store: Store, fired: Sequence[str], began_ms: int, now_ms: int) -> list[Firing]:  # noqa: ARG002
        """Return the times that have come since the last one that was fired."""
        began, now = _utc(began_ms), _utc(now_ms)
        last = max((when for name in fired if (when := _time(name))), default=began)
        due: list[datetime] = []
        for moment in islice(self._times(last), MAX_MISSED):
            if moment.astimezone(UTC) > now:
                break
            due.append(moment.astimezone(UTC))
        return [
            Firing(name=f"{moment:{_FORMAT}}", params=self.params, is_missed=moment < began) for moment in due
        ]

    def _times(self, after: datetime) -> Any:
        try:
            from cronsim import CronSim, CronSimError
        except ImportError as error:
            raise MissingDependencyError("cronsim", "schedule", "running a pipeline at times") from error
        try:
            return CronSim(self.expression, after.astimezone(ZoneInfo(self.timezone)))
        except CronSimError as error:
            raise InvalidError(
                f"{self.expression!r} is no cron expression ({error}): write minute, hour, day, month and "
                "day of the week, such as '0 2 * * *'"
            ) from error
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise InvalidError(f"there is no time zone {self.timezone!r}") from error


@dataclass(frozen=True, slots=True)
class NewData:
    """Fires when a data set has a new version.

    Attributes:
        name: Name of the data set.
        param: The pipeline's parameter that gets the version's reference; None: it gets none.
        missed: As in `Cron`.
        params: What else the pipeline is called with.
    """

    name: str
    param: str | None = None
    missed: Missed = "latest"
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        _check_missed(self.missed)

    @property
    def text(self) -> str:
        """Such as `data flights`."""
        return f"data {self.name}"

    def firings(self, store: Store, fired: Sequence[str], began_ms: int, now_ms: int) -> list[Firing]:  # noqa: ARG002
        """Return the versions that have come since the last one that was fired."""
        last = max((number for name in fired if (number := _number(name, "data"))), default=None)
        found: list[Firing] = []
        for version in store.data.versions(self.name):
            # Before its first firing a trigger does not look back.
            if version.version <= last if last is not None else version.created_ms <= began_ms:
                continue
            given = {self.param: version.ref} if self.param else {}
            found.append(
                Firing(
                    name=f"data-{self.name.replace('/', '-')}-{version.version}",
                    params={**self.params, **given},
                    is_missed=version.created_ms < began_ms,
                )
            )
        return found


@dataclass(frozen=True, slots=True)
class OnEvent:
    """Fires when a decision is noted in the ledger.

    Attributes:
        action: Such as `promote` or `rollback`; None: any.
        subject: Only decisions on this reference, or below it, such as `models/late-flights`.
        param: The pipeline's parameter that gets the reference of what was decided on.
        missed: As in `Cron`.
        params: What else the pipeline is called with.
    """

    action: str | None = None
    subject: str | None = None
    param: str | None = None
    missed: Missed = "latest"
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        _check_missed(self.missed)

    @property
    def text(self) -> str:
        """Such as `event promote models/late-flights`."""
        return f"event {self.action or 'any'} {self.subject or ''}".strip()

    def firings(self, store: Store, fired: Sequence[str], began_ms: int, now_ms: int) -> list[Firing]:  # noqa: ARG002
        """Return the decisions since the last one that was fired."""
        last = max((number for name in fired if (number := _number(name, "event"))), default=None)
        entries = store.ledger.entries(
            subject=self.subject, action=self.action, after=last or 0, limit=MAX_MISSED, newest=last is None
        )
        return [
            Firing(
                name=f"event-{entry.seq}",
                params={**self.params, **({self.param: entry.subject} if self.param else {})},
                is_missed=entry.time_ms < began_ms,
            )
            for entry in entries
            if last is not None or entry.time_ms > began_ms
        ]


def due(
    trigger: Trigger, store: Store, runs: Sequence[PipelineRun], *, began_ms: int, now_ms: int
) -> list[Firing]:
    """Return the firings of a trigger for which a run is to be made now, oldest first.

    Args:
        trigger: The trigger.
        store: The store.
        runs: The runs of its pipeline.
        began_ms: When the server began.
        now_ms: Now.
    """
    fired = [run.name for run in runs if run.trigger == trigger.text]
    found = trigger.firings(store, fired, began_ms, now_ms)
    missed, fresh = [f for f in found if f.is_missed], [f for f in found if not f.is_missed]
    kept = {"skip": [], "latest": missed[-1:], "all": missed}[trigger.missed]
    return [*kept, *fresh]


def _check_missed(missed: str) -> None:
    if missed not in {"skip", "latest", "all"}:
        raise InvalidError(f"missed must be 'skip', 'latest' or 'all', not {missed!r}")


def _utc(time_ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time_ms)


def _time(name: str) -> datetime | None:
    try:
        return datetime.strptime(name, _FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None


def _number(name: str, kind: str) -> int | None:
    head, _, number = name.rpartition("-")
    return int(number) if head.startswith(kind) and number.isdigit() else None
