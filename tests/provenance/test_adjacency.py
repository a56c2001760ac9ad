"""Edges in memory answer as the plain walk does, however they came in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import InvalidError
from headwater.model.graph import EventType
from headwater.model.lineage import Direction, Walk
from headwater.provenance import adjacency as module
from headwater.provenance import walk
from headwater.provenance.adjacency import Adjacency, Edges
from tests.provenance.graphs import ARTIFACT, DIRECTIONS, GRAPHS, IDS, expander

IN, OUT = EventType.INPUT.value, EventType.OUTPUT.value
QUESTIONS = st.builds(
    Walk,
    artifacts=st.lists(IDS, max_size=3, min_size=1).map(tuple),
    executions=st.lists(IDS, max_size=2).map(tuple),
    direction=DIRECTIONS,
    max_hops=st.none() | st.integers(0, 6),
    max_nodes=st.integers(0, 20),
)


def assert_same(found, expected):
    """Compare with the order of ids; edges are the same, and walked in the same hops."""
    assert list(found.artifacts.items()) == list(expected.artifacts.items())
    assert list(found.executions.items()) == list(expected.executions.items())
    assert sorted(found.edges) == sorted(expected.edges)
    assert found.is_truncated == expected.is_truncated


@given(GRAPHS, QUESTIONS)
def test_it_reaches_what_a_walk_reaches(edges, question):
    assert_same(Adjacency(Edges.of(edges)).reach(question), walk(question, expander(edges)))


@given(GRAPHS, QUESTIONS, st.integers(0, 40), st.integers(0, 40))
def test_edges_that_come_later_make_no_difference(edges, question, first, second):
    first, second = sorted((first, second))
    parts = edges[:first], edges[first:second], edges[max(0, second - 3) :]

    grown = Adjacency(Edges.of(parts[0]))
    for part in parts[1:]:
        grown = grown.extended(Edges.of(part))

    assert grown.count == len(edges)
    assert_same(grown.reach(question), walk(question, expander(edges)))


@given(GRAPHS, QUESTIONS)
def test_laying_all_out_anew_makes_no_difference(edges, question):
    grown = Adjacency(Edges.of(edges[:1]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MERGE_AT", 0)
        for edge in edges[1:]:
            grown = grown.extended(Edges.of([edge]))

    assert len(grown._new) <= grown.count // 10
    assert_same(grown.reach(question), walk(question, expander(edges)))


@given(GRAPHS)
def test_known_edges_and_repetitions_change_nothing(edges):
    known = Adjacency(Edges.of(edges))

    assert known.extended(Edges.of([*edges, *edges])) is known


def test_the_one_before_stays_as_it_is():
    before = Adjacency(Edges.of([(1, 1, IN)]))

    before.extended(Edges.of([(1, 2, OUT)]))

    question = Walk(artifacts=(1,), direction=Direction.DOWNSTREAM)
    assert before.reach(question).artifacts == {1: 0}


@pytest.mark.parametrize("ids", [[0, 10**18, 5], [2**62, 1, 2**62 - 1]])
def test_ids_may_be_far_apart(ids):
    edges = [(number, number, IN) for number in ids] + [(ids[0], ids[1], OUT)]

    found = Adjacency(Edges.of(edges)).reach(Walk(artifacts=(ids[0],), direction=Direction.DOWNSTREAM))

    assert found.artifacts == {ids[0]: 0, ids[1]: 2}


def test_nothing_at_all_can_be_asked():
    nothing = Adjacency(Edges.of([]))

    assert nothing.reach(Walk(artifacts=(7,))).artifacts == {7: 0}
    with pytest.raises(InvalidError):
        nothing.reach(Walk())


def test_edges_leave_by_ascending_node():
    edges = Edges.of([(2, 1, IN), (1, 1, IN), (1, 1, OUT), (1, 3, OUT)])

    found = Adjacency(edges).leaving(Direction.BOTH, ARTIFACT, np.array([1, 3]))

    assert found.rows() == [(1, 1, IN), (2, 1, IN), (1, 1, OUT), (1, 3, OUT)]
