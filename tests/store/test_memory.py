"""How old answers from memory may be, and what is found late."""

import pytest

from headwater.model.graph import EventType
from headwater.model.lineage import Direction, Walk
from headwater.store.sql.memory import MARGIN_S, EdgesInMemory
from headwater.store.sql.store import SqlStore
from tests.contract.builders import Clock, add_artifacts, add_executions, event


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(clock):
    with SqlStore("memory://", clock_ms=clock) as opened:
        yield opened


@pytest.fixture
def nodes(store):
    (artifact,), executions = add_artifacts(store, 1), add_executions(store, 3)
    return artifact, executions


class Ages:
    """Seconds that pass when the test says so."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


def readers(memory, artifact):
    question = Walk(artifacts=(artifact,), direction=Direction.DOWNSTREAM)
    return [*memory.adjacency().reach(question).executions]


def test_answers_are_no_older_than_asked(store, clock, nodes):
    artifact, (first, *_) = nodes
    ages = Ages()
    memory = EdgesInMemory(store._db, max_age_s=1, monotonic_s=ages)
    store.links.add_events([event(artifact, first)])

    young = readers(memory, artifact)
    ages.now_s = 1.0

    assert (young, readers(memory, artifact)) == ([], [first])


def test_an_event_that_commits_late_is_seen_within_the_margin(store, clock, nodes):
    artifact, (first, second, _) = nodes
    memory = EdgesInMemory(store._db, max_age_s=0, monotonic_s=Ages())
    began_ms = clock.now_ms
    clock.tick(int(MARGIN_S * 1000) - 1)
    readers(memory, artifact)
    clock.tick(10)

    store.links.add_events([event(artifact, first, time_ms=began_ms)])
    store.links.add_events([event(artifact, second, EventType.INPUT)])

    assert readers(memory, artifact) == [first, second]


def test_an_event_of_long_ago_is_seen_when_all_are_counted(store, clock, nodes):
    artifact, (first, *_) = nodes
    ages = Ages()
    memory = EdgesInMemory(store._db, max_age_s=0, recount_s=300, monotonic_s=ages)
    clock.tick(10 * 60 * 1000)
    readers(memory, artifact)
    store.links.add_events([event(artifact, first, time_ms=7)])

    before = readers(memory, artifact)
    ages.now_s = 300.0

    assert (before, readers(memory, artifact)) == ([], [first])
