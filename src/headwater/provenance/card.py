"""One model version explained to somebody who does not read code: a model card, out of the record."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headwater.model.ledger import LedgerEntry
from headwater.model.models import ARCHIVED, NO_STAGE, PRODUCTION, STAGING, ModelVersion
from headwater.model.runs import Run
from headwater.model.upkeep import date_words
from headwater.model.verdicts import Deployment, Outcome, Verdict
from headwater.provenance.history import History, Material
from headwater.provenance.missing import Missing
from headwater.provenance.wording import listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What the record says of one model version.

    Attributes:
        version: The version.
        description: What the version, or else its model, is for.
        owner: Who answers for the model.
        history: Where it comes from.
        run: The run that made it, if one did.
        inputs: What that run read, with the name that it gave to each.
        origins: Data that it goes back to, and that were made from no other data.
        verdicts: What gates found, the newest of each.
        decisions: What was decided on it, oldest first.
        deployments: Where it was seen last.
        disagreements: Where what is intended is not what was seen, in words.
        missing: What the record lacks.
    """

    version: ModelVersion
    description: str | None = None
    owner: str | None = None
    history: History
    run: Run | None = None
    inputs: Sequence[tuple[Material, str]] = ()
    origins: Sequence[Material] = ()
    verdicts: Sequence[Verdict] = ()
    decisions: Sequence[LedgerEntry] = ()
    deployments: Sequence[Deployment] = ()
    disagreements: Sequence[str] = ()
    missing: Missing

    def sentence(self) -> str:
        """Return where it stands, what gates say, and how much is known, in plain English."""
        parts = [self._standing(), self._gates(), f"{self.missing.score:.0%} of its record is known"]
        if gone := self.version.deprecation:
            parts.insert(0, f"deprecated by {gone.actor}: {gone.reason}")
        return f"{self.version.ref} is {'; '.join(parts)}."

    def markdown(self) -> str:
        """Return the whole card as Markdown."""
        from headwater.provenance.card_text import card_markdown

        return card_markdown(self)

    def json(self) -> dict[str, Any]:
        """Return reference, sentence and Markdown as JSON."""
        return {"ref": self.version.ref, "sentence": self.sentence(), "markdown": self.markdown()}

    def __str__(self) -> str:
        return self.markdown()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": self.markdown(), "text/markdown": self.markdown()}

    def _standing(self) -> str:
        stage = self.version.stage
        if stage == NO_STAGE:
            return f"in no stage, registered {date_words(self.version.created_ms)}"
        where = f"in {stage}" if stage in {PRODUCTION, STAGING} else f"in stage {stage}"
        moves = [entry for entry in self.decisions if self._moves_to(entry, stage)]
        if not moves:
            return where
        move = moves[-1]
        verb = "rolled back to" if move.action == "rollback" else "put there"
        if move.subject != self.version.ref:
            verb = f"replaced with {move.subject}"
        why = f": {move.reason}" if move.reason else ""
        return f"{where} since {date_words(move.time_ms)}, {verb} by {move.actor}{why}"

    def _moves_to(self, entry: LedgerEntry, stage: str) -> bool:
        """Tell whether a decision put the version into a stage; what another one replaces is archived."""
        if entry.subject == self.version.ref:
            return entry.details.get("to") == stage
        return stage == ARCHIVED and entry.details.get("replaced") == self.version.version

    def _gates(self) -> str:
        if not self.verdicts:
            return "no gate has judged it"
        verbs = {
            Outcome.FAIL: "failed",
            Outcome.INSUFFICIENT: "had not enough evidence",
            Outcome.PASS: "passed",
        }
        said: list[str] = []
        for outcome, verb in verbs.items():
            if gates := [each.gate for each in self.verdicts if each.outcome is outcome]:
                noun = "gate" if len(gates) == 1 else "gates"
                said.append(f"the {noun} {listed(sorted(gates), most=len(gates))} {verb}")
        return ", ".join(said)
