"""Shortest routes, against networkx."""

from itertools import pairwise

import networkx as nx
from hypothesis import given

from headwater.model.graph import EventType
from headwater.model.lineage import Direction
from headwater.provenance import shortest_route
from tests.provenance.graphs import ARTIFACT, EXECUTION, GRAPHS, NODES, as_networkx, expander, reached

IN, OUT = EventType.INPUT.value, EventType.OUTPUT.value

# Two ways from artifact 1 to artifact 9: over execution 1 or 2; and a longer one over 3 and 4.
DIAMOND = [
    *[(1, 1, IN), (1, 9, OUT), (2, 1, IN), (2, 9, OUT)],
    *[(3, 1, IN), (3, 2, OUT), (4, 2, IN), (4, 9, OUT)],
]


def nodes_of(route):
    """Return the nodes of a route in order."""
    nodes = [(hops, (ARTIFACT, node_id)) for node_id, hops in route.artifacts.items()]
    nodes += [(hops, (EXECUTION, node_id)) for node_id, hops in route.executions.items()]
    return [node for _, node in sorted(nodes)]


def test_the_smallest_ids_win():
    assert shortest_route((ARTIFACT, 1), (ARTIFACT, 9), expander(DIAMOND)) == reached(
        artifacts={1: 0, 9: 2}, executions={1: 1}, edges=((1, 1, IN), (1, 9, OUT))
    )


def test_it_is_found_from_either_end():
    assert shortest_route((ARTIFACT, 9), (ARTIFACT, 1), expander(DIAMOND)) == reached(
        artifacts={9: 0, 1: 2}, executions={1: 1}, edges=((1, 9, OUT), (1, 1, IN))
    )


def test_no_route_turns_round():
    edges = [(1, 1, IN), (1, 2, IN), (1, 3, OUT), (1, 4, OUT)]

    assert shortest_route((ARTIFACT, 1), (ARTIFACT, 2), expander(edges)) is None
    assert shortest_route((ARTIFACT, 3), (ARTIFACT, 4), expander(edges)) is None


def test_a_node_is_its_own_route():
    assert shortest_route((EXECUTION, 1), (EXECUTION, 1), expander([])) == reached(executions={1: 0})


def test_of_parallel_edges_the_smallest_type_is_taken():
    edges = [(1, 1, EventType.INTERNAL_OUTPUT.value), (1, 1, OUT)]

    found = shortest_route((ARTIFACT, 1), (EXECUTION, 1), expander(edges))

    assert found is not None
    assert found.edges == ((1, 1, OUT),)


@given(GRAPHS, NODES, NODES)
def test_the_route_is_the_smallest_of_the_shortest(edges, start, end):
    found = shortest_route(start, end, expander(edges))

    routes = []
    for direction in (Direction.UPSTREAM, Direction.DOWNSTREAM):
        graph = as_networkx(edges, direction)
        if nx.has_path(graph, start, end):
            routes.append(min(nx.all_shortest_paths(graph, start, end)))
    assert (nodes_of(found) if found else None) == (min(routes, key=len) if routes else None)


@given(GRAPHS, NODES, NODES)
def test_edges_join_the_nodes_of_the_route(edges, start, end):
    found = shortest_route(start, end, expander(edges))

    if found:
        nodes = nodes_of(found)
        pairs = [{(EXECUTION, edge[0]), (ARTIFACT, edge[1])} for edge in found.edges]
        assert pairs == [set(pair) for pair in pairwise(nodes)]
        assert set(found.edges) <= set(edges)
