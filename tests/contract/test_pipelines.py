"""Pipelines on every backend: what is recorded, reused and resumed, and runs stored with their edges."""

import threading
from collections import Counter

import pytest

from headwater.blobs import open_blobs
from headwater.errors import ConflictError, PipelineFailedError, StaleWriteError
from headwater.model import builtin
from headwater.model.graph import (
    ArtifactLink,
    ArtifactState,
    Association,
    Attribution,
    EventType,
    ExecutionState,
    NewArtifact,
    NewContext,
    NodeKind,
)
from headwater.model.runs import RunChange, RunPublication, RunStatus
from headwater.pipelines.approvals import Approvals
from headwater.pipelines.graph import drawn
from headwater.pipelines.history import attempts_of
from headwater.pipelines.pipeline import Definition
from headwater.pipelines.records import RunState, find_run, runs_of
from headwater.pipelines.running import Running, run_pipeline
from headwater.pipelines.steps import approval, step
from headwater.pipelines.viewing import why
from headwater.tracking import Session
from tests.contract.builders import new_run, put_type, start_run

CALLS = Counter()
TROUBLE = set()


@step
def numbers(count: int) -> list:
    CALLS["numbers"] += 1
    return list(range(count))


@step
def square(x: int) -> int:
    CALLS["square"] += 1
    if x in TROUBLE:
        raise ValueError(f"{x} is trouble")
    return x * x


@step
def total(parts: list) -> int:
    CALLS["total"] += 1
    return sum(parts)


def squares(count: int = 3, asks: bool = False):
    assert drawn() is not None
    parts = square.map(numbers(count))
    return total.after(approval("sign"))(parts) if asks else total(parts)


SQUARES = Definition(name="squares", function=squares)


@pytest.fixture
def session(store, clock, tmp_path):
    CALLS.clear()
    TROUBLE.clear()
    blobs = open_blobs("memory://")
    with Session(store, blobs, project_root=tmp_path, clock_ms=clock, actor="ann@desk") as opened:
        yield opened


def run(session, params=None, resumed=None, **options):
    return run_pipeline(session, SQUARES, params or {}, Running(**options), resumed=resumed)


def test_a_run_is_in_the_graph_with_its_steps(session, store):
    done = run(session)

    (found,) = runs_of(store, "squares")
    attempts = attempts_of(store, found.id)
    assert (done.state, done.value, done.ref) == (RunState.COMPLETE, 5, "pipelines/squares/1")
    assert [str(a.slot) for a in attempts] == ["numbers", "square[0]", "square[1]", "square[2]", "total"]
    assert {a.state for a in attempts} == {ExecutionState.COMPLETE}
    (gathered,) = [a for a in attempts if a.slot.node == "total"]
    events = store.links.events_of_executions([gathered.execution.id])
    assert sorted((event.type, event.path) for event in events) == [
        (EventType.INPUT, ("parts", 0)),
        (EventType.INPUT, ("parts", 1)),
        (EventType.INPUT, ("parts", 2)),
        (EventType.OUTPUT, ("output",)),
    ]


def test_the_same_again_is_reused(session, store):
    run(session)
    before = dict(CALLS)

    done = run(session)

    assert (done.state, done.value, CALLS) == (RunState.COMPLETE, 5, before)
    states = {a.state for a in attempts_of(store, find_run(store, "squares", "2").id)}
    assert states == {ExecutionState.CACHED}


def test_only_what_differs_runs(session, store):
    run(session)
    CALLS.clear()

    done = run(session, {"count": 4})

    assert (done.value, CALLS) == (14, {"numbers": 1, "square": 1, "total": 1})
    told = why(store, done.run, "numbers")
    assert [str(change) for change in told.changes] == ["params count changed: 3 → 4"]


def test_a_failed_run_is_resumed(session, store):
    TROUBLE.add(1)
    with pytest.raises(PipelineFailedError, match=r"square\[1\]: ValueError: 1 is trouble"):
        run(session)
    TROUBLE.clear()

    done = run(session, resumed=find_run(store, "squares", "1"))

    assert (done.state, done.value) == (RunState.COMPLETE, 5)
    assert CALLS == {"numbers": 1, "square": 4, "total": 1}


