"""Attempts that are given up: whatever becomes of them, one attempt of a step comes to its end."""

import logging
import os
import resource
import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import pytest

import headwater as hw
from headwater.errors import PipelineFailedError
from headwater.pipelines import leases
from headwater.pipelines.events import StepState
from headwater.pipelines.history import attempts_of
from tests.pipelines import hooks
from tests.pipelines.shapes import linear


@hw.step(timeout_s=3, retries=1, backoff_s=0.01)
def only(control: str) -> int:
    hooks.act(control, "only")
    return 1


@hw.pipeline
def single(control: str):
    return only(control)


class Late(Executor):
    """Runs each call in a thread of its own, the first one only when it is let go."""

    def __init__(self):
        self.go, self.threads = threading.Event(), []

    def submit(self, fn, /, *args, **kwargs):
        future, is_first = Future(), not self.threads
        future.set_running_or_notify_cancel()

        def run():
            if is_first:
                self.go.wait(60)
            future.set_result(fn(*args, **kwargs))

        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()
        return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        self.go.set()
        for thread in self.threads:
            thread.join(60)


@pytest.fixture
def late():
    with Late() as executor:
        yield executor


def attempts(scene, step, ref="linear/1"):
    """All attempts at a step."""
    run = scene.client.pipelines.run(ref).run
    return [a for a in attempts_of(scene.client.store, run.id) if str(a.slot) == step]


def states(scene, step, ref="linear/1"):
    return [attempt.state.name for attempt in attempts(scene, step, ref)]


def test_an_attempt_that_was_given_up_before_it_began_is_never_made(new_scene, late):
    scene = new_scene(executor=late)

    done = scene.client.pipelines.start(single, {"control": str(scene.control)}, executor=late)
    late.shutdown()

    assert done.value == 1
    assert states(scene, "only", "single/1") == ["FAILED", "COMPLETE"]
    assert scene.calls() == {"only": 1}


def test_a_thread_that_is_late_does_not_hold_up_the_next_try(new_scene, caplog):
    scene = new_scene()
    scene.trap("hang")

    with caplog.at_level(logging.WARNING, "headwater.pipelines"):
        done = scene.client.pipelines.start(
            linear, scene.params(retries=1, timeout_s=2), workers=1, listen=scene.events.append
        )
    hooks.release(scene.control)

    assert done.state.value == "complete"
    assert scene.calls()["middle"] == 2
    assert "its thread cannot be ended and goes on, but what it makes is not used" in caplog.text


def test_what_a_late_thread_makes_is_not_used(new_scene):
    with ThreadPoolExecutor(2) as pool:
        scene = new_scene(executor=pool)
        scene.trap("hang")
        with pytest.raises(PipelineFailedError, match="its thread cannot be ended"):
            scene.run(timeout_s=0.3)
        hooks.release(scene.control)

    # The pool has waited for its threads.
    assert states(scene, "middle") == ["FAILED"]
    (attempt,) = attempts(scene, "middle")
    assert (attempt.error or "").startswith(f"{leases.INTERRUPTED}: it took longer than 0.3 s")


def test_what_a_late_worker_of_a_cluster_makes_is_not_used(new_scene, executors, request):
    scene = new_scene(executor=executors("dask"))
    scene.trap("hang")

    with pytest.raises(PipelineFailedError, match="what it makes is not used"):
        scene.run(timeout_s=3)
    hooks.release(scene.control)
    client = request.getfixturevalue("cluster").get_client()
    # A worker has one thread: when it has done something else, the late step has ended.
    for worker in client.scheduler_info()["workers"]:
        client.submit(os.getpid, workers=[worker], pure=False).result(60)

    assert states(scene, "middle") == ["FAILED"]


def test_one_that_is_lost_is_taken_away_before_it_is_tried_again(new_scene):
    scene = new_scene()
    scene.trap("hang")
    results = []
    first = threading.Thread(target=lambda: results.append(scene.run(raises=False)))
    first.start()
    hooks.hanging(scene.control, "middle")
    # Its signs of life come late, as on a machine that has too much to do.
    scene.client.store.runs.mark_lost(silent_since_ms=scene.client.session.clock_ms() + 1)

    second = scene.resume()
    hooks.release(scene.control)
    first.join(60)

    assert second.state.value == "complete"
    assert sorted(states(scene, "middle")) == ["COMPLETE", "FAILED"]
    assert scene.completions() == {"load": 1, "middle": 1, "end": 1}
    assert [result.value for result in results] == [second.value]
    assert any(event.state is StepState.INTERRUPTED for event in scene.events)


def test_a_process_that_cannot_be_looked_at_is_not_taken_for_dead():
    owner = leases.new_owner().as_json()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1, hard))

    try:
        is_gone = leases._is_gone(owner)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert not is_gone
