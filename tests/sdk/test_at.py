"""The past through the SDK."""

import time
from datetime import UTC, datetime

import pytest

import headwater as hw
from headwater.errors import InvalidError, NotFoundError, RefusedError
from headwater.model.times import milliseconds


@pytest.fixture
def moment(connected):
    """A moment at which version 1 was in production, and 2 is now."""
    with hw.run("train", capture=False) as run:
        run.log_model("m", {"weights": 1})
        run.log_model("m", {"weights": 2})
    hw.models["m"].promote(1, reason="first")
    time.sleep(0.002)
    between = time.time_ns() // 1_000_000
    time.sleep(0.002)
    hw.models["m"].promote(2, reason="better")
    return between


def test_what_was_in_production_is_found_and_loaded(moment):
    then = hw.at(moment)

    assert then.models["m"]["production"].version == 1
    assert then.load_model("models/m@production") == {"weights": 1}
    assert [entry.action for entry in then.models["m"].history()] == ["register", "register", "promote"]
    assert hw.models["m"]["production"].version == 2


def test_view_of_the_past_neither_decides_nor_logs(moment):
    then = hw.at(moment)

    with pytest.raises(RefusedError, match="as it was"):
        then.models["m"].promote(2, reason="no")
    with pytest.raises(RefusedError, match="into the past"):
        then.run("train")


def test_moments_are_written_in_several_ways():
    nine = 1_376_470_800_000

    assert milliseconds("2013-08-14T09:00") == milliseconds("2013-08-14 11:00+02:00") == nine
    assert milliseconds(datetime(2013, 8, 14, 9, tzinfo=UTC)) == milliseconds(nine) == nine
    with pytest.raises(InvalidError, match="2013-08-14T09:00"):
        milliseconds("last Tuesday")


def test_a_run_of_then_is_found_and_a_later_one_is_not(moment):
    [run] = hw.search_runs()
    later = hw.run("train", capture=False)
    later.end()

    assert hw.at(moment).get_run(run.run_id[:8]).run_id == run.run_id
    with pytest.raises(NotFoundError):
        hw.at(moment).get_run(later.run_id)
