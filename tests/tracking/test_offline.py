"""A store that cannot be reached for a while."""

import itertools
import logging
import threading
import time

import pytest

from headwater.blobs import open_blobs
from headwater.errors import ConflictError, UnavailableError
from headwater.model.runs import RunChange, RunStatus
from headwater.tracking import Session, TrackingSettings, start_run
from headwater.tracking.journal_files import REFUSED
from tests.contract.builders import Clock


def log_for_ever(run):
    for step in itertools.count():
        run.log_metric("loss", step, step=step)


def start_before_outage(session, store):
    """Start a run that the store knows, then cut the store off. Returns the run."""
    run = start_run(session, "e", capture=False)
    run.log_metric("first", 1.0)
    session.flush()
    store.is_down = True
    return run


def wait_until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_what_was_logged_during_an_outage_arrives_afterwards(session, store):
    with start_run(session, "e", capture=False) as run:
        run.log_metric("loss", 0.0, step=0)
        session.flush()
        store.is_down = True
        for step in range(1, 500):
            run.log_metric("loss", step, step=step)
        run.log_param("lr", 0.1)
        run.set_tag("a", 1)
        run.set_tag("a", 2)
        store.is_down = False

    found = store.runs.get([run.run_id])[0]
    assert list(store.series.read(run.id, "loss").steps) == list(range(500))
    assert found.metrics["loss"].count == 500
    assert (found.params, found.tags, found.status) == ({"lr": 0.1}, {"a": 2}, RunStatus.FINISHED)


def test_a_run_can_begin_and_end_during_an_outage(session, store, settings, caplog, tmp_path):
    store.is_down = True
    hasty = TrackingSettings(flush_interval_s=0.01, exit_timeout_s=0.05)
    with (
        Session(store, open_blobs("memory://"), journals=tmp_path / "journal", settings=hasty) as offline,
        start_run(offline, "e", params={"lr": 0.1}, tags={"a": 1}, capture=False) as outer,
    ):
        with start_run(offline, "e", capture=False) as inner:
            inner.log_metric("loss", 0.5)
        with pytest.raises(UnavailableError):
            outer.id  # noqa: B018

    assert "metric points are not in the store yet (the cable is out)" in caplog.text
    assert "headwater sync" in caplog.text
    store.is_down = False
    session.recover()

    first, second = store.runs.get([outer.run_id, inner.run_id])
    assert (first.params, first.tags, first.status) == ({"lr": 0.1}, {"a": 1}, RunStatus.FINISHED)
    assert (second.status, second.metrics["loss"].value) == (RunStatus.FINISHED, 0.5)
    assert second.parent_id == first.id
    assert list((tmp_path / "journal").rglob("*.log")) == []


def test_points_beyond_the_memory_limit_wait_in_the_journal(store, tmp_path):
    small = TrackingSettings(
        flush_interval_s=0.01, batch_points=100, memory_points=250, segment_bytes=4096, retry_max_s=0.02
    )
    with Session(store, open_blobs("memory://"), journals=tmp_path, settings=small) as session:
        run = start_before_outage(session, store)
        for step in range(2000):
            run.log_metric("loss", step / 2, step=step)
        run.log_series("array", range(150), [1.0] * 150)
        kept = [b.contents is not None for b in session.tracker.buffer._waiting]
        store.is_down = False
        run.end()

        assert kept.count(True) == 2
        assert kept.count(False) >= 18
        assert store.series.read(run.id, "loss").values.tolist() == [s / 2 for s in range(2000)]
        assert store.series.latest([run.id], keys=["loss", "array"])[0].count == 150


def test_a_run_that_ends_after_an_outage_waits_as_long_as_the_store_takes_batches(
    store, tmp_path, monkeypatch
):
    monkeypatch.setattr("headwater.tracking.run.OUTAGE_PATIENCE_S", 0.5)
    settings = TrackingSettings(flush_interval_s=0.01, batch_points=10, retry_max_s=0.02)
    with Session(store, open_blobs("memory://"), journals=tmp_path, settings=settings) as session:
        run = start_before_outage(session, store)
        for step in range(200):
            run.log_metric("loss", step, step=step)
        wait_until(lambda: session.tracker.flusher.last_error)
        # Twenty batches take three times as long as the store is waited for while it takes nothing.
        store.is_down, store.delay_s = False, 0.075
        run.end()

        (found,) = store.runs.get([run.run_id])
        assert (found.status, found.metrics["loss"].count) == (RunStatus.FINISHED, 200)


def test_a_run_that_ends_during_an_outage_does_not_wait_the_full_time(store, tmp_path, monkeypatch):
    monkeypatch.setattr("headwater.tracking.run.OUTAGE_PATIENCE_S", 0.05)
    settings = TrackingSettings(flush_interval_s=0.01, retry_max_s=0.02, exit_timeout_s=3600)
    with Session(store, open_blobs("memory://"), journals=tmp_path, settings=settings) as session:
        run = start_run(session, "e", capture=False)
        store.is_down = True
        run.log_metric("loss", 0.5)
        wait_until(lambda: session.tracker.flusher.last_error)
        ending = threading.Thread(target=run.end, daemon=True)
        ending.start()
        ending.join(timeout=60)
        was_alive = ending.is_alive()
        store.is_down = False

    assert not was_alive


