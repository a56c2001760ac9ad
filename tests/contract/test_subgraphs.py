"""Storing nodes of all kinds and the edges between them: all or none, in their order."""

import pytest

from headwater.errors import ConflictError, InvalidError, NotFoundError
from headwater.model.graph import (
    ArtifactChange,
    Association,
    At,
    Attribution,
    ContextChange,
    EventType,
    NewArtifact,
    NewContext,
    NewExecution,
    NodeKind,
    StoredSubgraph,
    Subgraph,
    SubgraphEvent,
)
from tests.contract.builders import add_artifacts, add_contexts, add_executions, event, put_type

INPUT, OUTPUT = EventType.INPUT, EventType.OUTPUT
NOBODY = 10**9


@pytest.fixture
def kinds(store):
    """Ids of a type of each kind: execution, artifact, context."""
    return [put_type(store, kind, "P") for kind in NodeKind]


def test_nodes_and_edges_are_stored_together(store, kinds):
    [old], [other] = add_artifacts(store, 1), add_executions(store)
    subgraph = Subgraph(
        contexts=[NewContext(type_id=kinds[2], name=name) for name in "cd"],
        artifacts=[NewArtifact(type_id=kinds[1]), old],
        executions=[NewExecution(type_id=kinds[0])],
        events=[
            SubgraphEvent(artifact=old, execution=At(0), type=INPUT, path=("x", 1), time_ms=5),
            SubgraphEvent(artifact=At(0), execution=other, type=OUTPUT, time_ms=6),
        ],
    )

    stored = store.links.put(subgraph)

    (c, d), (new, same), (e,) = stored.context_ids, stored.artifact_ids, stored.execution_ids
    assert same == old
    assert store.links.events_of_executions([e]) == [event(old, e, INPUT, path=("x", 1), time_ms=5)]
    assert store.links.events_of_artifacts([new]) == [event(new, other, OUTPUT, time_ms=6)]
    assert {*store.links.artifacts_of_contexts([c, d])} == {
        Attribution(x, a) for x in (c, d) for a in (old, new)
    }
    assert store.links.executions_of_contexts([c, d]) == [Association(c, e), Association(d, e)]


def test_nodes_are_written_in_their_order(store, kinds):
    [old] = store.artifacts.add([NewArtifact(type_id=kinds[1], external_id="x")])
    subgraph = Subgraph(
        artifacts=[ArtifactChange(id=old, external_id="y"), NewArtifact(type_id=kinds[1], external_id="x")]
    )

    stored = store.links.put(subgraph)

    assert [a.external_id for a in store.artifacts.get(stored.artifact_ids)] == ["y", "x"]


@pytest.mark.parametrize(
    ("extra", "error"),
    [
        ({"artifacts": [ArtifactChange(id=NOBODY)]}, NotFoundError),
        ({"events": [SubgraphEvent(artifact=NOBODY, execution=At(0), type=INPUT)]}, NotFoundError),
        ({"events": [SubgraphEvent(artifact=At(7), execution=At(0), type=INPUT)]}, InvalidError),
        ({"contexts": [NewContext(type_id=NOBODY, name="c")]}, NotFoundError),
    ],
    ids=["unknown-artifact", "unknown-end", "no-such-place", "unknown-type"],
)
def test_nothing_is_stored_when_something_is_wrong(store, kinds, extra, error):
    with pytest.raises(error):
        store.links.put(Subgraph(executions=[NewExecution(type_id=kinds[0])], **extra))

    assert store.executions.page().items == ()


def test_events_have_to_be_new(store, kinds):
    [a], [e] = add_artifacts(store, 1), add_executions(store)
    same = Subgraph(events=[SubgraphEvent(artifact=a, execution=e, type=INPUT)])
    store.links.put(same)

    with pytest.raises(ConflictError):
        store.links.put(same)


def test_contexts_are_used_again_on_request_alone(store, kinds):
    new = NewContext(type_id=kinds[2], name="c", custom_properties={"k": 1})
    [c] = store.contexts.add([new])

    with pytest.raises(ConflictError):
        store.links.put(Subgraph(contexts=[new]))
    stored = store.links.put(Subgraph(contexts=[new, new], reuses_contexts=True))

    assert stored == StoredSubgraph(context_ids=(c, c), artifact_ids=(), execution_ids=())


def test_a_context_gets_another_name(store):
    c, taken = add_contexts(store, "old", "taken")

    store.contexts.update([ContextChange(id=c, name="new")])

    assert store.contexts.get([c])[0].name == "new"
    for name, error in ((store.contexts.get([taken])[0].name, ConflictError), ("", InvalidError)):
        with pytest.raises(error):
            store.contexts.update([ContextChange(id=c, name=name)])
