"""Walks and paths over stored events."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.errors import InvalidError, NotFoundError
from headwater.model.graph import EventType, NewArtifact, NewExecution, NodeKind, NodeRef
from headwater.model.ids import ArtifactId, ExecutionId
from headwater.model.lineage import Direction, LineageGraph, Reached, Walk
from headwater.model.protocols import Store
from headwater.provenance import shortest_route, walk
from tests.contract.builders import START_MS, add_artifacts, add_executions, event, put_type
from tests.contract.conftest import OpenStore
from tests.provenance.graphs import expander

IN, OUT = EventType.INPUT, EventType.OUTPUT
NOWHERE = 10**15
"""An id that is never reached."""

Chain = tuple[list[ArtifactId], list[ExecutionId]]


@pytest.fixture
def chain(store: Store) -> Chain:
    """Artifacts 0 and 1 feed execution 0, which makes artifact 2; that feeds execution 1, which makes 3."""
    artifacts, executions = add_artifacts(store, 4), add_executions(store, 2)
    first, second = executions
    store.links.add_events(
        [
            event(artifacts[0], first, path=("data", 0)),
            event(artifacts[1], first, EventType.DECLARED_INPUT),
            event(artifacts[2], first, OUT, time_ms=7),
            event(artifacts[2], second),
            event(artifacts[3], second, EventType.PENDING_OUTPUT),
        ]
    )
    return artifacts, executions


def test_reach_gives_ids_hops_and_edges(store: Store, chain: Chain) -> None:
    (a0, a1, a2, a3), (e0, e1) = chain

    found = store.lineage.reach(Walk(artifacts=(a3,)))

    assert found == Reached(
        artifacts={a3: 0, a2: 2, a0: 4, a1: 4},
        executions={e1: 1, e0: 3},
        edges=found.edges,
    )
    assert sorted(found.edges) == sorted(
        [
            (e0, a0, IN),
            (e0, a1, EventType.DECLARED_INPUT),
            (e0, a2, OUT),
            (e1, a2, IN),
            (e1, a3, EventType.PENDING_OUTPUT),
        ]
    )


def test_walk_gives_whole_nodes_and_events(store: Store, chain: Chain) -> None:
    (a0, a1, a2, _), (e0, _) = chain

    found = store.lineage.walk(Walk(artifacts=(a2,)))

    assert found == LineageGraph(
        artifacts=tuple(store.artifacts.get([a2, a0, a1])),
        executions=tuple(store.executions.get([e0])),
        artifact_hops=(0, 2, 2),
        execution_hops=(1,),
        events=(
            event(a0, e0, path=("data", 0), time_ms=START_MS),
            event(a1, e0, EventType.DECLARED_INPUT, time_ms=START_MS),
            event(a2, e0, OUT, time_ms=7),
        ),
    )


def test_inputs_read_together_are_not_ancestors_of_each_other(store: Store, chain: Chain) -> None:
    (a0, a1, *_), _ = chain

    for direction in (Direction.UPSTREAM, Direction.DOWNSTREAM):
        assert a1 not in store.lineage.reach(Walk(artifacts=(a0,), direction=direction)).artifacts


def test_both_ways_lead_to_all_that_is_connected(store: Store, chain: Chain) -> None:
    artifacts, executions = chain

    found = store.lineage.walk(Walk(executions=(executions[1],), direction=Direction.BOTH))

    assert {node.id for node in found.artifacts} == set(artifacts)
    assert len(found.events) == 5


def test_stop_types_are_reached_and_not_passed(store: Store) -> None:
    model = put_type(store, NodeKind.ARTIFACT, "Model")
    (data,) = add_artifacts(store)
    (stop,) = store.artifacts.add([NewArtifact(type_id=model)])
    first, second = add_executions(store, 2)
    (last,) = add_artifacts(store)
    store.links.add_events(
        [event(data, first), event(stop, first, OUT), event(stop, second), event(last, second, OUT)]
    )

    found = store.lineage.walk(Walk(artifacts=(last,), stop_types=frozenset({"Model", "Unheard of"})))

    assert [node.id for node in found.artifacts] == [last, stop]
    assert store.lineage.reach(Walk(artifacts=(stop,), stop_types=frozenset({"Model"}))).executions == {}


def test_executions_stop_walks_too(store: Store, chain: Chain) -> None:
    artifacts, executions = chain

    found = store.lineage.reach(Walk(artifacts=(artifacts[3],), stop_types=frozenset({"Step"})))

    assert found.artifacts == {artifacts[3]: 0}
    assert found.executions == {executions[1]: 1}


def test_too_many_nodes_are_cut_off(store: Store, chain: Chain) -> None:
    artifacts, executions = chain

    found = store.lineage.walk(Walk(executions=(executions[0],), max_nodes=2))

    assert [node.id for node in found.artifacts] == [artifacts[0]]
    assert found.is_truncated
    assert len(found.events) == 1


def test_deleted_nodes_are_shown(store: Store, chain: Chain) -> None:
    artifacts, executions = chain
    store.artifacts.delete(artifacts[:2])
    store.executions.delete(executions)

    found = store.lineage.walk(Walk(artifacts=(artifacts[3],)))

    assert len(found.artifacts) == 4
    assert all(node.deleted_ms for node in found.executions)


@pytest.mark.parametrize(
    "question",
    [Walk(), Walk(artifacts=(ArtifactId(1),), max_hops=-1), Walk(artifacts=(ArtifactId(1),), max_nodes=-1)],
    ids=["nowhere", "hops", "nodes"],
)
def test_senseless_walks_are_refused(store: Store, question: Walk) -> None:
    add_artifacts(store)

    with pytest.raises(InvalidError):
        store.lineage.walk(question)


@pytest.mark.parametrize(
    "question",
    [Walk(artifacts=(ArtifactId(NOWHERE),)), Walk(executions=(ExecutionId(NOWHERE),))],
    ids=["artifact", "execution"],
)
def test_a_walk_from_what_is_not_stored_is_refused(store: Store, question: Walk) -> None:
    with pytest.raises(NotFoundError, match=str(NOWHERE)):
        store.lineage.walk(question)


def test_a_path_counts_hops_from_its_start(store: Store, chain: Chain) -> None:
    (a0, _, a2, a3), (e0, e1) = chain

    found = store.lineage.path((NodeKind.ARTIFACT, a0), (NodeKind.ARTIFACT, a3))

    assert found is not None
    assert [node.id for node in found.artifacts] == [a0, a2, a3]
    assert found.artifact_hops == (0, 2, 4)
    assert [node.id for node in found.executions] == [e0, e1]
    assert [(each.execution_id, each.artifact_id) for each in found.events] == [
        (e0, a0),
        (e0, a2),
        (e1, a2),
        (e1, a3),
    ]


def test_there_is_no_path_between_inputs(store: Store, chain: Chain) -> None:
    (a0, a1, *_), _ = chain

    assert store.lineage.path((NodeKind.ARTIFACT, a0), (NodeKind.ARTIFACT, a1)) is None


def test_a_path_to_what_is_not_stored_is_refused(store: Store, chain: Chain) -> None:
    with pytest.raises(NotFoundError, match=f"execution {NOWHERE}"):
        store.lineage.path((NodeKind.ARTIFACT, chain[0][0]), (NodeKind.EXECUTION, NOWHERE))


TYPES = st.sampled_from([kind for kind in EventType if kind is not EventType.UNKNOWN])
EDGES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), TYPES), max_size=25, unique=True)


@given(EDGES, st.sampled_from(Direction), st.integers(0, 5), st.integers(0, 5))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_walks_are_those_of_the_plain_graph(
    store: Store, edges: list[tuple[int, int, EventType]], direction: Direction, start: int, end: int
) -> None:
    artifacts, executions = add_artifacts(store, 6), add_executions(store, 6)
    plain = [(executions[e], artifacts[a], kind) for e, a, kind in edges]
    store.links.add_events([event(a, e, kind) for e, a, kind in plain])
    question = Walk(artifacts=(artifacts[start],), executions=(executions[end],), direction=direction)
    ends: tuple[NodeRef, NodeRef] = (
        (NodeKind.ARTIFACT, artifacts[start]),
        (NodeKind.ARTIFACT, artifacts[end]),
    )

    found, expected = store.lineage.reach(question), walk(question, expander(plain))
    path, route = store.lineage.path(*ends), shortest_route(*ends, expander(plain))

    assert (found.artifacts, found.executions) == (expected.artifacts, expected.executions)
    assert sorted(found.edges) == sorted(expected.edges)
    assert (path is None) is (route is None)
    if path and route:
        assert {node.id for node in path.artifacts} == set(route.artifacts)


@given(EDGES, st.sampled_from(Direction), st.integers(0, 5), st.integers(0, 5), st.integers(0, 25))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_memory_answers_as_the_database_does(
    store: Store,
    edges: list[tuple[int, int, EventType]],
    direction: Direction,
    start: int,
    end: int,
    cut: int,
) -> None:
    artifacts, executions = add_artifacts(store, 6), add_executions(store, 6)
    events = [event(artifacts[a], executions[e], kind) for e, a, kind in edges]
    question = Walk(artifacts=(artifacts[start],), executions=(executions[end],), direction=direction)
    store.links.add_events(events[:cut])
    store.lineage.keep_in_memory(max_age_s=0)
    store.links.add_events(events[cut:])

    kept = store.lineage.reach(question)
    store.lineage.release_memory()
    asked = store.lineage.reach(question)

    assert list(kept.artifacts.items()) == list(asked.artifacts.items())
    assert list(kept.executions.items()) == list(asked.executions.items())
    assert sorted(kept.edges) == sorted(asked.edges)


@pytest.mark.never(["memory"], reason="nobody else sees a store in memory")
def test_memory_sees_what_another_store_writes(store: Store, open_again: OpenStore, chain: Chain) -> None:
    (a0, *_), _ = chain
    store.lineage.keep_in_memory(max_age_s=0)
    before = store.lineage.reach(Walk(artifacts=(a0,), direction=Direction.DOWNSTREAM))

    (later,) = add_executions(other := open_again(), 1)
    other.links.add_events([event(a0, later)])

    after = store.lineage.reach(Walk(artifacts=(a0,), direction=Direction.DOWNSTREAM))
    assert after.executions.keys() - before.executions.keys() == {later}


def test_nodes_that_stop_a_walk_stop_it_in_memory_too(store: Store, chain: Chain) -> None:
    artifacts, executions = chain
    store.lineage.keep_in_memory()

    found = store.lineage.reach(Walk(artifacts=(artifacts[3],), stop_types=frozenset({"Step"})))

    assert found.executions == {executions[1]: 1}


def test_a_long_chain_of_runs_is_walked(store: Store) -> None:
    artifact_type, execution_type = (
        put_type(store, kind, "Link") for kind in (NodeKind.ARTIFACT, NodeKind.EXECUTION)
    )
    artifacts = store.artifacts.add([NewArtifact(type_id=artifact_type)] * 301)
    executions = store.executions.add([NewExecution(type_id=execution_type)] * 300)
    store.links.add_events(
        [
            each
            for execution, (before, after) in zip(executions, pairwise(artifacts), strict=True)
            for each in (event(before, execution), event(after, execution, OUT))
        ]
    )

    found = store.lineage.reach(Walk(artifacts=(artifacts[-1],)))

    assert found.artifacts[artifacts[0]] == 600