@pytest.fixture
def left_behind(store, settings, tmp_path):
    """A run whose process ended during an outage, with tags in its journal. Returns the run."""
    hasty = TrackingSettings(flush_interval_s=0.01, exit_timeout_s=0.05)
    clock = Clock(1_000)
    with (
        Session(
            store,
            open_blobs("memory://"),
            journals=tmp_path / "journal",
            settings=hasty,
            clock_ms=clock,
        ) as offline,
        start_run(offline, "e", tags={"kept": 1, "taken": 1}, capture=False) as run,
    ):
        run_id = run.id
        store.is_down = True
        run.set_tags({"kept": 2, "taken": 2, "new": 2, "gone": None, "made": 2})
        run.set_tag("kept", 3)
    store.is_down = False
    return run_id


def test_tags_of_a_dead_process_do_not_replace_newer_ones(session, store, left_behind, caplog):
    store.runs.update(RunChange(id=left_behind, tags={"taken": "by another", "made": "by another"}))

    session.recover()

    (run,) = store.runs.by_execution_ids([left_behind])
    assert run.tags == {"kept": 3, "taken": "by another", "new": 2, "made": "by another"}
    assert "newer tags of another program stay: ['made', 'taken']" in caplog.text


def test_sending_the_same_tags_again_changes_nothing(session, store, left_behind):
    session.recover()
    (before,) = store.runs.by_execution_ids([left_behind])

    session.recover()

    assert before.tags == {"kept": 3, "taken": 2, "new": 2, "made": 2}
    assert store.runs.by_execution_ids([left_behind])[0].tags == before.tags


def test_a_full_journal_refuses_instead_of_losing(store, tmp_path, caplog):
    tiny = TrackingSettings(flush_interval_s=0.01, journal_bytes=20_000, retry_max_s=0.02)
    with Session(store, open_blobs("memory://"), journals=tmp_path, settings=tiny) as session:
        run = start_run(session, "e", capture=False)
        store.is_down = True
        with pytest.raises(UnavailableError, match="was not recorded"):
            log_for_ever(run)
        taken = run._series["loss"].next_step
        store.is_down = False
        wait_until(lambda: session.tracker.buffer.is_empty)
        run.log_metric("loss", taken, step=taken)
        run.end()

        assert list(store.series.read(run.id, "loss").steps) == list(range(taken + 1))
    assert sum("its limit" in r.message for r in caplog.records) == 1


def test_an_outage_and_its_end_are_each_logged_once(session, store, caplog):
    run = start_run(session, "e", capture=False)
    caplog.set_level(logging.WARNING)
    store.is_down = True
    run.log_metric("loss", 1)
    assert not session.flush(0.3)
    store.is_down = False

    assert session.flush()
    wait_until(lambda: len(caplog.records) >= 2)
    assert [r.message.split(",")[0].split(";")[0] for r in caplog.records] == [
        "the store cannot be reached",
        "the store can be reached again",
    ]
    run.end()


def test_what_the_store_refuses_is_kept_aside_and_the_rest_arrives(session, store, caplog, tmp_path):
    run, other = (start_run(session, "e", capture=False) for _ in range(2))
    store.is_down = True
    run.log_param("lr", 0.1)
    run.log_metric("loss", 1)
    other.log_metric("loss", 2)
    store.inner.runs.log_params(run.id, {"lr": 0.5})
    store.is_down = False

    assert session.flush()

    assert "the store refused params of run" in caplog.text
    assert len(list((tmp_path / "journal").rglob(f"{REFUSED}/*.log"))) == 1
    assert [m.value for m in store.series.latest([run.id, other.id])] == [1, 2]
    run.end()
    other.end()


def test_a_contradicting_param_is_an_error_even_offline(session, store):
    run = start_run(session, "e", params={"lr": 0.1}, capture=False)
    store.is_down = True

    with pytest.raises(ConflictError):
        run.log_param("lr", 0.2)


def test_an_open_run_gives_signs_of_life(session, store):
    run = start_run(session, "e", capture=False)
    before = store.runs.get([run.run_id])[0].heartbeat_ms

    wait_until(lambda: store.runs.get([run.run_id])[0].heartbeat_ms > before)

    run.end()


def test_a_silent_run_is_marked_as_lost_at_the_next_start(session, store, caplog, tmp_path):
    silent = start_run(session, "e", capture=False)
    session.tracker.flusher.stop()
    later = Session(
        store,
        open_blobs("memory://"),
        journals=tmp_path / "other",
        clock_ms=lambda: session.clock_ms() + 120_000,
        settings=session.settings,
    )

    start_run(later, "e", capture=False).end()

    assert store.runs.get([silent.run_id])[0].status is RunStatus.LOST
    assert f"marked as lost: {silent.run_id}" in caplog.text
    later.close()
