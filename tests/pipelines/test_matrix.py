"""Whatever happens to a pipeline, in the end its store holds what an uninterrupted run would have made.

Behaviours by shapes by executors. Each test compares all that the run made, by digest, with a run to which
nothing happened, and counts: no step comes to its end twice, and none is left out.
"""

import os
import signal
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from headwater.blobs.digests import key_of
from headwater.errors import PipelineFailedError
from headwater.pipelines.events import StepState
from headwater.pipelines.records import RunState
from headwater.tracking.reads import local_path
from tests.pipelines import hooks, runner_child
from tests.pipelines.conftest import WORKERS
from tests.pipelines.scenes import MORE_DATA, Scene
from tests.pipelines.shapes import SHAPES

EXECUTORS = ("threads", "processes", "dask")
SOURCE = Path(__file__).with_name("shapes.py")


class Matrix:
    """What the tests of one combination need."""

    def __init__(self, scene: Scene, name: str, executors, new_scene, request, tmp_path) -> None:
        self.scene, self.name, self._request = scene, name, request
        self._executors, self._new_scene, self.folder = executors, new_scene, tmp_path

    def reference(self, **options):
        """All that a run makes to which nothing happens."""
        other = self._new_scene("reference", shape=self.scene.shape)
        if options.pop("more_data", False):
            other.client.dataset("seed", MORE_DATA)
        other.run(options.pop("pipeline", None))
        return other.made()

    def child(self):
        """Start a runner in a process of its own, and wait until `middle` hangs in it."""
        address = self._request.getfixturevalue("cluster").scheduler_address if self.name == "dask" else None
        executor = self.name if self.name != "dask" else "threads"
        self.scene.trap("hang")
        process = runner_child.start(self.scene.url, self.scene.shape, self.scene.params(), executor, address)
        step = hooks.hanging(self.scene.control, "middle")
        # What runs beside it has to be over: a kill would interrupt that, too.
        beside = {"diamond": {"other"}, "map": {"one[0]", "one[2]"}}.get(self.scene.shape, set())
        hooks.wait_for(lambda: self.scene.completions().keys() >= beside)
        return process, step

    def check(self, result, *, twice=()):
        """Compare the run with one to which nothing happened."""
        assert result.state is RunState.COMPLETE
        expected = self.reference()
        assert self.scene.made() == expected
        assert self.scene.completions() == Counter(dict.fromkeys(expected, 1)) + Counter(twice)


@pytest.fixture(params=SHAPES)
def shape(request):
    return request.param


@pytest.fixture(params=EXECUTORS)
def matrix(request, shape, new_scene, executors, tmp_path):
    executor = executors(request.param)
    if request.param == "dask":
        # One that the test before has killed may not be back yet, and two steps hang beside each other here.
        cluster = request.getfixturevalue("cluster")
        cluster.get_client().wait_for_workers(WORKERS, timeout=60)
    return Matrix(
        new_scene(shape=shape, executor=executor), request.param, executors, new_scene, request, tmp_path
    )


def slot_of_middle(shape):
    return {"branch": "is_large", "map": "one[1]", "nested": "inner/middle"}.get(shape, "middle")


def others_once(calls, *twice):
    """All steps but these ran once."""
    return {step for step, count in calls.items() if count > 1} <= set(twice)


def test_an_undisturbed_run_completes(matrix):
    result = matrix.scene.run()

    matrix.check(result)
    assert others_once(matrix.scene.calls())


def test_a_failed_step_is_run_again_by_resume(matrix):
    matrix.scene.trap("fail")

    with pytest.raises(PipelineFailedError, match="was told to fail"):
        matrix.scene.run()
    result = matrix.scene.resume()

    matrix.check(result)
    assert matrix.scene.calls()["middle"] == 2
    assert others_once(matrix.scene.calls(), "middle")


