"""What a table should hold: reviewed, kept in a file, and changed by proposals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, cast

from headwater.errors import InvalidError
from headwater.validation.data.anomalies import AnomalyKind, Severity
from headwater.validation.data.statistics import Kind


class Method(StrEnum):
    """How a column is compared with another table."""

    AUTO = "auto"
    """Against what chance alone would do to so many rows."""
    FIXED = "fixed"
    """Against a distance that the author chose."""
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparator:
    """How much a column may differ from another table's.

    Attributes:
        threshold: Largest distance of `FIXED`: L-infinity of values, Jensen-Shannon divergence (bits) of
            numbers.
        min_effect: `AUTO`: differences that are beyond chance and at least so large are errors; Cohen's w.
    """

    method: Method = Method.AUTO
    threshold: float | None = None
    min_effect: float = 0.3

    def __post_init__(self) -> None:
        if (self.method is Method.FIXED) != (self.threshold is not None):
            raise InvalidError("a comparator has a threshold when its method is fixed, and only then")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise InvalidError(f"a distance lies from 0 to 1, so a threshold cannot be {self.threshold}")
        if not self.min_effect >= 0:
            raise InvalidError(f"min_effect must be 0 or more, not {self.min_effect}")


OFF = Comparator(method=Method.OFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds, both included; None is no bound."""

    min: float | None = None
    max: float | None = None

    def __post_init__(self) -> None:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise InvalidError(f"no number is at least {self.min:g} and at most {self.max:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """The values that a column may have, as text; `max_outside` is the share of others that is allowed."""

    values: tuple[str, ...]
    max_outside: float = 0.0

    def __post_init__(self) -> None:
        if not self.values:
            raise InvalidError("a domain needs at least one value")
        if not 0 <= self.max_outside <= 1:
            raise InvalidError(f"max_outside is a share from 0 to 1, not {self.max_outside}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """How many rows have a value at least."""

    min_fraction: float = 1.0
    min_count: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.min_fraction <= 1:
            raise InvalidError(f"min_fraction is a share from 0 to 1, not {self.min_fraction}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What one column should hold; what is None is not checked.

    Attributes:
        is_optional: It may be absent.
        range: Of its numbers; of times in seconds since the epoch.
        max_outside_range: Share of numbers that may lie outside.
        length: Of its texts in characters, or of its lists in values.
        distinct: How many different values there may be.
        is_unique: No value stands twice.
        absent_in: Environments in which it is not there, such as the label when serving.
        drift, skew: None: as the schema says.
    """

    name: str
    kind: Kind
    is_optional: bool = False
    presence: Presence | None = None
    domain: Domain | None = None
    range: Limits | None = None
    max_outside_range: float = 0.0
    length: Limits | None = None
    distinct: Limits | None = None
    is_unique: bool = False
    allows_nan: bool = True
    allows_infinity: bool = True
    absent_in: tuple[str, ...] = ()
    drift: Comparator | None = None
    skew: Comparator | None = None

    def __post_init__(self) -> None:
        for name, is_numeric in (("range", True), ("domain", False)):
            if getattr(self, name) is not None and self.kind.is_numeric != is_numeric:
                if name == "domain" and self.kind is Kind.INTEGER:
                    continue
                raise InvalidError(f"a column of kind {self.kind} has no {name}")
        if self.length is not None and self.kind not in {Kind.TEXT, Kind.LIST}:
            raise InvalidError(f"a column of kind {self.kind} has no length")


class Relation(StrEnum):
    """Why two columns belong together."""

    SPARSE = "sparse"
    """Indexes and values: lists of one length in each row."""
    WEIGHTED = "weighted"
    """Weights and values: there together, or not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Two columns that belong together: `left` the indexes or weights, `right` the values."""

    relation: Relation
    left: str
    right: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """What a table should hold.

    Attributes:
        columns: By name.
        rows: How many there may be.
        growth: How many there may be for each one of the previous version.
        environments: Names that `absent_in` may use, such as `training` and `serving`.
        drift, skew: How columns are compared with the previous version, and with what is served.
        level: Chance that comparing the columns of two tables alarms although nothing has changed.
        severities: Of kinds of anomalies, where they differ from the usual ones.
    """

    columns: tuple[Column, ...] = ()
    rows: Limits = Limits(min=1)
    growth: Limits = Limits()
    environments: tuple[str, ...] = ()
    pairings: tuple[Pairing, ...] = ()
    drift: Comparator = Comparator()
    skew: Comparator = Comparator()
    level: float = 0.01
    severities: Mapping[AnomalyKind, Severity] = field(default_factory=dict[AnomalyKind, Severity])

    def __post_init__(self) -> None:
        names = [c.name for c in self.columns]
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise InvalidError(f"columns stand twice in the schema: {', '.join(twice)}")
        for column in self.columns:
            if unknown := set(column.absent_in) - set(self.environments):
                raise InvalidError(
                    f"column {column.name!r} is absent in {', '.join(sorted(unknown))}, which the schema's "
                    f"environments do not name: {', '.join(self.environments) or 'it has none'}"
                )
        if not 0 < self.level < 1:
            raise InvalidError(f"level is a chance between 0 and 1, not {self.level}")

    def __getitem__(self, name: str) -> Column:
        """Return a column.

        Raises:
            KeyError: the schema has no such column.
        """
        return self.by_name[name]

    @property
    def by_name(self) -> Mapping[str, Column]:
        """The columns by their names."""
        return {column.name: column for column in self.columns}

    def diff(self, other: Self) -> list[str]:
        """Return what differs in another schema, a line a change: `+` and `-` columns, `~` what they hold."""
        ours, theirs = self.by_name, other.by_name
        lines = [f"- {name}: {ours[name].kind}" for name in ours if name not in theirs]
        lines += [f"+ {name}: {theirs[name].kind}" for name in theirs if name not in ours]
        lines += _changes("", replace(self, columns=()), replace(other, columns=()))
        for name, column in ours.items():
            if name in theirs:
                lines += _changes(f"{name}.", column, theirs[name])
        return lines

    def update(self, proposals: Iterable["Proposal"]) -> "Schema":
        """Return a schema that takes proposed changes, such as `anomaly.proposal` of a verdict."""
        columns: dict[str, Column] = dict(self.by_name)
        schema: Schema = self
        for proposal in proposals:
            match proposal:
                case Proposal(column=None):
                    schema = replace(schema, **proposal.changes)
                case Proposal(column=str(name), is_new=True, kind=Kind() as kind):
                    columns[name] = Column(name=name, kind=kind, **proposal.changes)
                case Proposal(column=str(name)) if name in columns:
                    columns[name] = replace(columns[name], **proposal.changes)
                case _:
                    raise InvalidError(f"the schema has no column {proposal.column!r} to change")
        return replace(schema, columns=tuple(columns.values()))

    @staticmethod
    def read(path: str | Path) -> "Schema":
        """Read a schema file.

        Raises:
            NotFoundError: there is no such file.
            InvalidError: it is no schema; the message names the line.
        """
        from headwater.validation.data.schema_files import read_schema

        return read_schema(Path(path))

    @staticmethod
    def from_yaml(text: str, *, source: str = "schema") -> "Schema":
        """Read the text of a schema file.

        Raises:
            InvalidError: it is no schema; the message names the line.
        """
        from headwater.validation.data.schema_files import parse_schema

        return parse_schema(text, source=source)

    def to_yaml(self) -> str:
        """Return the text of a schema file; what is as usual is left out."""
        from headwater.validation.data.schema_files import schema_text

        return schema_text(self)

    def write(self, path: str | Path) -> Path:
        """Write a schema file."""
        target = Path(path)
        target.write_text(self.to_yaml(), encoding="utf-8")
        return target

    def _repr_html_(self) -> str:
        from headwater.validation.data.report import schema_html

        return schema_html(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A change that would make a schema accept what was found; somebody has to want it.

    Attributes:
        column: Which; None is about the schema itself.
        changes: New values of fields of `Column` or `Schema`.
        is_new: The column is added, with this `kind`.
    """

    column: str | None
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    is_new: bool = False
    kind: Kind | None = None

    def __str__(self) -> str:
        subject = f"{self.column}: " if self.column else ""
        if self.is_new:
            return f"{subject}add it as {self.kind}"
        return subject + ", ".join(f"{name} = {shown(value)}" for name, value in self.changes.items())


def shown(value: object) -> str:
    """Return a part of a schema in short."""
    match value:
        case Limits():
            return f"{_bound(value.min)} to {_bound(value.max)}"
        case Presence():
            count = f", at least {value.min_count} rows" if value.min_count else ""
            return f"{value.min_fraction:.4g} of rows{count}"
        case Domain():
            more = f" and {len(value.values) - 8} more" if len(value.values) > 8 else ""
            outside = f", others up to {value.max_outside:.3g}" if value.max_outside else ""
            return f"{', '.join(value.values[:8])}{more}{outside}"
        case Comparator():
            if value.threshold is not None:
                return f"{value.threshold:g}"
            usual = value.method is Method.OFF or value.min_effect == Comparator().min_effect
            return str(value.method) if usual else f"auto from an effect of {value.min_effect:g} on"
        case Mapping():
            entries = cast("Mapping[object, object]", value).items()
            return ", ".join(f"{k}: {v}" for k, v in entries) or "-"
        case tuple():
            return ", ".join(shown(v) for v in cast("tuple[object, ...]", value)) or "-"
        case Pairing():
            return f"{value.relation} {value.left} with {value.right}"
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def _bound(value: float | None) -> str:
    return "any" if value is None else f"{value:.10g}"


def _changes(prefix: str, one: Column | Schema, two: Column | Schema) -> list[str]:
    found: list[str] = []
    for each in fields(one):
        before, after = getattr(one, each.name), getattr(two, each.name)
        if before == after:
            continue
        if isinstance(before, Domain) and isinstance(after, Domain):
            found.append(f"~ {prefix}domain: {_domain_change(before, after)}")
        else:
            found.append(f"~ {prefix}{each.name}: {shown(before)} -> {shown(after)}")
    return found


def _domain_change(before: Domain, after: Domain) -> str:
    gone = [f"-{v}" for v in before.values if v not in after.values]
    new = [f"+{v}" for v in after.values if v not in before.values]
    share: Sequence[str] = ()
    if before.max_outside != after.max_outside:
        share = (f"max_outside {before.max_outside:g} -> {after.max_outside:g}",)
    return " ".join([*gone, *new, *share]) or "another order"
