"""Decisions that executions wait for, and runs that are published together."""

import pytest

from headwater.errors import ConflictError, StaleWriteError
from headwater.ledger import all_records, verify
from headwater.model.approvals import Decision
from headwater.model.graph import (
    ArtifactLink,
    EventType,
    ExecutionChange,
    ExecutionState,
    NewArtifact,
    NewExecution,
    NodeKind,
)
from headwater.model.runs import RunChange, RunPublication, RunStatus
from tests.contract.builders import new_run, put_type, start_run


@pytest.fixture
def waiting(store):
    """An execution that waits for somebody."""
    kind = put_type(store, NodeKind.EXECUTION, "Waits")
    (number,) = store.executions.add([NewExecution(type_id=kind, name="sign", state=ExecutionState.NEW)])
    return store.executions.get([number])[0]


def decide(store, execution, *, approves=True, revision=None, artifacts=()):
    state = ExecutionState.COMPLETE if approves else ExecutionState.FAILED
    change = ExecutionChange(id=execution.id, state=state, expect_revision=revision or execution.revision)
    return store.approvals.decide(
        Decision(
            subject="pipelines/p/1/sign",
            actor="ann",
            reason="the numbers are right",
            approves=approves,
            execution=change,
            artifacts=artifacts,
        )
    )


@pytest.mark.parametrize(("approves", "action"), [(True, "approve"), (False, "reject")])
def test_a_decision_ends_its_execution_and_is_in_the_ledger(store, waiting, approves, action):
    decide(store, waiting, approves=approves)

    (entry,) = store.ledger.entries(subject="pipelines/p/1")
    (after,) = store.executions.get([waiting.id])
    found = (entry.action, entry.actor, entry.reason, entry.subject, entry.details)
    assert found == (
        action,
        "ann",
        "the numbers are right",
        "pipelines/p/1/sign",
        {"execution": waiting.id},
    )
    assert after.state is (ExecutionState.COMPLETE if approves else ExecutionState.FAILED)
    assert verify(all_records(store.ledger.records)).is_intact


def test_a_decision_that_comes_too_late_is_nowhere(store, waiting):
    kind = put_type(store, NodeKind.ARTIFACT, "Said")
    made = ArtifactLink(artifact=NewArtifact(type_id=kind, name="said"), type=EventType.OUTPUT)

    with pytest.raises(StaleWriteError):
        decide(store, waiting, revision=waiting.revision + 1, artifacts=[made])

    assert store.executions.get([waiting.id]) == [waiting]
    assert store.artifacts.find(kind, "said") is None
    assert store.ledger.entries() == []


def test_runs_are_published_together(store):
    before, following = start_run(store), new_run(run_id="f" * 32)
    end = RunChange(id=before.id, status=RunStatus.FINISHED, expect_revision=before.revision)
    both = [RunPublication(run=end), RunPublication(run=following)]

    first = store.runs.publish_all(both, key="hand over")

    assert store.runs.publish_all(both, key="hand over") == first
    ended, begun = store.runs.by_execution_ids([done.execution_id for done in first])
    assert (ended.id, ended.status) == (before.id, RunStatus.FINISHED)
    assert (begun.run_id, begun.status) == (following.run_id, RunStatus.RUNNING)


def test_runs_are_published_together_or_not_at_all(store):
    before, taken = start_run(store), new_run(run_id="e" * 32)
    store.runs.start(taken)
    end = RunChange(id=before.id, status=RunStatus.FINISHED, expect_revision=before.revision)

    with pytest.raises(ConflictError):
        store.runs.publish_all([RunPublication(run=end), RunPublication(run=taken)])

    assert store.runs.by_execution_ids([before.id]) == [before]