def test_an_approval_is_waited_for(session, store):
    waiting = run(session, {"asks": True})
    Approvals(session, waiting.run).decide("sign", approves=True, actor="ann", reason="fine")

    done = run(session, {"asks": True}, resumed=waiting.run)

    assert (waiting.state, done.state, done.value) == (RunState.WAITING, RunState.COMPLETE, 5)


def test_two_runners_of_one_run_do_each_step_once(session, store):
    TROUBLE.add(1)
    with pytest.raises(PipelineFailedError):
        run(session)
    TROUBLE.clear()
    CALLS.clear()
    results = []
    resumed = find_run(store, "squares", "1")
    runners = [
        threading.Thread(target=lambda: results.append(run(session, resumed=resumed))) for _ in range(2)
    ]

    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join(60)

    assert [result.value for result in results] == [5, 5]
    assert CALLS == {"square": 1, "total": 1}


def test_a_new_run_is_published_with_its_edges(store):
    artifact, context = put_type(store, NodeKind.ARTIFACT, "A"), put_type(store, NodeKind.CONTEXT, "C")
    read = ArtifactLink(artifact=NewArtifact(type_id=artifact), type=EventType.INPUT, path=("x", 0))
    made = ArtifactLink(
        artifact=NewArtifact(type_id=artifact, state=ArtifactState.LIVE), type=EventType.OUTPUT
    )
    new = new_run(properties={"git_commit": "c0ffee"}, params={"lr": 1})

    done = store.runs.publish(
        RunPublication(run=new, artifacts=[read, made], contexts=[NewContext(type_id=context, name="c")])
    )

    (stored,) = store.runs.get([new.run_id])
    (owner,) = done.context_ids
    assert (stored.id, stored.status) == (done.execution_id, RunStatus.RUNNING)
    assert (stored.properties, stored.params) == ({"git_commit": "c0ffee"}, {"lr": 1})
    assert Association(owner, stored.id) in store.links.contexts_of_executions([stored.id])
    # What it reads is not the context's.
    assert store.links.artifacts_of_contexts([owner]) == [Attribution(owner, done.artifact_ids[1])]


def test_a_run_id_is_published_once(store):
    new = new_run()
    store.runs.publish(RunPublication(run=new))

    with pytest.raises(ConflictError, match="stored already"):
        store.runs.publish(RunPublication(run=new))


def test_the_same_publication_under_one_key_is_stored_once(store):
    publication = RunPublication(run=new_run())

    first = store.runs.publish(publication, key="claim")

    assert store.runs.publish(publication, key="claim") == first


def test_a_change_is_published_with_all_of_its_edges_or_not_at_all(store):
    artifact = put_type(store, NodeKind.ARTIFACT, "A")
    before = start_run(store)
    made = ArtifactLink(artifact=NewArtifact(type_id=artifact, name="m"), type=EventType.OUTPUT)
    stale = RunChange(id=before.id, status=RunStatus.FINISHED, expect_revision=before.revision + 1)

    with pytest.raises(StaleWriteError):
        store.runs.publish(RunPublication(run=stale, artifacts=[made]))

    assert store.runs.get([before.run_id]) == [before]
    assert store.artifacts.find(artifact, "m") is None
    assert store.links.events_of_executions([before.id]) == []


def test_an_end_is_published_with_facts_and_tags(store):
    before = start_run(store)
    change = RunChange(
        id=before.id,
        status=RunStatus.FINISHED,
        end_ms=5,
        tags={"k": "v"},
        properties={"git_branch": "main"},
        expect_revision=before.revision,
    )

    store.runs.publish(RunPublication(run=change))

    (after,) = store.runs.get([before.run_id])
    assert (after.status, after.end_ms, after.tags) == (RunStatus.FINISHED, 5, {**before.tags, "k": "v"})
    assert after.properties == {"git_branch": "main"}
    assert store.executions.get([before.id])[0].state is ExecutionState.COMPLETE


def test_a_pipeline_and_its_run_are_contexts(session, store):
    done = run(session)

    (pipeline,) = [link.parent_id for link in store.links.parents([done.run.id])]
    (found,) = store.contexts.get([pipeline])
    assert (found.type_name, found.name) == (builtin.PIPELINE.name, "squares")
    runners = [r for r in store.runs.page().items if r.tags.get("pipeline.role") == "runner"]
    assert [(r.name, r.status, r.params) for r in runners] == [
        ("1", RunStatus.FINISHED, {"count": 3, "asks": False})
    ]
