"""What checks find, as they go."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headwater.validation.data.anomalies import Anomaly, AnomalyKind, Severity, severity_of
from headwater.validation.data.schema import Proposal


@dataclass(slots=True)
class Findings:
    """What is wrong so far, and what could not be told.

    Attributes:
        severities: Of kinds, where the schema has its own.
        unjudged: What was asked for and could not be told, in words.
    """

    severities: Mapping[AnomalyKind, Severity]
    anomalies: list[Anomaly] = field(default_factory=list[Anomaly])
    unjudged: list[str] = field(default_factory=list[str])

    def add(
        self,
        kind: AnomalyKind,
        column: str | None,
        short: str,
        long: str,
        *,
        count: int | None = None,
        samples: tuple[str, ...] = (),
        proposal: Proposal | None = None,
        is_minor: bool = False,
    ) -> None:
        """Note an anomaly, unless its kind is ignored; a minor one is a warning unless the schema says so."""
        severity = severity_of(kind, self.severities)
        if is_minor and kind not in self.severities:
            severity = Severity.WARNING
        if severity is not Severity.IGNORE:
            self.anomalies.append(
                Anomaly(
                    kind=kind,
                    column=column,
                    severity=severity,
                    short=short,
                    long=long,
                    count=count,
                    samples=samples,
                    proposal=proposal,
                )
            )

    def by_severity(self) -> tuple[Anomaly, ...]:
        """Return what is wrong, errors first."""
        return tuple(sorted(self.anomalies, key=lambda a: a.severity is not Severity.ERROR))
