"""Triggers, by a clock that the test sets: what is due, what is made up for, and that none is doubled."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest

import headwater as hw
from headwater.blobs import open_blobs
from headwater.errors import ConflictError, InvalidError
from headwater.model.data import NewDataVersion
from headwater.model.models import NewVersion, Transition
from headwater.pipelines.records import NewPipelineRun, add_run, runs_of
from headwater.pipelines.serving import PipelineServer, Served
from headwater.pipelines.triggers import Cron, NewData, OnEvent, due
from headwater.store.sql.store import SqlStore
from headwater.tracking import Session

HOUR_MS = 3_600_000


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


class Clock:
    """A time that stands still until the test moves it."""

    def __init__(self, now):
        self.now_ms = at(now)

    def __call__(self):
        return self.now_ms


@pytest.fixture
def clock():
    return Clock("2026-03-01T00:00")


@pytest.fixture
def store(clock):
    with SqlStore("memory://", clock_ms=clock) as opened:
        yield opened


@pytest.fixture
def session(store, clock, tmp_path):
    with Session(store, open_blobs("memory://"), project_root=tmp_path, clock_ms=clock) as opened:
        yield opened


def names(trigger, store, runs=(), *, began, now):
    return [f.name for f in due(trigger, store, runs, began_ms=at(began), now_ms=at(now))]


def fired(session, trigger, name):
    return add_run(session, NewPipelineRun(pipeline="p", name=name, trigger=trigger.text))


def test_a_time_fires_once_it_has_come(store):
    nightly = Cron("0 2 * * *")

    assert names(nightly, store, began="2026-03-01T00:00", now="2026-03-01T01:59") == []
    assert names(nightly, store, began="2026-03-01T00:00", now="2026-03-01T02:00") == ["2026-03-01T02:00:00Z"]


def test_a_time_that_was_fired_is_not_due_again(store, session):
    nightly = Cron("0 2 * * *")
    run = fired(session, nightly, "2026-03-01T02:00:00Z")

    assert names(nightly, store, [run], began="2026-03-01T00:00", now="2026-03-01T23:00") == []


@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        ("skip", ["2026-03-05T02:00:00Z"]),
        ("latest", ["2026-03-04T02:00:00Z", "2026-03-05T02:00:00Z"]),
        (
            "all",
            ["2026-03-02T02:00:00Z", "2026-03-03T02:00:00Z", "2026-03-04T02:00:00Z", "2026-03-05T02:00:00Z"],
        ),
    ],
)
def test_missed_times_are_made_up_for_by_policy(store, session, missed, expected):
    nightly = Cron("0 2 * * *", missed=missed)
    run = fired(session, nightly, "2026-03-01T02:00:00Z")

    assert names(nightly, store, [run], began="2026-03-04T12:00", now="2026-03-05T03:00") == expected


def test_times_hold_in_their_zone_and_follow_daylight_saving(store):
    nightly = Cron("30 9 * * *", timezone="Europe/Berlin")

    assert names(nightly, store, began="2026-03-28T00:00", now="2026-03-29T23:00") == [
        "2026-03-28T08:30:00Z",
        "2026-03-29T07:30:00Z",
    ]


@pytest.mark.parametrize(
    "make",
    [lambda: Cron("often"), lambda: Cron("0 2 * * *", timezone="Mars"), lambda: NewData("d", missed="maybe")],
    ids=["expression", "zone", "policy"],
)
def test_what_makes_no_sense_is_refused_when_it_is_written(make):
    with pytest.raises(InvalidError):
        make()


def add_data(store, content):
    return store.data.add_version(NewDataVersion(name="flights/raw", digest=f"blake3:{content}"))


def test_new_data_fire_with_their_reference(store, session, clock):
    on_data = NewData("flights/raw", param="data")
    add_data(store, "a")
    began_ms = clock.now_ms
    clock.now_ms += HOUR_MS
    add_data(store, "b")

    found = due(on_data, store, [], began_ms=began_ms, now_ms=clock.now_ms)

    assert [(f.name, f.params) for f in found] == [("data-flights-raw-2", {"data": "data/flights/raw/2"})]
    run = fired(session, on_data, "data-flights-raw-2")
    assert due(on_data, store, [run], began_ms=began_ms, now_ms=clock.now_ms) == []


def test_a_decision_fires(store, clock):
    on_promotion = OnEvent("promote", "models/m", param="model")
    began_ms = clock.now_ms
    clock.now_ms += HOUR_MS
    store.models.add_version(NewVersion(model="m", digest="blake3:x"), actor="ann")
    store.models.transition(Transition(model="m", version=1, to="production", actor="ann", reason="good"))

    found = due(on_promotion, store, [], began_ms=began_ms, now_ms=clock.now_ms)

    assert [(f.name.partition("-")[0], f.params) for f in found] == [("event", {"model": "models/m/1"})]


def server_of(session, trigger, made):
    """A server that only makes the runs that it is asked for."""

    def begin(name, params, text):
        run = add_run(session, NewPipelineRun(pipeline="p", name=name, params=dict(params), trigger=text))
        made.append(name)
        return run

    return PipelineServer(
        session, [Served(name="p", triggers=[trigger], begin=begin, resume=lambda run: run)]
    )


def test_two_servers_make_one_run_of_each_time(session, store, clock):
    made = []
    servers = [server_of(session, Cron("0 * * * *", missed="all"), made) for _ in range(2)]
    clock.now_ms += 5 * HOUR_MS
    barrier = threading.Barrier(2)

    def look(server):
        barrier.wait()
        for future in server.look():
            future.result()

    threads = [threading.Thread(target=look, args=(server,)) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    expected = [f"2026-03-01T0{hour}:00:00Z" for hour in range(1, 6)]
    assert sorted(made) == expected
    assert sorted(run.name for run in runs_of(store, "p")) == expected


def test_a_run_of_a_taken_name_is_refused(session):
    fired(session, Cron("0 2 * * *"), "x")

    with pytest.raises(ConflictError, match="pipelines/p/x"):
        fired(session, Cron("0 2 * * *"), "x")


@hw.step
def note(data: hw.Dataset) -> str:
    return data.ref


@hw.pipeline(triggers=[NewData("raw", param="data")])
def noted(data: str):
    return note.after(hw.approval("sign"))(data)


def test_a_server_runs_what_fires_and_goes_on_after_an_approval(tmp_path, project):
    with hw.Client(f"sqlite:///{tmp_path / 's.db'}", actor="ann") as client:
        server = client.pipelines.server([noted], raises=False)
        client.dataset("raw", [{"x": 1}])

        looked: list[Any] = [[future.result() for future in server.look()] for _ in range(2)]
        client.pipelines.approve("noted/data-raw-1", "sign", reason="fine")
        done: Any
        (done,) = [future.result() for future in server.look()]
        idle = server.look()

    assert [len(found) for found in looked] == [1, 0]
    assert (looked[0][0].state.value, done.state.value, done.value) == ("waiting", "complete", "data/raw/1")
    assert idle == []
