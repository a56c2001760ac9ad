"""Points that several threads log at the same moment."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.event import listen

from headwater.errors import InvalidError, NotFoundError, RefusedError
from headwater.model.graph import NodeKind
from headwater.model.ids import new_run_id
from headwater.model.runs import NewRun
from headwater.model.series import Points
from headwater.model.upkeep import Subject


@pytest.fixture
def commits(store):
    """The commits from now on, as a list that grows."""
    found = []
    listen(store._db.engine, "commit", found.append)
    return found


def begin(store, count=1):
    """Begin some runs."""
    return [store.runs.start(NewRun(run_id=new_run_id(), experiment="e")) for _ in range(count)]


def at_once(store, logs):
    """Have a thread log each (run, key, rows) while nobody has the turn; return the futures, all done."""
    together = store.runs._logs._together

    def log(run, key, rows):
        return store.runs.log(run, points={key: Points.of(rows)})

    with ThreadPoolExecutor(len(logs)) as pool:
        assert together.pause(30)
        asked = [pool.submit(log, *each) for each in logs]
        while together.waiting() < len(logs):
            pass
        together.resume()
    return asked


def test_all_runs_have_their_points_after_one_transaction(store, commits):
    runs = begin(store, 5)
    commits.clear()

    asked = at_once(store, [(run.id, "loss", [(i, i, float(i))]) for i, run in enumerate(runs)])

    assert [each.result() for each in asked] == [None] * 5
    assert len(commits) == 1
    for i, run in enumerate(runs):
        assert store.series.read(run.id, "loss").rows() == [(i, i, float(i))]


def test_points_of_one_series_are_all_stored(store, commits):
    [run] = begin(store)
    commits.clear()

    at_once(store, [(run.id, "loss", [(i, i, 0.5), (i, i + 1, 1.5)]) for i in range(6)])

    assert len(commits) == 1
    assert store.series.read(run.id, "loss").rows() == [
        row for i in range(6) for row in ((i, i, 0.5), (i, i + 1, 1.5))
    ]
    [latest] = store.series.latest([run.id])
    assert (latest.step, latest.time_ms, latest.value, latest.count) == (5, 6, 1.5, 12)


def test_a_run_that_takes_none_harms_no_other(store):
    good, deleted = begin(store, 2)
    gone = Subject(kind=NodeKind.EXECUTION, id=deleted.id, ref=f"runs/{deleted.run_id}")
    store.upkeep.delete([gone], actor="a", reason="r")

    fine, refused, missing = at_once(
        store, [(run, "loss", [(1, 2, 3.0)]) for run in (good.id, deleted.id, 10**9)]
    )

    assert fine.result() is None
    assert isinstance(refused.exception(), RefusedError)
    assert isinstance(missing.exception(), NotFoundError)
    assert store.series.read(good.id, "loss").rows() == [(1, 2, 3.0)]
    assert store.series.keys(deleted.id) == []


def test_what_cannot_be_stored_harms_no_other(store, monkeypatch):
    good, bad = begin(store, 2)
    add = store.series.add

    def failing(conn, points):
        crowded = add(conn, points)
        if any(execution == bad.id for execution, _ in points):
            raise InvalidError("not this one")
        return crowded

    # Whatever the database may say of one of them only when it is written.
    monkeypatch.setattr(store.series, "add", failing)
    fine, refused = at_once(store, [(run.id, "loss", [(1, 2, 3.0)]) for run in (good, bad)])

    assert fine.result() is None
    with pytest.raises(InvalidError, match="not this one"):
        refused.result()
    assert store.series.read(good.id, "loss").rows() == [(1, 2, 3.0)]
    assert store.series.keys(bad.id) == []


def test_an_unusable_key_is_refused_before_anybody_waits(store):
    [run] = begin(store)

    with pytest.raises(InvalidError, match="metric name"):
        store.runs.log(run.id, points={"": Points.of([(0, 0, 0.5)])})
