"""Walks, against networkx where a law holds for all graphs."""

from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import InvalidError
from headwater.model.graph import EventType
from headwater.model.ids import ArtifactId
from headwater.model.lineage import Direction, Walk
from headwater.provenance import event_types, walk
from tests.provenance.graphs import (
    ARTIFACT,
    DIRECTIONS,
    EXECUTION,
    GRAPHS,
    NODES,
    as_networkx,
    expander,
    reached,
)

IN, OUT = EventType.INPUT.value, EventType.OUTPUT.value

# Artifacts 1 and 2 feed execution 1, which makes artifact 3; that feeds execution 2, which makes 4 and 5.
CHAIN = [(1, 1, IN), (1, 2, IN), (1, 3, OUT), (2, 3, IN), (2, 4, OUT), (2, 5, OUT)]


def question(*nodes: Any, **limits: Any) -> Walk:
    """Return a walk from these nodes."""
    return Walk(
        artifacts=tuple(node_id for kind, node_id in nodes if kind is ARTIFACT),
        executions=tuple(node_id for kind, node_id in nodes if kind is EXECUTION),
        **limits,
    )


def hops_of(found):
    """Return the hops of a walk's answer by node."""
    artifacts = {(ARTIFACT, node_id): hops for node_id, hops in found.artifacts.items()}
    return artifacts | {(EXECUTION, node_id): hops for node_id, hops in found.executions.items()}


def test_upstream_is_what_it_was_made_from():
    found = walk(question((ARTIFACT, 4)), expander(CHAIN))

    assert found == reached(
        artifacts={4: 0, 3: 2, 1: 4, 2: 4},
        executions={2: 1, 1: 3},
        edges=((2, 4, OUT), (2, 3, IN), (1, 3, OUT), (1, 1, IN), (1, 2, IN)),
    )


def test_downstream_is_what_came_of_it():
    found = walk(question((ARTIFACT, 1), direction=Direction.DOWNSTREAM), expander(CHAIN))

    assert found == reached(
        artifacts={1: 0, 3: 2, 4: 4, 5: 4},
        executions={1: 1, 2: 3},
        edges=((1, 1, IN), (1, 3, OUT), (2, 3, IN), (2, 4, OUT), (2, 5, OUT)),
    )


def test_both_finds_all_that_is_connected_and_every_edge_once():
    found = walk(question((ARTIFACT, 3), direction=Direction.BOTH), expander(CHAIN))

    assert hops_of(found).keys() == {(ARTIFACT, node_id) for node_id in (1, 2, 3, 4, 5)} | {
        (EXECUTION, 1),
        (EXECUTION, 2),
    }
    assert sorted(found.edges) == CHAIN


@pytest.mark.parametrize("direction", [Direction.UPSTREAM, Direction.DOWNSTREAM])
def test_inputs_read_together_are_not_ancestors_of_each_other(direction):
    found = walk(question((ARTIFACT, 1), direction=direction, max_hops=2), expander(CHAIN))

    assert 2 not in found.artifacts


@pytest.mark.parametrize("direction", [Direction.UPSTREAM, Direction.DOWNSTREAM])
def test_outputs_made_together_are_not_ancestors_of_each_other(direction):
    found = walk(question((ARTIFACT, 4), direction=direction), expander(CHAIN))

    assert 5 not in found.artifacts


@pytest.mark.parametrize(
    ("max_hops", "expected"),
    [(0, {4: 0}), (1, {4: 0}), (2, {4: 0, 3: 2}), (9, {4: 0, 3: 2, 1: 4, 2: 4})],
    ids=["start-only", "execution", "one-artifact", "past-the-root"],
)
def test_hops_are_limited(max_hops, expected):
    assert walk(question((ARTIFACT, 4), max_hops=max_hops), expander(CHAIN)).artifacts == expected


def test_a_node_that_stops_the_walk_is_part_of_the_answer():
    found = walk(
        question((ARTIFACT, 4)),
        expander(CHAIN),
        passable=lambda kind, ids: ids if kind is EXECUTION else set(ids) - {3},
    )

    assert found.artifacts == {4: 0, 3: 2}


def test_a_start_can_stop_the_walk():
    found = walk(question((ARTIFACT, 4)), expander(CHAIN), passable=lambda kind, ids: [])

    assert found == reached(artifacts={4: 0})


def test_too_many_nodes_keep_the_smallest_ids_and_are_marked():
    found = walk(question((EXECUTION, 1), max_nodes=2), expander(CHAIN))

    assert found == reached(artifacts={1: 1}, executions={1: 0}, edges=((1, 1, IN),), is_truncated=True)


