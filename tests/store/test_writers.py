"""Eight threads, and eight processes, write at once: no error, nothing lost, nothing twice."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from headwater.ledger import record_hash, record_of
from headwater.model.graph import (
    ArtifactChange,
    NewArtifact,
    NewContext,
    NewExecution,
    NewType,
    NodeKind,
    ParentContext,
)
from headwater.model.listing import Listing
from headwater.model.models import NewVersion
from headwater.model.runs import NewRun
from headwater.store.sql.store import SqlStore
from tests.store import children
from tests.store.children import ROUNDS, WRITERS


@pytest.fixture
def shared(store):
    """An execution whose series all write to."""
    [kind] = store.types.put([NewType(kind=NodeKind.EXECUTION, name="T")])
    return store.executions.add([NewExecution(type_id=kind)])[0]


def in_threads(job):
    """Run `job(1)` to `job(8)` at once and pass on what they raise."""
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(job, range(1, WRITERS + 1)))


def in_processes(name, *arguments):
    """Run eight processes that begin at one moment, and check that none complained."""
    with children.start(name, *arguments) as parent:
        assert parent.communicate(timeout=100) == ("", "")


def everything_is_there(store, shared):
    """What eight times `children.write_everything` must leave."""
    total = WRITERS * ROUNDS
    everything = Listing(limit=10_000)
    kinds = [t.name for t in store.types.all(NodeKind.ARTIFACT) if t.name.startswith("Round")]
    assert sorted(kinds) == [f"Round {i}" for i in range(ROUNDS)]
    assert [e.name for e in store.runs.experiments()] == [f"shared {i}" for i in range(ROUNDS)]
    assert len(store.runs.page(everything).items) == total
    rows = sorted((i, w, float(w)) for w in range(1, WRITERS + 1) for i in range(ROUNDS))
    assert store.series.read(shared, "loss").rows() == rows
    assert store.series.latest([shared])[0].count == total
    contexts = [c for c in store.contexts.page(everything).items if c.type_name.startswith("Round")]
    assert sorted(c.type_name for c in contexts) == [f"Round {i}" for i in range(ROUNDS)]
    assert len(store.links.artifacts_of_contexts([c.id for c in contexts])) == total
    versions = store.models.page_versions(everything).items
    assert sorted(v.version for v in versions) == list(range(1, total + 1))
    ledger_is_whole(store, total)


def ledger_is_whole(store, total):
    """Numbered without gaps, each hash right and named by the next."""
    entries = store.ledger.entries(limit=10_000)
    assert [e.seq for e in entries] == list(range(1, total + 1))
    assert [e.hash for e in entries] == [record_hash(record_of(e)) for e in entries]
    assert [e.previous_hash for e in entries[1:]] == [e.hash for e in entries[:-1]]


def test_threads_write_at_once(store, shared):
    in_threads(lambda writer: children.write_everything(store, writer, shared))

    everything_is_there(store, shared)


def test_processes_write_at_once(store, shared, sql_url):
    in_processes("write", sql_url, shared)

    everything_is_there(store, shared)


def test_threads_write_at_once_in_memory():
    with SqlStore("memory://") as store:
        [kind] = store.types.put([NewType(kind=NodeKind.EXECUTION, name="T")])
        [shared] = store.executions.add([NewExecution(type_id=kind)])

        in_threads(lambda writer: children.write_everything(store, writer, shared))

        everything_is_there(store, shared)


class Watch:
    """Reads all the time in a thread of its own, and keeps the first thing that should not be."""

    def __init__(self, look):
        self._look, self._is_over, self.looks, self.faults = look, threading.Event(), 0, []
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join()

    def _watch(self):
        while not self._is_over.is_set() and not self.faults:
            fault = self._look()
            self.looks += 1
            if fault:
                self.faults.append(fault)


@pytest.mark.parametrize("way", ["threads", "processes"])
def test_one_version_is_in_production_at_every_moment(store, sql_url, way):
    ids = [store.models.add_version(NewVersion(model="m"), actor="ann").id for _ in range(WRITERS)]
    children.promote_own(store, 1)

    def look():
        found = [v.version for v in store.models.by_artifact_ids(ids) if v.stage == "production"]
        return None if len(found) == 1 else found

    with Watch(look) as watch:
        if way == "threads":
            in_threads(lambda version: children.promote_own(store, version))
        else:
            in_processes("promote", sql_url)

    assert watch.faults == []
    assert watch.looks > 0
    moves = [e for e in store.ledger.entries() if e.action == "promote"]
    numbers = [int(e.subject.rpartition("/")[2]) for e in moves]
    assert [e.details["replaced"] for e in moves] == [None, *numbers[:-1]]
    ledger_is_whole(store, WRITERS + len(moves))


def test_read_sees_one_moment_of_a_node_that_changes(store):
    [kind] = store.types.put([NewType(kind=NodeKind.ARTIFACT, name="T")])
    [node] = store.artifacts.add([NewArtifact(type_id=kind, custom_properties={"n": 1})])

    def look():
        # The row and its properties come from two statements.
        [found] = store.artifacts.get([node])
        return None if found.custom_properties["n"] == found.revision else found

    with Watch(look) as watch:
        for n in range(2, 300):
            store.artifacts.update([ArtifactChange(id=node, custom_properties={"n": n})])

    assert watch.faults == []
    assert store.artifacts.get([node])[0].revision == 299


def test_changes_of_one_node_are_all_counted(store):
    [kind] = store.types.put([NewType(kind=NodeKind.ARTIFACT, name="T")])
    nodes = store.artifacts.add([NewArtifact(type_id=kind)] * 3)

    def change(writer):
        for _ in range(10):
            changes = [
                ArtifactChange(id=node, touch=True, custom_properties={f"{writer}": writer}) for node in nodes
            ]
            # In any order, so that writers that lock one by one would wait for each other for ever.
            store.artifacts.update(changes if writer % 2 else changes[::-1])

    in_threads(change)

    found = store.artifacts.get(nodes)
    assert [n.revision for n in found] == [1 + 10 * WRITERS] * 3
    assert [n.custom_properties for n in found] == [{f"{w}": w for w in range(1, WRITERS + 1)}] * 3


def test_one_key_at_once_writes_once(store):
    [kind] = store.types.put([NewType(kind=NodeKind.EXECUTION, name="T")])
    new = [NewExecution(type_id=kind)]
    answers = []

    in_threads(lambda _: answers.append(store.executions.add(new, key="k")))

    assert answers == [answers[0]] * WRITERS
    assert store.executions.page().items == tuple(store.executions.get(answers[0]))


def test_one_run_started_at_once_is_one_run(store):
    run_id = "ab" * 16
    answers = []
    new = NewRun(run_id=run_id, experiment="exp", params={"a": 1})

    in_threads(lambda _: answers.append(store.runs.start(new)))

    assert answers == [answers[0]] * WRITERS
    assert store.runs.page().items == (answers[0],)
    assert [found.id for found in store.executions.page().items] == [answers[0].id]


def test_types_that_grow_at_once_have_all_properties(store):
    def grow(writer):
        properties = {f"p{writer}": 1, "common": 2}
        new = NewType(kind=NodeKind.CONTEXT, name="T", properties=properties)
        return store.types.put([new], can_add=True, can_omit=True)

    in_threads(grow)

    found = store.types.find(NodeKind.CONTEXT, "T")
    assert found.properties == {**{f"p{w}": 1 for w in range(1, WRITERS + 1)}, "common": 2}


def test_cycle_cannot_be_closed_by_two_at_once(store):
    [kind] = store.types.put([NewType(kind=NodeKind.CONTEXT, name="T")])
    contexts = store.contexts.add([NewContext(type_id=kind, name=str(i)) for i in range(WRITERS)])
    refused = []

    def link(writer):
        pair = ParentContext(contexts[writer - 1], contexts[writer % WRITERS])
        try:
            store.links.add_parents([pair])
        except ValueError as error:
            refused.append(error)

    in_threads(link)

    assert len(refused) == 1
    assert len(store.links.parents(contexts)) == WRITERS - 1
