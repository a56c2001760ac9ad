"""Steps that wait for a person: executions that are NEW until somebody decides, however long that takes."""

from dataclasses import dataclass

from headwater.errors import ConflictError, NotFoundError, RefusedError, StaleWriteError
from headwater.model import builtin
from headwater.model.approvals import APPROVE, Decision
from headwater.model.graph import (
    ArtifactLink,
    ArtifactState,
    EventType,
    Execution,
    ExecutionChange,
    ExecutionState,
    NewArtifact,
    NewExecution,
    Subgraph,
)
from headwater.model.ids import ContextId
from headwater.model.ledger import check_reason
from headwater.pipelines import tags
from headwater.pipelines.contracts import Shape
from headwater.pipelines.decisions import decision_on, told
from headwater.pipelines.history import Product, products_of
from headwater.pipelines.publishing import OUTPUT
from headwater.pipelines.records import PipelineRun
from headwater.pipelines.slots import Slot
from headwater.pipelines.values import Kind
from headwater.tracking import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How an approval stands.

    Attributes:
        product: Who approved and why, once somebody has.
        is_new: It was asked for just now, or by an earlier runner.
    """

    product: Product | None = None
    is_rejected: bool = False
    is_new: bool = False
    note: str = ""


class Approvals:
    """The approvals of one run of a pipeline.

    Args:
        session: Where they are kept.
        run: The run.
    """

    def __init__(self, session: Session, run: PipelineRun) -> None:
        self._session, self._run = session, run

    def answer(self, slot: Slot, contexts: tuple[ContextId, ...]) -> Answer:
        """Ask for an approval, if nobody has, and return how it stands."""
        found = self._find(slot)
        if found is None:
            self._ask(slot, contexts)
            return Answer(is_new=True, note=self._how(slot))
        entry = decision_on(self._session.store, self._run.decisions(slot))
        if entry is None:
            return Answer(is_new=True, note=self._how(slot))
        note = told(entry)
        if entry.action == APPROVE:
            return Answer(product=products_of(self._session, [found]).get(found.id), note=note)
        return Answer(is_rejected=True, note=f"rejected {note}")

    def decide(self, step: str, *, approves: bool, actor: str, reason: str) -> None:
        """Approve or reject; who changes their mind decides again, until the run has gone on.

        Raises:
            NotFoundError: the run does not wait for this.
            RefusedError: it is approved already, or the reason is blank.
        """
        check_reason(reason)
        slot, store = Slot(step), self._session.store
        found = self._find(slot)
        if found is None:
            raise NotFoundError("approval that is waited for", f"{self._run.ref} {step}", near=self._open())
        entry = decision_on(store, self._run.decisions(slot))
        if entry is not None and entry.action == APPROVE:
            raise RefusedError(f"{step} was approved {told(entry)}")
        decision = Decision(
            subject=self._run.decisions(slot),
            actor=actor,
            reason=reason,
            approves=approves,
            execution=ExecutionChange(
                id=found.id,
                state=ExecutionState.COMPLETE if approves else ExecutionState.FAILED,
                expect_revision=found.revision,
            ),
            artifacts=[self._output(found, slot)] if approves else [],
            contexts=[a.context_id for a in store.links.contexts_of_executions([found.id])],
        )
        try:
            store.approvals.decide(decision)
        except StaleWriteError as error:
            raise RefusedError(f"somebody else has decided on {step} just now: look again") from error

    def _output(self, found: Execution, slot: Slot) -> ArtifactLink:
        """Return what the step gives: a view of the decision in the ledger, which is not written twice."""
        (type_id,) = self._session.type_ids([builtin.ARTIFACT])
        artifact = NewArtifact(
            type_id=type_id,
            name=found.name,
            state=ArtifactState.LIVE,
            properties={"kind": Kind.DECISION.value},
            custom_properties={"value_kind": Kind.DECISION.value, "value_detail": self._run.decisions(slot)},
        )
        return ArtifactLink(artifact=artifact, type=EventType.OUTPUT, path=(OUTPUT,))

    def _ask(self, slot: Slot, contexts: tuple[ContextId, ...]) -> None:
        (type_id,) = self._session.type_ids([builtin.APPROVAL])
        new = NewExecution(
            type_id=type_id,
            name=self._name(slot),
            state=ExecutionState.NEW,
            custom_properties={
                tags.PIPELINE: self._run.pipeline,
                tags.RUN: self._run.name,
                tags.STEP: str(slot),
                tags.ATTEMPT: 1,
                tags.ROLE: tags.APPROVAL,
                tags.SHAPE: Shape.ONE.value,
            },
        )
        try:
            self._session.store.links.put(Subgraph(contexts=contexts, executions=[new]))
        except ConflictError:
            # Another runner of this run has asked just now.
            return

    def _find(self, slot: Slot) -> Execution | None:
        (type_id,) = self._session.type_ids([builtin.APPROVAL])
        return self._session.store.executions.find(type_id, self._name(slot))

    def _open(self) -> list[str]:
        ids = [a.execution_id for a in self._session.store.links.executions_of_contexts([self._run.id])]
        found = self._session.store.executions.get(ids) if ids else []
        return [
            str(e.custom_properties[tags.STEP])
            for e in found
            if e.custom_properties.get(tags.ROLE) == tags.APPROVAL and e.state is ExecutionState.NEW
        ]

    def _name(self, slot: Slot) -> str:
        return f"{self._run.pipeline}/{self._run.name}/{slot}"

    def _how(self, slot: Slot) -> str:
        return f"headwater pipeline approve {self._run.ref} {slot} --reason …"
