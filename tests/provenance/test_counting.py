"""How many paths there are, against networkx."""

from math import comb

import networkx as nx
from hypothesis import given

from headwater.model.graph import EventType
from headwater.model.lineage import Direction
from headwater.provenance.counting import PathCount, count_paths
from tests.provenance.graphs import ACYCLIC, ARTIFACT, CYCLIC, EXECUTION, NODES, as_networkx

IN, OUT = EventType.INPUT.value, EventType.OUTPUT.value


@given(ACYCLIC, NODES, NODES)
def test_all_paths_of_a_graph_without_cycles_are_counted(edges, source, target):
    graph = as_networkx(edges, Direction.DOWNSTREAM)

    expected = PathCount(shortest=0, all=0)
    if nx.has_path(graph, source, target):
        # networkx sees no way from a node to itself; here it is the one of no hops.
        every = 1 if source == target else len(list(nx.all_simple_paths(graph, source, target)))
        expected = PathCount(shortest=len(list(nx.all_shortest_paths(graph, source, target))), all=every)
    assert count_paths(edges, source, target) == expected


@given(CYCLIC, NODES, NODES)
def test_shortest_paths_are_counted_and_cycles_between_the_nodes_noticed(edges, source, target):
    graph = as_networkx(edges, Direction.DOWNSTREAM)

    found = count_paths(edges, source, target)

    if not nx.has_path(graph, source, target):
        assert found == PathCount(shortest=0, all=0)
        return
    assert found.shortest == len(list(nx.all_shortest_paths(graph, source, target)))
    between = (nx.descendants(graph, source) | {source}) & (nx.ancestors(graph, target) | {target})
    assert (found.all is None) == (not nx.is_directed_acyclic_graph(graph.subgraph(between)))


def test_a_great_many_paths_are_counted_at_once():
    # A ladder: artifact n leads over two executions to artifact n + 1.
    edges = [
        edge for n in range(200) for run in (2 * n, 2 * n + 1) for edge in ((run, n, IN), (run, n + 1, OUT))
    ]

    found = count_paths(edges, (ARTIFACT, 0), (ARTIFACT, 200))

    assert found == PathCount(shortest=2**200, all=2**200)


def test_the_paths_of_a_grid_are_a_binomial():
    # Node (x, y) has the number x * 10 + y: that execution reads that artifact, and makes its neighbours.
    edges = []
    for x in range(5):
        for y in range(5):
            edges.append((x * 10 + y, x * 10 + y, IN))
            edges += [(x * 10 + y, (x + 1) * 10 + y, OUT)] if x < 4 else []
            edges += [(x * 10 + y, x * 10 + y + 1, OUT)] if y < 4 else []

    found = count_paths(edges, (ARTIFACT, 0), (ARTIFACT, 44))

    assert found == PathCount(shortest=comb(8, 4), all=comb(8, 4))


def test_parallel_events_are_one_way():
    edges = [(1, 1, IN), (1, 1, EventType.DECLARED_INPUT.value), (1, 2, OUT)]

    assert count_paths(edges, (ARTIFACT, 1), (ARTIFACT, 2)) == PathCount(shortest=1, all=1)
    assert count_paths(edges, (ARTIFACT, 2), (EXECUTION, 1)) == PathCount(shortest=0, all=0)
