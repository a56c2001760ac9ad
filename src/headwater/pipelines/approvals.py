"""Steps that wait for a person: executions that are NEW until somebody decides, however long that takes."""

from dataclasses import dataclass

from headwater.errors import ConflictError, NotFoundError, RefusedError, StaleWriteError
from headwater.model import builtin
from headwater.model.graph import (
    ArtifactLink,
    ArtifactState,
    EventType,
    Execution,
    ExecutionChange,
    ExecutionState,
    NewArtifact,
    NewExecution,
    Publication,
    Subgraph,
)
from headwater.model.ids import ContextId
from headwater.model.ledger import check_reason
from headwater.model.values import Json
from headwater.pipelines import tags
from headwater.pipelines.contracts import Shape
from headwater.pipelines.history import Product, products_of
from headwater.pipelines.publishing import OUTPUT
from headwater.pipelines.records import PipelineRun
from headwater.pipelines.slots import Slot
from headwater.pipelines.values import kept_with, write_value
from headwater.tracking import Session

APPROVAL_ROLE = "approval"


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
        note = f"by {found.properties.get('actor')}: {found.properties.get('reason')}"
        if found.state is ExecutionState.COMPLETE:
            return Answer(product=products_of(self._session, [found]).get(found.id), note=note)
        if found.state is ExecutionState.FAILED:
            return Answer(is_rejected=True, note=f"rejected {note}")
        return Answer(is_new=True, note=self._how(slot))

    def decide(self, step: str, *, approves: bool, actor: str, reason: str) -> None:
        """Approve or reject; who changes their mind decides again, until the run has gone on.

        Raises:
            NotFoundError: the run does not wait for this.
            RefusedError: it is approved already, or the reason is blank.
        """
        check_reason(reason)
        found = self._find(Slot(step))
        if found is None:
            raise NotFoundError("approval that is waited for", f"{self._run.ref} {step}", near=self._open())
        if found.state is ExecutionState.COMPLETE:
            raise RefusedError(
                f"{step} was approved by {found.properties.get('actor')}: {found.properties.get('reason')}"
            )
        try:
            self._session.store.links.publish(self._decision(found, approves, actor, reason))
        except StaleWriteError as error:
            raise RefusedError(f"somebody else has decided on {step} just now: look again") from error

    def _decision(self, found: Execution, approves: bool, actor: str, reason: str) -> Publication:  # noqa: FBT001
        change = ExecutionChange(
            id=found.id,
            state=ExecutionState.COMPLETE if approves else ExecutionState.FAILED,
            properties={"actor": actor, "reason": reason},
            expect_revision=found.revision,
        )
        contexts = [a.context_id for a in self._session.store.links.contexts_of_executions([found.id])]
        made = [self._output(found, actor, reason)] if approves else []
        return Publication(execution=change, artifacts=made, contexts=contexts)

    def _output(self, found: Execution, actor: str, reason: str) -> ArtifactLink:
        (type_id,) = self._session.type_ids([builtin.ARTIFACT])
        said: dict[str, Json] = {"actor": actor, "reason": reason, "time_ms": self._session.clock_ms()}
        written = write_value(self._session, said)
        artifact = NewArtifact(
            type_id=type_id,
            name=found.name,
            state=ArtifactState.LIVE,
            digest=written.blob.digest,
            size_bytes=written.blob.size_bytes,
            properties={"kind": written.kind.value},
            custom_properties=kept_with(written),
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
                tags.ROLE: APPROVAL_ROLE,
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
            if e.custom_properties.get(tags.ROLE) == APPROVAL_ROLE and e.state is ExecutionState.NEW
        ]

    def _name(self, slot: Slot) -> str:
        return f"{self._run.pipeline}/{self._run.name}/{slot}"

    def _how(self, slot: Slot) -> str:
        return f"headwater pipeline approve {self._run.ref} {slot} --reason …"
