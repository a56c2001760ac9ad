"""What differs between the histories of two things."""

from dataclasses import dataclass, field
from typing import Any, Final, Self

from headwater.provenance.changes import (
    Change,
    CodeChange,
    ColumnChange,
    MaterialChange,
    MetricChange,
    StepChange,
    Unknown,
    ValueChange,
    plain,
)
from headwater.provenance.html import table_html

SECTIONS: Final = (
    "data",
    "code",
    "params",
    "packages",
    "environment",
    "machine",
    "seeds",
    "signature",
    "format",
    "metrics",
    "steps",
)
"""What is compared, in the order in which it is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What differs between the histories of two things. Where a section is empty nothing in it differs.

    Attributes:
        before: Reference of the first one.
        after: Reference of the second one.
        data: Data versions, models and files that they were made from; a data version itself comes first.
        code: Commits, files, uncommitted changes, entry point and arguments.
        params: Hyperparameters.
        packages: Installed packages by version.
        environment: Python and the lock file.
        machine: Processor, system, and settings of threads, with dots.
        seeds: States of random generators at the start.
        signature: Columns that a model takes and gives.
        format: How a model is stored, and facts about it.
        metrics: Numbers that say how good they are.
        steps: Other executions upstream.
        unknown: What could not be compared, and why.
        compared: The sections of which something is known of both.
    """

    before: str
    after: str
    data: tuple[MaterialChange, ...] = ()
    code: CodeChange = field(default_factory=CodeChange)
    params: tuple[ValueChange, ...] = ()
    packages: tuple[ValueChange, ...] = ()
    environment: tuple[ValueChange, ...] = ()
    machine: tuple[ValueChange, ...] = ()
    seeds: tuple[ValueChange, ...] = ()
    signature: tuple[ColumnChange, ...] = ()
    format: tuple[ValueChange, ...] = ()
    metrics: tuple[MetricChange, ...] = ()
    steps: tuple[StepChange, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    compared: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True when nothing that is known of both differs."""
        return not self.different

    @property
    def different(self) -> tuple[str, ...]:
        """The sections in which something differs."""
        return tuple(name for name in SECTIONS if not self._is_same(name))

    @property
    def same(self) -> tuple[str, ...]:
        """The sections that were compared, and in which nothing differs."""
        return tuple(name for name in self.compared if self._is_same(name))

    def mirrored(self) -> Self:
        """Return the difference seen from the other side: what was added is removed."""
        return type(self)(
            before=self.after,
            after=self.before,
            data=tuple(each.mirrored() for each in self.data),
            code=self.code.mirrored(),
            params=tuple(each.mirrored() for each in self.params),
            packages=tuple(each.mirrored() for each in self.packages),
            environment=tuple(each.mirrored() for each in self.environment),
            machine=tuple(each.mirrored() for each in self.machine),
            seeds=tuple(each.mirrored() for each in self.seeds),
            signature=tuple(each.mirrored() for each in self.signature),
            format=tuple(each.mirrored() for each in self.format),
            metrics=tuple(each.mirrored() for each in self.metrics),
            steps=tuple(each.mirrored() for each in self.steps),
            unknown=self.unknown,
            compared=self.compared,
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each change: `section`, `what`, `before`, `after` and `note`."""
        from headwater.provenance.difference_rows import difference_rows

        return difference_rows(self)

    def json(self) -> dict[str, Any]:
        """Return all of it as JSON, with the sections in which something differs and the sentence."""
        found: dict[str, Any] = plain(self)
        for shown, metric in zip(found["metrics"], self.metrics, strict=True):
            shown["difference"] = metric.difference
        return found | {"different": [*self.different], "same": [*self.same], "sentence": self.sentence()}

    def sentence(self) -> str:
        """Return it in plain English."""
        from headwater.provenance.sentences import difference_sentence

        return difference_sentence(self)

    def __str__(self) -> str:
        return self.sentence()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": table_html(self.sentence(), self.rows())}

    def _is_same(self, section: str) -> bool:
        return self.code.is_empty if section == "code" else not getattr(self, section)


def count_of(changes: tuple[MaterialChange | StepChange, ...], kind: Change) -> int:
    """Return how many changes are of one kind."""
    return sum(change.change is kind for change in changes)