def test_as_many_nodes_as_allowed_are_not_marked():
    found = walk(question((EXECUTION, 1), max_nodes=3), expander(CHAIN))

    assert found.artifacts == {1: 1, 2: 1}
    assert not found.is_truncated


@pytest.mark.parametrize(
    "wrong",
    [question(), question((ARTIFACT, 1), max_hops=-1), question((ARTIFACT, 1), max_nodes=-1)],
    ids=["nowhere", "hops", "nodes"],
)
def test_senseless_walks_are_refused(wrong):
    with pytest.raises(InvalidError):
        walk(wrong, expander(CHAIN))


def test_unknown_events_lead_nowhere_but_in_a_walk_both_ways():
    edges = [(1, 1, EventType.UNKNOWN.value)]

    assert not walk(question((ARTIFACT, 1)), expander(edges)).executions
    assert not walk(question((ARTIFACT, 1), direction=Direction.DOWNSTREAM), expander(edges)).executions
    assert walk(question((ARTIFACT, 1), direction=Direction.BOTH), expander(edges)).executions == {1: 1}


@pytest.mark.parametrize("kind", [ARTIFACT, EXECUTION])
def test_every_known_event_leads_up_or_down(kind):
    up = event_types(Direction.UPSTREAM, kind) or frozenset()
    down = event_types(Direction.DOWNSTREAM, kind) or frozenset()

    assert up | down == set(EventType) - {EventType.UNKNOWN}
    assert not up & down


@given(GRAPHS, st.lists(NODES, min_size=1, max_size=3), DIRECTIONS, st.none() | st.integers(0, 6))
def test_hops_are_the_fewest(edges, starts, direction, max_hops):
    found = walk(question(*starts, direction=direction, max_hops=max_hops), expander(edges))

    graph = as_networkx(edges, direction)
    expected = nx.multi_source_dijkstra_path_length(graph, set(starts), cutoff=max_hops)
    assert hops_of(found) == expected
    assert not found.is_truncated


@given(GRAPHS, st.lists(NODES, min_size=1, max_size=3), DIRECTIONS, st.none() | st.integers(0, 6))
def test_edges_are_those_that_leave_a_node_before_the_last_hop(edges, starts, direction, max_hops):
    found = walk(question(*starts, direction=direction, max_hops=max_hops), expander(edges))

    left = [node for node, hops in hops_of(found).items() if max_hops is None or hops < max_hops]
    expected = set()
    for kind, node_id in left:
        expected |= set(expander(edges)(direction, kind, [node_id]))
    assert sorted(found.edges) == sorted(expected)


@given(GRAPHS, st.lists(NODES, min_size=1, max_size=3), DIRECTIONS)
def test_no_node_is_left_twice_and_ids_ascend(edges, starts, direction):
    calls = []

    walk(question(*starts, direction=direction), expander(edges, calls))

    left = [(kind, node_id) for kind, ids in calls for node_id in ids]
    assert len(left) == len(set(left))
    assert all(list(ids) == sorted(ids) for _, ids in calls)


@given(GRAPHS, NODES, DIRECTIONS, st.integers(1, 20))
def test_a_truncated_walk_is_the_near_part_of_the_whole_one(edges, start, direction, max_nodes):
    whole = hops_of(walk(question(start, direction=direction), expander(edges)))

    found = walk(question(start, direction=direction, max_nodes=max_nodes), expander(edges))

    hops = hops_of(found)
    assert hops.items() <= whole.items()
    assert len(hops) == min(max_nodes, len(whole))
    assert found.is_truncated is (len(whole) > max_nodes)
    assert sorted(hops.values()) == sorted(whole.values())[: len(hops)]
    assert all((EXECUTION, edge[0]) in hops and (ARTIFACT, edge[1]) in hops for edge in found.edges)


def test_a_long_chain_is_no_recursion():
    edges = [edge for run in range(1, 5_001) for edge in ((run, run, IN), (run, run + 1, OUT))]
    by_end = [{}, {}]
    for edge in edges:
        for end in (0, 1):
            by_end[end].setdefault(edge[end], []).append(edge)

    def expand(direction, kind, ids):
        found = [edge for node_id in ids for edge in by_end[0 if kind is EXECUTION else 1].get(node_id, ())]
        return [edge for edge in found if edge[2] in event_types(direction, kind)]

    assert walk(question((ARTIFACT, 5_001)), expand).artifacts.get(ArtifactId(1)) == 10_000
