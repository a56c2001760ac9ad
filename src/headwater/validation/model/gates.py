"""Gates: what a model has to be like, as values that can be digested, written down and compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from headwater.errors import InvalidError
from headwater.ledger.chain import canonical
from headwater.model.values import Json
from headwater.validation.model.catalogue import OBSERVED, metric_named
from headwater.validation.model.evaluation import Plan
from headwater.validation.model.slices import OVERALL, check_spec

_VERSION: Final = 1
"""Part of every digest: raised when the same settings come to mean something else."""


class Across(StrEnum):
    """How a check looks at several slices."""

    EACH = "each"
    """Each slice has to hold."""
    WORST = "worst"
    """The worst of them, as one number."""
    GAP = "gap"
    """The distance between the greatest and the smallest, as one number."""


class Evidence(StrEnum):
    """What decides."""

    INTERVAL = "interval"
    """The whole interval: inside is a pass, outside a fail, and astride the limit not enough evidence."""
    POINT = "point"
    """The number alone."""


class Small(StrEnum):
    """What becomes of a slice with too few rows."""

    INSUFFICIENT = "insufficient"
    SKIP = "skip"
    """It is left out, and named in the verdict; if all are, there is not enough evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What one metric has to be. All limits that are given have to hold.

    Attributes:
        metric: Its name.
        slices: Where: specs of slices, by default all rows.
        across: How several slices are looked at.
        lower: Smallest value.
        upper: Greatest value.
        absolute: Smallest improvement over the baseline, in the metric's unit; below 0: so much worse
            is still let through. Where lower is better it is the greatest change instead.
        relative: Likewise, in parts of the baseline's size.
        higher_is_better: The direction of a change; by default the metric's own.
        by: Whether the interval decides, or the number alone.
        min_rows: Fewest rows of a slice; by default the gate's.
    """

    metric: str
    slices: tuple[str, ...] = (OVERALL,)
    across: Across = Across.EACH
    lower: float | None = None
    upper: float | None = None
    absolute: float | None = None
    relative: float | None = None
    higher_is_better: bool | None = None
    by: Evidence = Evidence.INTERVAL
    min_rows: int | None = None

    def __post_init__(self) -> None:
        """Check that it asks for something, and for nothing impossible."""
        limits = (self.lower, self.upper, self.absolute, self.relative)
        if all(limit is None for limit in limits):
            raise InvalidError(f"the check of {self.metric!r} has no limit: lower, upper, absolute, relative")
        if any(limit is not None and limit != limit for limit in limits):
            raise InvalidError(f"the check of {self.metric!r} has a limit that is NaN")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise InvalidError(f"the check of {self.metric!r}: lower {self.lower} is above {self.upper}")
        if not self.slices:
            raise InvalidError(f"the check of {self.metric!r} names no slice: leave it out for all rows")
        if self.metric in OBSERVED and self.slices != (OVERALL,):
            raise InvalidError(f"{self.metric} is of all rows: it has no slices")
        for spec in self.slices:
            check_spec(spec)

    @property
    def compares(self) -> bool:
        """Tell whether it needs a baseline."""
        return self.absolute is not None or self.relative is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What a model has to be like before it may be released.

    Attributes:
        plan: What is measured, and on which columns.
        checks: All of them have to hold.
        name: Name of its verdicts; policies ask for it by this.
        min_rows: Fewest rows of a slice; with fewer there is not enough evidence.
        on_small: What becomes of a slice with fewer.
        forbids_first: A model without a baseline to compare with is not let through.
    """

    plan: Plan
    checks: tuple[Check, ...]
    name: str = "model"
    min_rows: int = 30
    on_small: Small = Small.INSUFFICIENT
    forbids_first: bool = False

    def __post_init__(self) -> None:
        """Check that every metric is known, and that there is something to check."""
        if not self.checks:
            raise InvalidError("a gate without checks would let everything through")
        if self.min_rows < 1:
            raise InvalidError(f"min_rows must be 1 or more, not {self.min_rows}")
        for check in self.checks:
            if check.metric not in OBSERVED:
                metric_named(check.metric, self.plan.task)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that its checks need."""
        return tuple(dict.fromkeys(check.metric for check in self.checks))

    @property
    def slices(self) -> tuple[str, ...]:
        """The specs of slices that its checks need."""
        return tuple(dict.fromkeys(spec for check in self.checks for spec in check.slices))

    @property
    def compares(self) -> bool:
        """Tell whether a check needs a baseline."""
        return any(check.compares for check in self.checks)

    @property
    def digest(self) -> str:
        """Digest of all settings; those that are left out count as their defaults."""
        return digest_of(gate_values(self))

    def direction(self, check: Check) -> bool:
        """Tell whether more is better for a check.

        Raises:
            InvalidError: nobody says.
        """
        if check.across is Across.GAP:
            return False
        if check.higher_is_better is not None:
            return check.higher_is_better
        if check.metric in OBSERVED:
            return OBSERVED[check.metric]
        found = metric_named(check.metric, self.plan.task).higher_is_better
        if found is None:
            raise InvalidError(f"the check of {check.metric!r} needs higher_is_better")
        return found


def gate_values(gate: Gate) -> dict[str, Json]:
    """Return a gate as plain values."""
    return {
        **_values(gate, without=("plan", "checks")),
        "plan": _values(gate.plan),
        "checks": [_values(check) for check in gate.checks],
    }


def digest_of(values: Mapping[str, Json]) -> str:
    """Return the digest of settings as plain values."""
    text = canonical({"version": _VERSION, **values})
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def _values(settings: Any, *, without: Sequence[str] = ()) -> dict[str, Json]:
    names = [field.name for field in fields(settings) if field.name not in without]
    return {name: _plain(getattr(settings, name)) for name in names}


def _plain(value: Any) -> Json:
    match value:
        case StrEnum():
            return str(value)
        case str() | bool() | None:
            return value
        case int() | float():
            # 1 and 1.0 are one limit, however the file writes it.
            return float(value)
        case Sequence():
            return [_plain(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
        case _:
            raise InvalidError(f"a gate cannot hold {value!r}")
