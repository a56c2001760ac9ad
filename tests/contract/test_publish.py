"""Publishing an execution with its artifacts, events and contexts: all or none."""

import pytest

from headwater.errors import ConflictError, InvalidError, NotFoundError, StaleWriteError
from headwater.model.graph import (
    ArtifactChange,
    ArtifactLink,
    ArtifactState,
    Association,
    Attribution,
    EventType,
    ExecutionChange,
    ExecutionState,
    NewArtifact,
    NewContext,
    NewExecution,
    NodeKind,
    Publication,
    Published,
)
from tests.contract.builders import START_MS, add_artifacts, add_contexts, add_executions, event, put_type

INPUT, OUTPUT = EventType.INPUT, EventType.OUTPUT
NOBODY = 10**9


@pytest.fixture
def kinds(store):
    """Ids of a type of each kind: execution, artifact, context."""
    return [put_type(store, kind, "P") for kind in NodeKind]


def everything(store):
    """All nodes and edges there are."""
    nodes = [page.items for page in (store.artifacts.page(), store.executions.page(), store.contexts.page())]
    artifacts, executions, contexts = ([node.id for node in items] for items in nodes)
    links = store.links
    edges = (links.events_of_executions(executions), links.artifacts_of_contexts(contexts))
    return (*nodes, *edges, links.executions_of_contexts(contexts), links.events_of_artifacts(artifacts))


def test_new_nodes_are_stored_and_linked(store, kinds):
    execution, artifact, context = kinds
    publication = Publication(
        execution=NewExecution(type_id=execution, name="e", params={"lr": 1}),
        artifacts=[
            ArtifactLink(artifact=NewArtifact(type_id=artifact, name="in"), type=INPUT, path=("x", 0)),
            ArtifactLink(artifact=NewArtifact(type_id=artifact, name="out"), type=OUTPUT),
        ],
        contexts=[NewContext(type_id=context, name="c", custom_properties={"k": 1})],
    )

    done = store.links.publish(publication)

    e, (a, b), (c,) = done.execution_id, done.artifact_ids, done.context_ids
    assert [n.name for n in store.artifacts.get([a, b])] == ["in", "out"]
    assert store.executions.get([e])[0].params == {"lr": 1}
    assert store.contexts.get([c])[0].custom_properties == {"k": 1}
    assert store.links.events_of_executions([e]) == [
        event(a, e, INPUT, path=("x", 0), time_ms=START_MS),
        event(b, e, OUTPUT, time_ms=START_MS),
    ]
    assert store.links.artifacts_of_contexts([c]) == [Attribution(c, a), Attribution(c, b)]
    assert store.links.executions_of_contexts([c]) == [Association(c, e)]


def test_stored_nodes_are_changed_or_used_as_they_are(store, kinds):
    kept, changed = add_artifacts(store, 2)
    [e], [c] = add_executions(store), add_contexts(store, "c")
    new = NewArtifact(type_id=kinds[1])
    links = [
        ArtifactLink(artifact=kept, type=INPUT),
        ArtifactLink(artifact=new, type=OUTPUT),
        ArtifactLink(artifact=ArtifactChange(id=changed, state=ArtifactState.LIVE), type=OUTPUT),
    ]

    done = store.links.publish(
        Publication(
            execution=ExecutionChange(id=e, state=ExecutionState.COMPLETE), artifacts=links, contexts=[c]
        )
    )

    assert done == Published(
        execution_id=e, artifact_ids=(kept, done.artifact_ids[1], changed), context_ids=(c,)
    )
    assert [n.state for n in store.artifacts.get([kept, changed])] == [None, ArtifactState.LIVE]
    assert store.executions.get([e])[0].state is ExecutionState.COMPLETE


def test_execution_alone_can_be_published(store, kinds):
    done = store.links.publish(Publication(execution=NewExecution(type_id=kinds[0])))

    assert done == Published(execution_id=done.execution_id, artifact_ids=(), context_ids=())
    assert store.executions.get([done.execution_id])[0].type_name == "P"


def test_event_that_is_there_stays_as_it_is(store):
    [a], [e] = add_artifacts(store), add_executions(store)
    store.links.add_events([event(a, e, path=("first",), time_ms=1)])

    again = ArtifactLink(artifact=a, type=INPUT, path=("second",))
    store.links.publish(Publication(execution=ExecutionChange(id=e), artifacts=[again, again]))

    assert store.links.events_of_artifacts([a]) == [event(a, e, path=("first",), time_ms=1)]


