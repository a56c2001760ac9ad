"""Runs through the functions of `headwater`: logging, getting and searching them."""

import pytest

import headwater as hw
from headwater.errors import FilterError, InvalidError, NotFoundError
from headwater.model.ids import new_run_id
from headwater.model.runs import NewRun, RunStatus

pytestmark = pytest.mark.usefixtures("connected")


def sweep(*rates):
    """One run for each learning rate; its AUC is 1 - rate."""
    for rate in rates:
        with hw.run("flights/train", name=f"lr {rate}", params={"lr": rate}, capture=False) as run:
            run.log_metric("auc", 1 - rate)


def names(runs):
    return [run.name for run in runs]


def test_a_run_is_stored_with_all_that_was_logged():
    with hw.run("flights/train", name="first", params={"lr": 0.1}, tags={"team": "ops"}) as run:
        run.log_metric(name="auc", value=0.71, step=1)

    stored = hw.get_run(run.run_id)

    assert (stored.experiment, stored.name, stored.status) == ("flights/train", "first", RunStatus.FINISHED)
    assert (dict(stored.params), dict(stored.tags)) == ({"lr": 0.1}, {"team": "ops"})
    assert stored.metrics["auc"].value == 0.71
    assert "python_version" in stored.properties


def test_an_error_ends_the_run_and_reaches_the_program():
    with pytest.raises(ZeroDivisionError), hw.run("flights/train", capture=False) as run:
        _ = 1 / 0

    stored = hw.get_run(run.run_id)
    assert stored.status is RunStatus.FAILED
    assert stored.error is not None
    assert stored.error.endswith("ZeroDivisionError: division by zero")


def test_a_run_inside_another_is_its_child():
    with (
        hw.run("flights/sweep", capture=False) as outer,
        hw.run("flights/train", capture=False) as inner,
    ):
        pass

    assert hw.get_run(inner.run_id).parent_id == outer.id


def test_a_run_goes_on_by_its_id():
    with hw.run("flights/train", capture=False) as run:
        run.log_metric("auc", 0.5)
    with hw.run("flights/train", run_id=run.ref, capture=False) as again:
        again.log_metric("auc", 0.6)

    assert (again.run_id, hw.get_run(run.run_id).metrics["auc"].step) == (run.run_id, 1)


@pytest.mark.parametrize("write", [str, "runs/{}".format, lambda i: i[:8]], ids=["id", "ref", "prefix"])
def test_a_run_is_found_by_id_reference_or_beginning(write):
    with hw.run("flights/train", capture=False) as run:
        pass

    assert hw.get_run(write(run.run_id)).run_id == run.run_id


@pytest.mark.parametrize("text", ["ffff", "runs/0", "%", "_" * 32, "models/late/1", "' or 1=1"])
def test_no_other_text_finds_a_run(connected, text):
    connected.store.runs.start(NewRun(run_id="a" * 32, experiment="e"))

    with pytest.raises(NotFoundError):
        hw.get_run(text)


def test_a_beginning_that_several_runs_share_is_refused(connected):
    for digit in "12":
        connected.store.runs.start(NewRun(run_id="ab" + digit * 30, experiment="e"))

    with pytest.raises(InvalidError, match="several runs begin with 'ab'"):
        hw.get_run("ab")


def test_runs_are_found_by_a_filter():
    sweep(0.1, 0.2, 0.4)

    assert names(hw.search_runs("metrics.auc > 0.7 and params.lr >= 0.2")) == ["lr 0.2"]


def test_runs_come_newest_first_unless_ordered_otherwise():
    sweep(0.2, 0.1, 0.4)

    assert names(hw.search_runs()) == ["lr 0.4", "lr 0.1", "lr 0.2"]
    assert names(hw.search_runs(order_by="metrics.auc desc")) == ["lr 0.1", "lr 0.2", "lr 0.4"]


@pytest.mark.parametrize(("limit", "count"), [(0, 0), (2, 2), (3, 3), (4, 3)])
def test_a_search_gives_so_many_runs_at_the_most(limit, count):
    sweep(0.2, 0.1, 0.4)

    assert len(hw.search_runs(limit=limit)) == count


def test_a_negative_limit_is_refused():
    with pytest.raises(InvalidError, match="limit must be 0 or more, not -1"):
        hw.search_runs(limit=-1)


def test_a_limit_beyond_one_page_gives_each_run_once(connected, monkeypatch):
    monkeypatch.setattr("headwater.sdk.client.PAGE", 4)
    ids = [new_run_id() for _ in range(11)]
    for number, run_id in enumerate(ids):
        connected.store.runs.start(NewRun(run_id=run_id, experiment="e", start_ms=number))

    assert [run.run_id for run in hw.search_runs(limit=10)] == ids[:0:-1]


def test_a_bad_filter_points_at_the_fault():
    with pytest.raises(FilterError) as caught:
        hw.search_runs("metrics.auc > 0.7 and sttus = 'failed'")

    problem, text, caret = str(caught.value).splitlines()[:3]
    assert "did you mean status" in problem
    assert text[caret.index("^") :].startswith("sttus")
