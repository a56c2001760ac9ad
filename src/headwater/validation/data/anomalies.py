"""What can be wrong with data, and how bad it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from headwater.model.values import Json

if TYPE_CHECKING:
    from headwater.validation.data.schema import Proposal


class Severity(StrEnum):
    """What an anomaly does to the verdict."""

    ERROR = "error"
    """The data fail."""
    WARNING = "warning"
    """It is told, and the data may pass."""
    IGNORE = "ignore"
    """It is not even told."""


class AnomalyKind(StrEnum):
    """What can be wrong."""

    MISSING_COLUMN = "missing_column"
    NEW_COLUMN = "new_column"
    TYPE_MISMATCH = "type_mismatch"
    UNEXPECTED_VALUE = "unexpected_value"
    OUT_OF_RANGE_LOW = "out_of_range_low"
    OUT_OF_RANGE_HIGH = "out_of_range_high"
    NAN = "nan"
    INFINITY = "infinity"
    INVALID_TEXT = "invalid_text"
    LOW_PRESENCE_FRACTION = "low_presence_fraction"
    LOW_PRESENCE_COUNT = "low_presence_count"
    TOO_SHORT = "too_short"
    """A text with too few characters."""
    TOO_LONG = "too_long"
    TOO_FEW_VALUES = "too_few_values"
    """A list with too few values."""
    TOO_MANY_VALUES = "too_many_values"
    TOO_FEW_UNIQUE = "too_few_unique"
    TOO_MANY_UNIQUE = "too_many_unique"
    NOT_UNIQUE = "not_unique"
    SPARSE_MISMATCH = "sparse_mismatch"
    WEIGHTED_MISMATCH = "weighted_mismatch"
    NO_ROWS = "no_rows"
    TOO_FEW_ROWS = "too_few_rows"
    TOO_MANY_ROWS = "too_many_rows"
    ROWS_SHRANK = "rows_shrank"
    ROWS_GREW = "rows_grew"
    SKEW_L_INFINITY = "skew_l_infinity"
    SKEW_JENSEN_SHANNON = "skew_jensen_shannon"
    DRIFT_L_INFINITY = "drift_l_infinity"
    DRIFT_JENSEN_SHANNON = "drift_jensen_shannon"
    REFERENCE_MISSING = "reference_missing"
    """A comparison was asked for, and the other table has nothing in the column."""
    COMPARED_MISSING = "compared_missing"
    """A comparison was asked for, and this table has nothing in the column."""
    INVALID_SCHEMA = "invalid_schema"
    CHECK_FAILED = "check_failed"
    """A check of another library did not hold."""


WARNINGS: Final = frozenset({AnomalyKind.NEW_COLUMN, AnomalyKind.ROWS_GREW, AnomalyKind.REFERENCE_MISSING})
"""Kinds that are no errors unless the schema says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """Something that is wrong.

    Attributes:
        column: In which; None is about the whole table.
        short: In a few words, such as `3 values are below 0`.
        long: With what was expected, and what to do.
        count: Rows, values or columns that are wrong; None where nothing is counted.
        samples: Some of the values that are wrong, as text.
        proposal: A change of the schema that would accept them.
    """

    kind: AnomalyKind
    column: str | None
    severity: Severity
    short: str
    long: str
    count: int | None = None
    samples: tuple[str, ...] = ()
    proposal: "Proposal | None" = None

    def __str__(self) -> str:
        return f"{self.column}: {self.short}" if self.column is not None else self.short

    def facts(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {
            "kind": str(self.kind),
            "column": self.column,
            "severity": str(self.severity),
            "short": self.short,
            "long": self.long,
            "count": self.count,
            "samples": [*self.samples],
            "proposal": None if self.proposal is None else str(self.proposal),
        }


def severity_of(kind: AnomalyKind, overrides: Mapping[AnomalyKind, Severity]) -> Severity:
    """Return how bad a kind of anomaly is: what the schema says, else the usual."""
    return overrides.get(kind, Severity.WARNING if kind in WARNINGS else Severity.ERROR)