def test_context_of_the_same_type_and_name_is_used_as_it_is(store, kinds):
    execution, _, context = kinds
    first = store.contexts.add([NewContext(type_id=context, name="c", custom_properties={"k": 1})])[0]
    before = store.contexts.get([first])

    new = NewContext(type_id=context, name="c", custom_properties={"k": 2}, external_id="x")
    done = store.links.publish(Publication(execution=NewExecution(type_id=execution), contexts=[new, new]))

    assert done.context_ids == (first, first)
    assert store.contexts.get([first]) == before


def test_published_paths_hold_any_text(store):
    [a], [e] = add_artifacts(store), add_executions(store)
    path = ("ü", 3, "\x00\uf8ff", "\ud83d\ude00", "")

    link = ArtifactLink(artifact=a, type=OUTPUT, path=path)
    store.links.publish(Publication(execution=ExecutionChange(id=e), artifacts=[link]))

    assert store.links.events_of_artifacts([a])[0].path == path


FAULTS = {
    "unknown-artifact": (NotFoundError, {"artifacts": [ArtifactLink(artifact=NOBODY, type=INPUT)]}),
    "unknown-changed-artifact": (
        NotFoundError,
        {"artifacts": [ArtifactLink(artifact=ArtifactChange(id=NOBODY), type=INPUT)]},
    ),
    "unknown-context": (NotFoundError, {"contexts": [NOBODY]}),
    "unknown-context-type": (NotFoundError, {"contexts": [NewContext(type_id=NOBODY, name="c")]}),
    "unknown-execution": (NotFoundError, {"execution": ExecutionChange(id=NOBODY)}),
    "unknown-type": (NotFoundError, {"execution": NewExecution(type_id=NOBODY)}),
}


@pytest.mark.parametrize(("error", "fields"), FAULTS.values(), ids=FAULTS)
def test_fault_leaves_nothing_behind(store, kinds, error, fields):
    execution, artifact, context = kinds
    good: dict = {
        "execution": NewExecution(type_id=execution),
        "artifacts": [ArtifactLink(artifact=NewArtifact(type_id=artifact, name="a"), type=OUTPUT)],
        "contexts": [NewContext(type_id=context, name="good")],
    }
    both = {k: v if k == "execution" else [*good[k], *v] for k, v in fields.items()}

    with pytest.raises(error):
        store.links.publish(Publication(**{**good, **both}))

    assert everything(store) == ((), (), (), [], [], [], [])


def test_event_without_kind_leaves_nothing_behind(store, kinds):
    new = NewArtifact(type_id=kinds[1])

    with pytest.raises(InvalidError, match="needs a type"):
        store.links.publish(
            Publication(
                execution=NewExecution(type_id=kinds[0]),
                artifacts=[ArtifactLink(artifact=new, type=EventType.UNKNOWN)],
            )
        )

    assert everything(store) == ((), (), (), [], [], [], [])


def test_stale_artifact_leaves_nothing_behind(store, kinds):
    [a] = add_artifacts(store)
    before = everything(store)
    stale = ArtifactChange(id=a, uri="new", expect_revision=9)

    with pytest.raises(StaleWriteError):
        store.links.publish(
            Publication(
                execution=NewExecution(type_id=kinds[0]),
                artifacts=[ArtifactLink(artifact=stale, type=OUTPUT)],
            )
        )

    assert everything(store) == before


def test_taken_name_leaves_nothing_behind(store, kinds):
    execution, artifact, _ = kinds
    taken = NewArtifact(type_id=artifact, name="taken")
    store.artifacts.add([taken])
    before = everything(store)

    with pytest.raises(ConflictError):
        store.links.publish(
            Publication(
                execution=NewExecution(type_id=execution),
                artifacts=[ArtifactLink(artifact=taken, type=OUTPUT)],
            )
        )

    assert everything(store) == before


def test_hundreds_of_artifacts_are_published_at_once(store, kinds):
    links = [
        ArtifactLink(artifact=NewArtifact(type_id=kinds[1], name=str(i)), type=INPUT) for i in range(400)
    ]

    done = store.links.publish(Publication(execution=NewExecution(type_id=kinds[0]), artifacts=links))

    assert [n.name for n in store.artifacts.get(done.artifact_ids)] == [str(i) for i in range(400)]
    assert len(store.links.events_of_executions([done.execution_id])) == 400
