import math
import sys
import threading
from typing import Any

import numpy as np
import pytest

from headwater.errors import ConflictError, InvalidError, MetricTypeError, NotFoundError, RefusedError
from headwater.model.runs import RunStatus
from headwater.tracking import current_run, find_run, start_run


@pytest.fixture
def run(session):
    return start_run(session, "flights/train", capture=False)


def stored(session, run):
    return session.store.runs.get([run.run_id])[0]


def log_and_fail(run):
    run.log_metric("loss", 1.0)
    raise ValueError("boom")


def points(session, run, key):
    session.flush()
    return session.store.series.read(run.id, key)


def test_a_run_is_stored_with_all_it_was_given(session):
    params, tags = {"lr": 0.1, "net": {"depth": 2}}, {"team": "ops"}

    with start_run(session, "flights/train", name="first", params=params, tags=tags, capture=False) as run:
        assert stored(session, run).status is RunStatus.RUNNING

    found = stored(session, run)
    assert (found.experiment, found.name, found.status) == ("flights/train", "first", RunStatus.FINISHED)
    assert found.params == {"lr": 0.1, "net.depth": 2}
    assert found.tags == tags
    assert found.end_ms is not None
    assert found.error is None
    assert found.user
    assert found.host


def test_steps_count_up_from_the_greatest(session, run):
    run.log_metric("auc", 0.5)
    run.log_metric("auc", 0.6, step=10)
    run.log_metric("auc", 0.7, step=3)
    run.log_metric(name="auc", value=0.8)

    assert list(points(session, run, "auc").steps) == [0, 3, 10, 11]


def test_any_float_and_any_step_of_64_bits_comes_back(session, run):
    rows = [(-(2**63), 0, math.nan), (0, -5, math.inf), (1, 2**63 - 1, -math.inf), (2**63 - 1, 1, 5e-324)]

    for step, time_ms, value in rows:
        run.log_metric("m", value, step=step, timestamp=time_ms)

    found = points(session, run, "m").rows()
    assert repr(found) == repr(rows)


def test_after_the_last_step_there_is_no_next_one(session, run):
    run.log_metric("m", 1, step=2**63 - 1)

    with pytest.raises(InvalidError, match="does not fit"):
        run.log_metric("m", 1)


def test_a_string_is_a_type_error_and_leaves_no_trace(session, run):
    with pytest.raises(TypeError, match="metric 'auc' must be a number, got str"):
        run.log_metric("auc", "0.5")
    with pytest.raises(MetricTypeError):
        run.log_metrics({"ok": 1.0, "auc": None})
    with pytest.raises(InvalidError):
        run.log_metric("a\n", 0.5)

    session.flush()
    assert session.store.series.keys(run.id) == []


def test_metrics_of_one_call_share_step_and_time(session, run):
    run.log_metric("a", 1, step=6)

    run.log_metrics({"a": 1, "b": True})

    (a,), (b,) = points(session, run, "a").rows()[1:], points(session, run, "b").rows()
    assert (a[0], b[0]) == (7, 7)
    assert a[1] == b[1]


def test_a_series_of_arrays_comes_back_whole(session, run):
    count = 300_000

    run.log_series("loss", np.arange(count), np.linspace(0, 1, count, dtype=np.float32))
    run.log_metric("loss", 2.0)

    found = points(session, run, "loss")
    assert len(found) == count + 1
    assert found.steps[-1] == count
    assert found.values[count - 1] == 1.0


def test_a_series_takes_what_python_has(session, run):
    run.log_series("a", range(3), [1, True, 0.5], timestamps=[5, 6, 7])
    run.log_series("b", [], [])

    assert points(session, run, "a").rows() == [(0, 5, 1.0), (1, 6, 1.0), (2, 7, 0.5)]
    assert session.store.series.keys(run.id) == ["a"]


@pytest.mark.parametrize(
    ("steps", "values", "error"),
    [
        ([0], [1.0, 2.0], "differ in length"),
        ([0.5], [1.0], "whole numbers"),
        (np.array([0.5]), [1.0], "whole numbers"),
        (np.array([2**63], dtype=np.uint64), [1.0], "64 bits"),
        ([2**63], [1.0], "64 bits"),
        ([0, 1], [1.0, "x"], "got str"),
        ([0], np.array(["x"]), "got str_"),
        ([[0]], np.zeros((1, 1)), "whole"),
        ([0], np.zeros((1, 1)), "one dimension"),
    ],
    ids=repr,
)
def test_a_malformed_series_is_refused_whole(session, run, steps, values, error):
    with pytest.raises(InvalidError, match=error):
        run.log_series("m", steps, values)

    session.flush()
    assert session.store.series.keys(run.id) == []


def test_params_may_be_repeated_but_not_changed(session, run):
    run.log_params({"lr": 0.1, "nan": math.nan})
    run.log_param("lr", 0.1)
    run.log_param("nan", math.nan)

    with pytest.raises(ConflictError, match=r"param 'lr' .* is 0\.1 and cannot become 0\.2"):
        run.log_params({"depth": 3, "lr": 0.2})

    assert set(stored(session, run).params) == {"lr", "nan"}


def test_a_param_that_another_program_set_is_not_changed_either(session, run):
    session.store.runs.log_params(run.id, {"lr": 0.1})

    with pytest.raises(ConflictError, match="lr"):
        run.log_param("lr", 0.2)

    run.log_param("lr", 0.1)
    assert stored(session, run).params == {"lr": 0.1}


def test_tags_change_and_go(session, run):
    run.set_tags({"a": 1, "b": "x"})
    run.set_tag("a", 2)
    run.set_tag("b", None)

    assert stored(session, run).tags == {"a": 2}


