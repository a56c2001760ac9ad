"""What the data gate found, as a value that can stop a pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from headwater.errors import RejectedError
from headwater.model.ids import ArtifactId, ExecutionId
from headwater.model.values import Json
from headwater.model.verdicts import Outcome
from headwater.validation.data.anomalies import Anomaly, Severity
from headwater.validation.data.comparing import Distance
from headwater.validation.data.schema import Proposal, Schema
from headwater.validation.data.statistics import Statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Where a verdict stands in the graph."""

    evaluation_id: ExecutionId
    statistics_id: ArtifactId
    anomalies_id: ArtifactId
    verdict_id: ArtifactId


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DataVerdict:
    """What the data gate found.

    Attributes:
        subject: What was judged: a reference such as `data/flights/2`, a path, or `the table`.
        outcome: `fail` with an error among the anomalies; else `insufficient` when something that was
            asked for could not be told; else `pass`.
        anomalies: What is wrong, errors first.
        distances: Of every column that was compared, also the small ones.
        unjudged: What could not be told, in words.
        notes: What was not asked for, in words, such as a comparison without an earlier version.
        statistics: What the table holds.
        references: What it was compared with, by `drift` or `skew`.
        schema: What was expected; empty where another library's checks were used.
        rules: The schema, or the other library's checks, as text.
        config_digest: Digest of the rules and the environment, so that two verdicts can be told apart.
        recorded: Where it stands in the graph; None when it was not recorded.
    """

    subject: str
    outcome: Outcome
    anomalies: tuple[Anomaly, ...]
    distances: tuple[Distance, ...]
    unjudged: tuple[str, ...]
    notes: tuple[str, ...]
    statistics: Statistics
    schema: Schema
    rules: str
    environment: str | None
    config_digest: str
    references: "dict[str, Statistics]" = field(default_factory=dict[str, Statistics])
    recorded: Recorded | None = None

    def __repr__(self) -> str:
        # All that it holds would fill screens: a table has thousands of figures.
        return f"<DataVerdict {self.subject}: {self.outcome}, {len(self.anomalies)} anomalies>"

    def __str__(self) -> str:
        """Return the outcome and what is wrong, a line each."""
        lines = [f"{anomaly.severity}: {anomaly}" for anomaly in self.anomalies]
        lines += [f"not told: {each}" for each in self.unjudged]
        return "\n  ".join([f"{self.subject}: {self.outcome}", *(lines or [self.summary])])

    @property
    def errors(self) -> list[Anomaly]:
        """The anomalies for which the data fail."""
        return [a for a in self.anomalies if a.severity is Severity.ERROR]

    @property
    def warnings(self) -> list[Anomaly]:
        """The anomalies that are told, and no more."""
        return [a for a in self.anomalies if a.severity is Severity.WARNING]

    @property
    def proposals(self) -> list[Proposal]:
        """Changes that would make the schema accept the data; see `Schema.update`."""
        return [a.proposal for a in self.anomalies if a.proposal is not None]

    @property
    def reasons(self) -> list[str]:
        """Why it is no pass, in words; empty when it is one."""
        return [str(a) for a in self.errors] or [*self.unjudged]

    @property
    def summary(self) -> str:
        """The finding in a sentence."""
        if self.outcome is Outcome.PASS:
            rows, columns = self.statistics.row_count, len(self.statistics.columns)
            found = f"{rows:,} rows and {columns} columns are as expected"
        else:
            found = _listed(self.reasons)
        more = [f"{len(self.warnings)} warnings"] if self.warnings else []
        return "; ".join([found, *more, *self.notes])

    def raise_for_outcome(self, *, allows_insufficient: bool = False) -> None:
        """Stop unless the data passed.

        Args:
            allows_insufficient: Go on when something could not be told.

        Raises:
            RejectedError: they did not; its `verdict` is this.
        """
        if self.outcome is Outcome.PASS or (allows_insufficient and self.outcome is Outcome.INSUFFICIENT):
            return
        raise RejectedError(self.subject, str(self.outcome), self.reasons, self)

    def facts(self) -> dict[str, Json]:
        """Return it as JSON, without the statistics."""
        return {
            "subject": self.subject,
            "outcome": str(self.outcome),
            "summary": self.summary,
            "environment": self.environment,
            "rows": self.statistics.row_count,
            "anomalies": [a.facts() for a in self.anomalies],
            "distances": [d.facts() for d in self.distances],
            "unjudged": [*self.unjudged],
            "notes": [*self.notes],
            "config_digest": self.config_digest,
        }

    def to_html(self) -> str:
        """Return a page of its own: anomalies, distances, and histograms side by side."""
        from headwater.validation.data.report import verdict_page

        return verdict_page(self)

    def _repr_html_(self) -> str:
        from headwater.validation.data.report import verdict_html

        return verdict_html(self)


def outcome_of(anomalies: Sequence[Anomaly], unjudged: Sequence[str]) -> Outcome:
    """Return the outcome: an error fails, and what could not be told is no pass."""
    if any(a.severity is Severity.ERROR for a in anomalies):
        return Outcome.FAIL
    return Outcome.INSUFFICIENT if unjudged else Outcome.PASS


def _listed(reasons: Sequence[str], most: int = 3) -> str:
    more = f" and {len(reasons) - most} more" if len(reasons) > most else ""
    return "; ".join(reasons[:most]) + more
