"""Reuse: which earlier execution made the same of the same, and whether what it made is still there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from headwater.errors import CorruptError, NotFoundError
from headwater.model import builtin
from headwater.model.filters import And, Comparison, Field, In, Operator, Scope
from headwater.model.graph import Artifact, ArtifactState, Execution, ExecutionState
from headwater.model.ids import ArtifactId, ExecutionId
from headwater.model.listing import Listing, Order
from headwater.pipelines import tags
from headwater.pipelines.history import Product, products_of
from headwater.pipelines.publishing import read_digest
from headwater.tracking import Session

BATCH: Final = 32
"""Keys that one query asks for: so few that the store keeps the statement."""
_PAGE: Final = 2_000
_JUDGED: Final = (("version",), ("data",))
"""What a gate calls the input that it judges."""
_KEY: Final = Field(Scope.TAG, tags.KEY)
_STATE: Final = Field(Scope.ATTRIBUTE, "state")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An execution whose outputs can be used instead of running a step."""

    execution: Execution
    product: Product


class Reuse:
    """Looks for what can be reused; remembers which bytes it has verified.

    Args:
        session: Where to look.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sound: dict[str, str | None] = {}

    def find(self, keys: Sequence[str]) -> tuple[dict[str, Found], dict[str, str]]:
        """Look for executions with these keys, newest first.

        Returns:
            What can be reused, by key; and why what there is cannot be reused, by key.
        """
        found: dict[str, Found] = {}
        refused: dict[str, str] = {}
        batches = (keys[start : start + BATCH] for start in range(0, len(keys), BATCH))
        candidates = [execution for batch in batches for execution in self._candidates(batch)]
        products = products_of(self._session, candidates)
        problems = self.problems(candidates, products)
        for execution in candidates:
            key = str(execution.custom_properties[tags.KEY])
            if key in found:
                continue
            if problem := problems[execution.id]:
                refused.setdefault(key, problem)
            else:
                found[key] = Found(execution=execution, product=products[execution.id])
        return found, {key: why for key, why in refused.items() if key not in found}

    def problems(
        self, executions: Sequence[Execution], products: Mapping[ExecutionId, Product]
    ) -> dict[ExecutionId, str | None]:
        """Tell why what executions made cannot be used; None where it can."""
        ids = sorted({s.artifact_id for product in products.values() for s in product.outputs})
        artifacts = {a.id: a for a in self._session.store.artifacts.get(ids)} if ids else {}
        return {each.id: self._problem(each, products.get(each.id), artifacts) for each in executions}

    def _candidates(self, keys: Sequence[str]) -> list[Execution]:
        is_complete = Comparison(_STATE, Operator.EQ, int(ExecutionState.COMPLETE))
        listing = Listing(
            filter=And((In(_KEY, tuple(keys)), is_complete)),
            order_by=[Order(Field(Scope.ATTRIBUTE, "id"), is_descending=True)],
            limit=_PAGE,
        )
        return list(self._session.store.executions.page(listing).items)

    def _problem(
        self, execution: Execution, product: Product | None, artifacts: dict[ArtifactId, Artifact]
    ) -> str | None:
        if product is None:
            return "an output is no longer recorded"
        if problem := self._changed_read(execution):
            return problem
        for stored in product.outputs:
            artifact = artifacts.get(stored.artifact_id)
            if artifact is None or artifact.removed_ms is not None or artifact.deleted_ms is not None:
                return f"output artifacts/{stored.artifact_id} was deleted"
            if artifact.state is not ArtifactState.LIVE:
                return f"output artifacts/{stored.artifact_id} is not live"
            if artifact.type_name == builtin.VERDICT.name and not self._is_newest(artifact):
                return f"a newer verdict of gate {artifact.properties.get('gate')} has been given"
            if stored.bytes_digest and (problem := self._unsound(stored.bytes_digest)):
                return problem
        return None

    def _changed_read(self, execution: Execution) -> str | None:
        reads = execution.custom_properties.get(tags.READS)
        for name, digest in reads.items() if isinstance(reads, dict) else ():
            if read_digest(self._session.project_root / name) != digest:
                return f"{name}, which it read without declaring it, has changed or is gone"
        return None

    def _unsound(self, digest: str) -> str | None:
        """Tell what is wrong with stored bytes; each digest is read once."""
        if digest not in self._sound:
            try:
                self._session.blobs.verify(digest)
                self._sound[digest] = None
            except NotFoundError:
                self._sound[digest] = f"the bytes of an output are lost ({digest})"
            except CorruptError:
                self._make_room(digest)
                self._sound[digest] = f"the bytes of an output are corrupted ({digest})"
        return self._sound[digest]

    def _make_room(self, digest: str) -> None:
        """Remove bytes that are no longer those of their digest: they keep good ones from being put."""
        blobs = self._session.blobs
        try:
            parts = [entry.digest for entry in blobs.manifest(digest)]
        except (CorruptError, NotFoundError):
            parts = []
        for part in {*parts, digest}:
            try:
                blobs.verify(part)
            except CorruptError:
                blobs.delete(part)
            except NotFoundError:
                continue

    def forget(self, digests: Sequence[str | None]) -> None:
        """Look at bytes again the next time, because a step has just written them."""
        for digest in digests:
            self._sound.pop(digest or "", None)

    def _is_newest(self, verdict: Artifact) -> bool:
        """Tell whether no other verdict of the same gate was given since on what this one is about."""
        links, gate = self._session.store.links, verdict.properties.get("gate")
        makers = [event.execution_id for event in links.events_of_artifacts([verdict.id], are_outputs=True)]
        judged = [
            event.artifact_id
            for event in links.events_of_executions(makers, are_outputs=False)
            if event.path[:1] in _JUDGED
        ]
        readers = [event.execution_id for event in links.events_of_artifacts(judged, are_outputs=False)]
        made = [event.artifact_id for event in links.events_of_executions(readers, are_outputs=True)]
        newer = self._session.store.artifacts.get([i for i in dict.fromkeys(made) if i > verdict.id])
        return not any(
            each.type_name == builtin.VERDICT.name
            and each.properties.get("gate") == gate
            and each.deleted_ms is None
            for each in newer
        )
