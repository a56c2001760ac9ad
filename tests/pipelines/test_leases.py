"""Leases: one of several gets an attempt, and who has lost it can publish nothing."""

import multiprocessing
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from headwater.blobs import open_blobs
from headwater.errors import RefusedError
from headwater.model.graph import ExecutionState
from headwater.model.ids import new_run_id
from headwater.model.runs import NewRun, RunChange, RunPublication, RunStatus
from headwater.pipelines import leases, tags
from headwater.pipelines.leases import INTERRUPTED, is_held, new_owner, publish, take_away, token_of
from headwater.store import open_store
from headwater.tracking import Session


@pytest.fixture
def store():
    with open_store("memory://") as opened:
        yield opened


def started(store, owner, **fields):
    new = NewRun(run_id=new_run_id(), experiment="e", tags={tags.OWNER: owner.as_json()}, **fields)
    store.runs.publish(RunPublication(run=new))
    return store.runs.get([new.run_id])[0]


def end(store, run, token):
    return publish(store, run.id, token, status=RunStatus.FINISHED, end_ms=5)


def test_the_holder_ends_its_attempt(store):
    owner = new_owner()
    run = started(store, owner)

    end(store, run, owner.token)

    (after,) = store.runs.get([run.run_id])
    assert (after.status, token_of(after)) == (RunStatus.FINISHED, owner.token)


def test_nobody_else_ends_it(store):
    run = started(store, new_owner())

    with pytest.raises(RefusedError, match="taken away"):
        end(store, run, new_owner().token)

    assert store.runs.get([run.run_id]) == [run]


def test_what_was_taken_away_cannot_be_ended(store):
    owner = new_owner()
    run = started(store, owner)

    assert take_away(store, run, 7, "no sign of life")
    with pytest.raises(RefusedError, match="it is failed"):
        end(store, run, owner.token)

    (after,) = store.runs.get([run.run_id])
    assert (after.status, after.error) == (RunStatus.FAILED, f"{INTERRUPTED}: no sign of life")
    assert store.executions.get([run.id])[0].state is ExecutionState.FAILED


def test_what_has_ended_is_not_taken_away(store):
    owner = new_owner()
    run = started(store, owner)
    end(store, run, owner.token)

    assert not take_away(store, run, 7, "late")

    assert store.runs.get([run.run_id])[0].status is RunStatus.FINISHED


def test_a_tag_that_the_step_sets_does_not_cost_the_lease(store):
    owner = new_owner()
    run = started(store, owner)
    store.runs.update(RunChange(id=run.id, tags={"mine": "yes"}))

    end(store, run, owner.token)

    assert store.runs.get([run.run_id])[0].status is RunStatus.FINISHED


def test_one_that_was_silent_and_that_nobody_took_is_still_its_own(store):
    owner = new_owner()
    run = started(store, owner)
    store.runs.mark_lost(silent_since_ms=run.heartbeat_ms + 1)

    end(store, run, owner.token)

    assert store.runs.get([run.run_id])[0].status is RunStatus.FINISHED


def test_of_an_end_and_a_taking_away_at_once_one_succeeds(store):
    for _ in range(20):
        owner = new_owner()
        run = started(store, owner)
        barrier = threading.Barrier(2)

        def finishing(run=run, owner=owner, barrier=barrier):
            barrier.wait()
            try:
                end(store, run, owner.token)
            except RefusedError:
                return False
            return True

        def taking(run=run, barrier=barrier):
            barrier.wait()
            return take_away(store, run, 7, "race")

        with ThreadPoolExecutor(2) as pool:
            outcomes = [future.result() for future in (pool.submit(finishing), pool.submit(taking))]

        assert sorted(outcomes) == [False, True]


def test_a_holder_counts_as_alive_while_it_gives_signs(store):
    elsewhere = leases.Owner(token="t", host="other", boot="another machine", pid=1, started="1")
    run = started(store, elsewhere)

    assert is_held(run, now_ms=run.heartbeat_ms + 59_000, lease_s=60)
    assert not is_held(run, now_ms=run.heartbeat_ms + 61_000, lease_s=60)


def test_a_dead_process_of_this_machine_is_known_at_once(store):
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=int)
    process.start()
    pid = process.pid
    mine = new_owner()
    process.join()
    dead = leases.Owner(token="t", host=mine.host, boot=mine.boot, pid=pid, started="1")

    assert is_held(started(store, mine), now_ms=0, lease_s=60)
    assert mine.boot == "" or not is_held(started(store, dead), now_ms=0, lease_s=60)


def test_another_process_of_the_same_number_is_not_the_holder(store):
    mine = new_owner()
    before = leases.Owner(token="t", host=mine.host, boot=mine.boot, pid=os.getpid(), started="1")

    assert mine.boot == "" or not is_held(started(store, before), now_ms=0, lease_s=60)


def test_a_run_that_has_ended_is_held_by_nobody(store):
    owner = new_owner()
    run = started(store, owner)
    end(store, run, owner.token)

    assert not is_held(store.runs.get([run.run_id])[0], now_ms=0, lease_s=60)


def test_a_session_marks_no_step_as_lost_that_is_alive(store, tmp_path):
    with Session(store, open_blobs("memory://"), project_root=tmp_path) as session:
        run = started(store, new_owner())

        assert session.recover() == []
        assert store.runs.get([run.run_id])[0].status is RunStatus.RUNNING