def test_a_failed_step_is_tried_again(matrix):
    matrix.scene.trap("fail")

    result = matrix.scene.run(retries=1)

    matrix.check(result)
    assert matrix.scene.calls()["middle"] == 2
    assert others_once(matrix.scene.calls(), "middle")


def test_a_step_that_takes_too_long_is_given_up(matrix):
    matrix.scene.trap("hang")

    with pytest.raises(PipelineFailedError, match="took longer than"):
        matrix.scene.run(timeout_s=1.0)
    hooks.release(matrix.scene.control)
    result = matrix.scene.resume(params={"timeout_s": None})

    matrix.check(result)
    assert others_once(matrix.scene.calls(), "middle")


# A step in a thread cannot be killed without its runner.
@pytest.mark.parametrize("matrix", ["processes", "dask"], indirect=True)
def test_a_killed_step_fails_and_is_run_again(matrix):
    matrix.scene.trap("kill")

    with pytest.raises(PipelineFailedError, match="interrupted"):
        matrix.scene.run()
    result = matrix.scene.resume()

    matrix.check(result)
    assert others_once(matrix.scene.calls(), "middle")


def test_a_killed_runner_is_resumed(matrix):
    process, _ = matrix.child()

    process.kill()
    process.join()
    # What its references mean is known, although it had no time to say good-bye.
    matrix.scene.client.dataset("seed", MORE_DATA)
    # On a cluster the step lives on, and the resumed run takes what it makes.
    hooks.release(matrix.scene.control)
    result = matrix.scene.resume()

    matrix.check(result)
    assert matrix.scene.calls()["middle"] == (1 if matrix.name == "dask" else 2)
    assert others_once(matrix.scene.calls(), "middle")


def test_a_runner_killed_with_its_step_is_resumed(matrix):
    process, step = matrix.child()

    process.kill()
    if step != process.pid:
        # A process of a pool may have seen already that its runner is gone.
        with suppress(ProcessLookupError):
            os.kill(step, signal.SIGKILL)
    process.join()
    hooks.release(matrix.scene.control)
    result = matrix.scene.resume()

    matrix.check(result)
    assert matrix.scene.calls()["middle"] == 2
    assert others_once(matrix.scene.calls(), "middle")


def test_a_run_is_resumed_from_elsewhere(matrix, monkeypatch):
    matrix.scene.trap("fail", matrix.scene.last)
    with pytest.raises(PipelineFailedError):
        matrix.scene.run()
    elsewhere = matrix.folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    there = Scene(
        type(matrix.scene.client)(matrix.scene.url, actor="bob@other"),
        matrix.scene.url,
        matrix.scene.control,
        matrix.scene.shape,
        matrix.scene.executor,
    )
    try:
        result = there.resume()
        made, calls = there.made(), there.calls()
    finally:
        there.client.close()

    assert result.state is RunState.COMPLETE
    assert made == matrix.reference()
    assert calls[matrix.scene.last] == 2
    assert others_once(calls, matrix.scene.last)


def test_run_with_resume_goes_on_with_the_newest_unfinished_run(matrix):
    matrix.scene.trap("fail", matrix.scene.last)
    with pytest.raises(PipelineFailedError):
        matrix.scene.run()

    result = matrix.scene.run(resume=True)

    assert result.run.name == "1"
    matrix.check(result)
    assert others_once(matrix.scene.calls(), matrix.scene.last)


def test_changed_code_is_run_again_with_what_hangs_on_it(matrix):
    before, after = (versions(matrix.folder, plus) for plus in (1, 2))
    matrix.scene.trap("fail", matrix.scene.last)
    with pytest.raises(PipelineFailedError):
        matrix.scene.run(matrix.scene.client.pipelines.load(f"{before}:{SHAPES[matrix.scene.shape].name}"))

    result = matrix.scene.resume(source=f"{after}:{SHAPES[matrix.scene.shape].name}")

    pipeline = matrix.scene.client.pipelines.load(f"{after}:{SHAPES[matrix.scene.shape].name}")
    assert result.state is RunState.COMPLETE
    assert matrix.scene.made() == matrix.reference(pipeline=pipeline)
    assert matrix.scene.calls()["middle"] == 2
    assert matrix.scene.calls()["load"] == 1
    told = [e for e in matrix.scene.events if str(e.slot) == slot_of_middle(matrix.scene.shape)]
    assert any("::PLUS changed" in event.note for event in told)


