"""Random graphs for the tests of walks, as lists of edges, with a store's part of a walk played over them."""

from typing import Any

import networkx as nx
from hypothesis import strategies as st

from headwater.model.graph import EventType, NodeKind
from headwater.model.lineage import Direction, Reached
from headwater.provenance import event_types

ARTIFACT, EXECUTION = NodeKind.ARTIFACT, NodeKind.EXECUTION
SIZE = 8

IDS = st.integers(1, SIZE)
NODES = st.tuples(st.sampled_from([ARTIFACT, EXECUTION]), IDS)
CYCLIC = st.lists(
    st.tuples(IDS, IDS, st.sampled_from([event.value for event in EventType])), max_size=40, unique=True
)


def _as_dag(edge):
    """Turn an edge so that artifacts 1 … n feed execution n, which makes only later ones."""
    execution, artifact, _ = edge
    return execution, artifact, (EventType.INPUT if artifact <= execution else EventType.OUTPUT).value


ACYCLIC = CYCLIC.map(lambda edges: sorted({_as_dag(edge) for edge in edges}))
GRAPHS = CYCLIC | ACYCLIC


def reached(**fields: Any) -> Reached:
    """Return a walk's answer, written with plain numbers for ids."""
    return Reached(**fields)


def expander(edges, calls=None):
    """Return the hop function of a store that holds these edges; it notes what it is asked in `calls`."""

    def expand(direction, kind, ids):
        if calls is not None:
            calls.append((kind, tuple(ids)))
        types = event_types(direction, kind)
        end = 0 if kind is EXECUTION else 1
        return [edge for edge in edges if edge[end] in ids and (types is None or edge[2] in types)]

    return expand


def as_networkx(edges, direction):
    """Return the graph whose arrows lead where a walk in the direction goes."""
    graph = nx.DiGraph()
    graph.add_nodes_from((kind, node_id) for kind in (ARTIFACT, EXECUTION) for node_id in range(1, SIZE + 1))
    for execution, artifact, event in edges:
        pairs = [
            ((ARTIFACT, artifact), (EXECUTION, execution)),
            ((EXECUTION, execution), (ARTIFACT, artifact)),
        ]
        for tail, head in pairs:
            types = event_types(direction, tail[0])
            if types is None or event in types:
                graph.add_edge(tail, head)
    return graph


DIRECTIONS = st.sampled_from(Direction)