def test_a_malformed_name_is_refused_before_anything_is_written(session):
    wrong: Any
    for wrong in ({"params": {"a\x00": 1}}, {"tags": {"": 1}}, {"name": " "}, {"params": {"x" * 251: 1}}):
        with pytest.raises(InvalidError):
            start_run(session, "e", **wrong)
    with pytest.raises(InvalidError):
        start_run(session, "e\n")

    assert session.store.runs.page().items == ()


def test_an_error_ends_the_run_as_failed_with_its_last_lines(session):
    with pytest.raises(ValueError, match="factorial"), start_run(session, "e", capture=False) as run:
        math.factorial(-1)

    found = stored(session, run)
    assert found.status is RunStatus.FAILED
    assert "ValueError: factorial()" in found.error.splitlines()[-1]
    assert "math.factorial(-1)" in found.error


def test_a_long_error_is_cut_at_its_beginning(session):
    with pytest.raises(ValueError, match=r"end$"), start_run(session, "e", capture=False) as run:
        raise ValueError("x" * 100_000 + "end")

    assert len(stored(session, run).error) == 8000
    assert stored(session, run).error.endswith("xend")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyboardInterrupt(), RunStatus.KILLED),
        (SystemExit(3), RunStatus.KILLED),
        (SystemExit("out of coffee"), RunStatus.KILLED),
        (SystemExit(0), RunStatus.FINISHED),
        (SystemExit(), RunStatus.FINISHED),
        (GeneratorExit(), RunStatus.FAILED),
    ],
    ids=repr,
)
def test_how_it_was_left_gives_the_status(session, error, status):
    with pytest.raises(type(error)), start_run(session, "e", capture=False) as run:
        raise error

    assert stored(session, run).status is status


def test_metrics_of_a_failed_run_are_stored(session):
    run = start_run(session, "e", capture=False)

    with pytest.raises(ValueError, match="boom"), run:
        log_and_fail(run)

    assert stored(session, run).metrics["loss"].value == 1.0


def test_runs_nest(session):
    with start_run(session, "e", capture=False) as outer:
        with start_run(session, "e", capture=False) as inner:
            assert current_run() is inner
        assert current_run() is outer
    other = start_run(session, "e", parent=inner.run_id, capture=False)

    assert current_run() is None
    assert stored(session, outer).parent_id is None
    assert stored(session, inner).parent_id == outer.id
    assert stored(session, other).parent_id == inner.id


def test_another_thread_is_not_inside_of_the_run(session):
    seen = []

    with start_run(session, "e", capture=False):
        thread = threading.Thread(target=lambda: seen.append(current_run()))
        thread.start()
        thread.join()

    assert seen == [None]


def test_a_run_goes_on_with_its_steps_and_params(session):
    with start_run(session, "e", params={"lr": 0.1}, capture=False) as run:
        run.log_metric("loss", 1.0, step=5)

    with start_run(session, "e", run_id=run.ref[:13], params={"depth": 2}, capture=False) as again:
        assert stored(session, run).status is RunStatus.RUNNING
        assert stored(session, run).end_ms is None
        again.log_metric("loss", 0.5)
        with pytest.raises(ConflictError):
            again.log_param("lr", 0.2)

    found = stored(session, run)
    assert (again.run_id, again.id) == (run.run_id, run.id)
    assert list(session.store.series.read(run.id, "loss").steps) == [5, 6]
    assert found.params == {"lr": 0.1, "depth": 2}
    assert found.status is RunStatus.FINISHED


def test_what_cannot_go_on_is_said(session, run):
    with pytest.raises(NotFoundError):
        start_run(session, "flights/train", run_id="0" * 32)
    with pytest.raises(ConflictError, match="belongs to experiment 'flights/train'"):
        start_run(session, "other", run_id=run.run_id)


def test_an_ended_run_takes_nothing_more(session, run, tmp_path):
    run.log_metric("a", 1)
    run.end()
    run.end(RunStatus.FAILED)

    for call in (
        lambda: run.log_metric("a", 2),
        lambda: run.log_series("b", [0], [1]),
        lambda: run.log_param("p", 1),
        lambda: run.set_tag("t", 1),
        lambda: run.log_text("x", "x.txt"),
    ):
        with pytest.raises(RefusedError, match="has ended"):
            call()
    assert stored(session, run).status is RunStatus.FINISHED
    assert session.store.series.keys(run.id) == ["a"]


def test_a_run_without_a_block_ends_with_its_session(session, run, monkeypatch):
    monkeypatch.setattr(sys, "last_value", None, raising=False)
    run.log_metric("a", 1)

    session.close()

    assert stored(session, run).status is RunStatus.FINISHED
    assert stored(session, run).metrics["a"].value == 1


def test_a_run_is_found_by_the_beginning_of_its_id(session, run):
    assert find_run(session.store, run.run_id[:8]).run_id == run.run_id
    with pytest.raises(NotFoundError):
        find_run(session.store, "not-a-run")


def test_threads_log_to_one_series_and_lose_nothing(session, run):
    def log(first):
        for step in range(first, first + 2000):
            run.log_metric("shared", step, step=step)

    threads = [threading.Thread(target=log, args=(k * 2000,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert list(points(session, run, "shared").steps) == list(range(16_000))


def test_many_runs_share_one_session(session):
    runs = [start_run(session, "sweep", capture=False) for _ in range(20)]
    for run in runs:
        run.log_metric("m", 1.0)
    for run in runs:
        run.end()

    assert [stored(session, run).metrics["m"].count for run in runs] == [1] * 20


def test_the_repr_names_the_run_and_no_url(session, run):
    assert repr(run) == f"<ActiveRun {run.run_id} of 'flights/train'>"