def test_a_resumed_run_stays_with_its_data_and_a_new_one_takes_the_new(matrix):
    matrix.scene.trap("fail", matrix.scene.last)
    with pytest.raises(PipelineFailedError):
        matrix.scene.run()
    matrix.scene.client.dataset("seed", MORE_DATA)

    resumed = matrix.scene.resume()
    fresh = matrix.scene.run()

    matrix.check(resumed)
    assert fresh.state is RunState.COMPLETE
    more = matrix._new_scene("more", shape=matrix.scene.shape)
    more.client.dataset("seed", MORE_DATA)
    more.run()
    assert matrix.scene.made("2") == more.made()


def test_a_lost_output_is_made_again(matrix):
    matrix.scene.trap("fail", matrix.scene.last)
    with pytest.raises(PipelineFailedError):
        matrix.scene.run()
    _, digest = matrix.scene.made()["load"]
    matrix.scene.client.blobs.delete(digest)

    result = matrix.scene.resume()

    matrix.check(result, twice=["load"])
    assert any("lost" in event.note for event in matrix.scene.events if str(event.slot) == "load")
    assert others_once(matrix.scene.calls(), "load", matrix.scene.last)


def test_a_corrupted_output_is_made_again(matrix):
    matrix.scene.trap("fail", matrix.scene.last)
    with pytest.raises(PipelineFailedError):
        matrix.scene.run()
    _, digest = matrix.scene.made()["load"]
    corrupt(matrix.scene.client.blobs, digest)

    result = matrix.scene.resume()

    matrix.check(result, twice=["load"])
    assert any("corrupted" in event.note for event in matrix.scene.events if str(event.slot) == "load")
    assert others_once(matrix.scene.calls(), "load", matrix.scene.last)


def test_an_approval_is_waited_for_across_restarts(matrix):
    first = matrix.scene.run(asks=True)
    again = matrix.scene.resume()
    name = "inner/sign" if matrix.scene.shape == "nested" else "sign"
    matrix.scene.client.pipelines.approve(first.ref, name, reason="looks fine")

    result = matrix.scene.resume()

    assert [first.state, again.state] == [RunState.WAITING, RunState.WAITING]
    assert first.steps[name].state is StepState.APPROVAL
    matrix.check(result)
    assert others_once(matrix.scene.calls())


def test_two_runners_of_one_run_do_nothing_twice(matrix):
    matrix.scene.trap("hang")
    results = []
    first = threading.Thread(target=lambda: results.append(matrix.scene.run()))
    first.start()
    hooks.hanging(matrix.scene.control, "middle")
    second = threading.Thread(target=lambda: results.append(matrix.scene.resume()))
    second.start()
    hooks.wait_for(lambda: any(event.state is StepState.ELSEWHERE for event in matrix.scene.events))

    hooks.release(matrix.scene.control)
    first.join(60)
    second.join(60)

    assert [result.state for result in results] == [RunState.COMPLETE, RunState.COMPLETE]
    matrix.check(results[0])
    assert others_once(matrix.scene.calls())


def versions(folder, plus):
    """Write the shapes with another constant in them."""
    place = folder / f"plus{plus}"
    place.mkdir()
    file = place / "flow.py"
    file.write_text(SOURCE.read_text().replace("PLUS = 1", f"PLUS = {plus}"))
    return file


def corrupt(blobs, digest):
    """Change bytes where they lie, without changing how many they are."""
    file = Path(local_path(blobs.url)) / key_of(digest)
    file.chmod(0o600)
    data = bytearray(file.read_bytes())
    data[0] ^= 1
    file.write_bytes(bytes(data))
