"""A process is killed in the middle of publishing: what it said is there, and nothing is there by half."""

import os
import random
import signal
import time

from headwater.model.graph import Attribution, EventType
from headwater.model.listing import Listing
from headwater.store.sql.store import SqlStore
from tests.store import children
from tests.store.children import ARTIFACTS

KILLS = {"sqlite": 16, "postgresql": 5, "mysql": 5}
EVERYTHING = Listing(limit=100_000)


def published(store):
    """Names of all publications, each checked to be whole; nothing else is in the store."""
    links = store.links
    executions = {e.id: e.name for e in store.executions.page(EVERYTHING).items}
    artifacts = {a.id: a for a in store.artifacts.page(EVERYTHING).items}
    contexts = {c.name: c.id for c in store.contexts.page(EVERYTHING).items}
    events = links.events_of_executions([*executions])
    memberships = set(links.artifacts_of_contexts([*contexts.values()]))
    associations = links.executions_of_contexts([*contexts.values()])

    expected = {f"{name}/{n}" for name in executions.values() for n in range(ARTIFACTS)}
    assert {a.name for a in artifacts.values()} == expected
    assert all(a.custom_properties == {"n": int(a.name.rpartition("/")[2])} for a in artifacts.values())
    assert sorted(contexts) == sorted(executions.values())
    made = {(executions[e.execution_id], artifacts[e.artifact_id].name.rpartition("/")[0]) for e in events}
    assert made == {(name, name) for name in executions.values()}
    assert len(events) == len(artifacts)
    assert {e.type for e in events} <= {EventType.OUTPUT}
    owners = {Attribution(contexts[a.name.rpartition("/")[0]], a.id) for a in artifacts.values()}
    assert memberships == owners
    assert [(a.context_id, executions[a.execution_id]) for a in associations] == [
        (contexts[executions[a.execution_id]], executions[a.execution_id]) for a in associations
    ]
    assert len(associations) == len(executions)
    return set(executions.values())


def kill_after(parent, label, chance):
    """Let a process publish for a moment, kill it, and return what it had said."""
    parent.stdin.write(f"{label}\n")
    parent.stdin.flush()
    said, child, left = set(), None, chance.randint(1, 40)
    for line in parent.stdout:
        word = line.strip()
        if word == "dead":
            return said
        if word.startswith("pid "):
            child = int(word.removeprefix("pid "))
        else:
            said.add(word)
        left -= 1
        if left <= 0 and child is not None:
            time.sleep(chance.uniform(0, 0.004))  # in the middle of whatever it does next
            os.kill(child, signal.SIGKILL)
            left = 10**9
    raise AssertionError(parent.stderr.read())


def test_killed_publisher_leaves_whole_publications(sql_url, sql_backend):
    chance = random.Random(11)
    said = set()
    SqlStore(sql_url).close()

    with children.start("publishers", sql_url) as parent:
        for kill in range(KILLS[sql_backend]):
            said |= kill_after(parent, f"k{kill}", chance)
        parent.stdin.close()

    with SqlStore(sql_url) as store:
        assert said
        assert said <= published(store)


def test_file_of_a_killed_writer_takes_writes_at_once(tmp_path):
    url = f"sqlite:///{tmp_path}/store.db"
    SqlStore(url).close()
    with children.start("publishers", url) as parent:
        kill_after(parent, "k", random.Random(3))
        parent.stdin.close()

    with SqlStore(url) as store:
        before = published(store)
        store.models.register("m")
        assert store.models.get("m").version_count == 0
        assert before
