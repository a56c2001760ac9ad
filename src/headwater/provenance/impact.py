"""What came from a thing, with what matters most first."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from headwater.model.models import ARCHIVED, NO_STAGE, PRODUCTION
from headwater.provenance.changes import plain
from headwater.provenance.html import table_html
from headwater.provenance.wording import counted, listed

KINDS: Final = ("model", "run", "data", "artifact")
"""What is affected, in the order in which it is shown."""
_NOUNS: Final = {"model": "version", "run": "run", "data": "data version", "artifact": "artifact"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """Something that came from the thing.

    Attributes:
        ref: Its reference.
        kind: One of `KINDS`; `run` is any execution.
        name: The name of its model or data set, the experiment of a run, or its type.
        stage: Where a model version stands.
        aliases: Names that point to a model version.
        hops: How far down it stands.
    """

    ref: str
    kind: str
    name: str
    stage: str = NO_STAGE
    aliases: tuple[str, ...] = ()
    hops: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """Everything that came from one thing.

    Attributes:
        ref: Reference of the thing.
        affected: Versions in production first, then those in other stages (archived ones last), then
            other versions, then runs, data versions and artifacts; among equals the nearest first.
        is_truncated: There is more than was read.
    """

    ref: str
    affected: tuple[Affected, ...] = ()
    is_truncated: bool = False

    def of_kind(self, kind: str) -> tuple[Affected, ...]:
        """Return what is of one kind."""
        return tuple(each for each in self.affected if each.kind == kind)

    @property
    def in_production(self) -> tuple[Affected, ...]:
        """The versions that are in production."""
        return tuple(each for each in self.affected if each.stage == PRODUCTION)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each, in order."""
        return [
            plain(each) | {"stage": "" if each.stage == NO_STAGE else each.stage} for each in self.affected
        ]

    def json(self) -> dict[str, Any]:
        """Return all of it as JSON, with counts and the sentence."""
        counts = {kind: len(self.of_kind(kind)) for kind in KINDS}
        return {**plain(self), "counts": counts, "sentence": self.sentence()}

    def sentence(self) -> str:
        """Return it in plain English."""
        if not self.affected:
            return f"Nothing that is recorded came from {self.ref}."
        parts = [counted(n, _NOUNS[kind]) for kind in KINDS if (n := len(self.of_kind(kind)))]
        if self.of_kind("model"):
            parts[0] += self._production()
        more = "; there is more than was read" if self.is_truncated else ""
        return f"{self.ref} led to {'; '.join(parts)}{more}."

    def _production(self) -> str:
        refs = [each.ref for each in self.in_production]
        if not refs:
            return ", none in production"
        number = "one" if len(refs) == 1 else str(len(refs))
        return f", {number} in production: {listed(refs, rest='versions')}"

    def __str__(self) -> str:
        return self.sentence()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": table_html(self.sentence(), self.rows())}


def impact_of(ref: str, found: Iterable[Affected], *, is_truncated: bool = False) -> Impact:
    """Put what came from a thing in order."""
    return Impact(ref=ref, affected=tuple(sorted(found, key=_urgency)), is_truncated=is_truncated)


def _urgency(each: Affected) -> tuple[int, int, int, str, int, str]:
    ranks = {PRODUCTION: 0, ARCHIVED: 2, NO_STAGE: 3}
    return (KINDS.index(each.kind), ranks.get(each.stage, 1), each.hops, each.name, len(each.ref), each.ref)
