"""Writes that share a commit, writers that are interrupted, and processes that fork."""

import gc
import sqlite3
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy.event import listen
from sqlalchemy.exc import IntegrityError

from headwater.errors import UnavailableError
from headwater.model.graph import NewExecution, NewType, NodeKind
from headwater.model.listing import Listing
from headwater.store.sql.commits import GroupCommit
from headwater.store.sql.dialects import sqlite
from headwater.store.sql.store import SqlStore
from tests.store import children


@pytest.fixture
def engine(tmp_path):
    """A SQLite file with one table, whose transactions count up in `commits`."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/x.db", connect_args={"check_same_thread": False})
    with engine.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE t (x TEXT UNIQUE)")
    yield engine
    engine.dispose()


@pytest.fixture
def commits(engine):
    """The commits of the engine, as a list that grows."""
    found = []
    listen(engine, "commit", found.append)
    return found


@pytest.fixture
def group(engine):
    """Group commits on the engine."""
    return GroupCommit(lambda *, is_durable: engine.begin())  # noqa: PLW0108  # begin() takes no such word


def insert(text):
    """A write of one row."""
    return lambda conn: conn.exec_driver_sql("INSERT INTO t VALUES (?)", (text,)).rowcount


def rows(engine):
    """All rows."""
    with engine.begin() as conn:
        return sorted(conn.exec_driver_sql("SELECT x FROM t").scalars())


def together(group, jobs, *, leader):
    """Run `leader`, and meanwhile let all `jobs` queue up behind it; return their futures."""
    is_running, may_end = threading.Event(), threading.Event()

    def lead(conn):
        is_running.set()
        may_end.wait(10)
        return leader(conn)

    with ThreadPoolExecutor(len(jobs) + 1) as pool:
        first = pool.submit(group.write, lead, is_durable=False)
        is_running.wait(10)
        rest = [pool.submit(group.write, job, is_durable=False) for job in jobs]
        while group.waiting() < len(jobs):
            pass
        may_end.set()
    return first, rest


def test_waiting_writes_share_one_commit(group, engine, commits):
    _, rest = together(group, [insert(str(i)) for i in range(20)], leader=insert("first"))

    assert [f.result() for f in rest] == [1] * 20
    assert len(commits) == 2
    assert rows(engine) == sorted(["first", *map(str, range(20))])


def test_failing_write_does_not_harm_the_others_of_its_group(group, engine):
    def half(conn):
        insert("half")(conn)
        raise ValueError("in the middle")

    _, rest = together(group, [insert("a"), half, insert("a"), insert("b")], leader=insert("first"))

    assert [type(f.exception()) for f in rest].count(ValueError) == 1
    assert [type(f.exception()) for f in rest].count(IntegrityError) == 1
    assert rows(engine) == ["a", "b", "first"]


def test_failed_commit_is_the_failure_of_every_write_in_it(engine):
    opened = []

    def break_off(conn):
        raise sqlite3.OperationalError("disk full")

    def open_transaction(*, is_durable):
        opened.append(is_durable)
        return engine.begin()

    group = GroupCommit(open_transaction)
    listen(engine, "commit", break_off)
    first, rest = together(group, [insert("a"), insert("b")], leader=insert("first"))

    assert {str(f.exception()) for f in (first, *rest)} == {"disk full"}
    assert len(opened) == 2


def test_group_is_durable_when_one_of_its_writes_is(engine):
    opened = []

    def open_transaction(*, is_durable):
        opened.append(is_durable)
        return engine.begin()

    group = GroupCommit(open_transaction)
    group.write(insert("a"), is_durable=True)
    group.write(insert("b"), is_durable=False)

    assert opened == [True, False]


def test_interrupted_leader_leaves_the_others_writes_to_them(group, engine):
    def interrupt(conn):
        insert("lost")(conn)
        raise KeyboardInterrupt

    first, rest = together(group, [insert("a"), insert("b")], leader=interrupt)

    assert isinstance(first.exception(), KeyboardInterrupt)
    assert [f.result() for f in rest] == [1, 1]
    assert rows(engine) == ["a", "b"]


def test_interrupt_at_the_commit_is_told_to_all_who_wait(group, engine):
    def interrupt(conn):
        raise KeyboardInterrupt

    first, rest = together(
        group, [insert("a"), insert("b")], leader=lambda conn: listen(engine, "commit", interrupt, once=True)
    )

    errors = [type(f.exception()) for f in (first, *rest)]
    assert errors.count(KeyboardInterrupt) == 1
    assert group.write(insert("after"), is_durable=False) == 1
    assert set(errors) <= {KeyboardInterrupt, UnavailableError, type(None)}


def test_interrupted_write_changes_nothing_and_the_store_goes_on(sql_url):
    with SqlStore(sql_url) as store:
        [kind] = store.types.put([NewType(kind=NodeKind.EXECUTION, name="T")])

        def interrupt():
            yield NewExecution(type_id=kind)
            raise KeyboardInterrupt

        class Interrupted(list):
            __iter__ = lambda self: interrupt()  # noqa: E731

        with pytest.raises(KeyboardInterrupt):
            store.executions.add(Interrupted())

        assert store.executions.page().items == ()
        assert len(store.executions.add([NewExecution(type_id=kind)])) == 1


def test_writer_that_is_interrupted_all_the_time_harms_nobody(sql_url):
    with children.start("interrupted", sql_url) as child:
        said, complaints = child.communicate(timeout=180)

    assert (child.returncode, said) == (0, ""), complaints


@pytest.mark.parametrize("name", ["memory", "sqlite"])
def test_a_storm_of_interrupts_leaves_a_store_that_can_be_written(name, tmp_path):
    url = "memory://" if name == "memory" else f"sqlite:///{tmp_path / 'store.db'}"

    with children.start("stormed", url) as child:
        said, complaints = child.communicate(timeout=180)

    # What Python says of interrupts within its own clean-up is no complaint of the store.
    assert (child.returncode, said) == (0, ""), complaints


def test_interrupts_do_not_empty_a_store_in_memory():
    with children.start("interrupted", "memory://") as child:
        said, complaints = child.communicate(timeout=180)

    assert (child.returncode, said) == (0, ""), complaints


@pytest.mark.parametrize("place", ["memory://", "sqlite:///{}/store.db"])
def test_a_savepoint_that_an_interrupt_cut_off_stops_no_later_write(place, tmp_path):
    def cut_off(conn):
        conn.begin_nested().__enter__()
        raise KeyboardInterrupt

    with SqlStore(place.format(tmp_path)) as store:
        with pytest.raises(KeyboardInterrupt):
            store._db.write(cut_off)

        assert store.models.register("m").name == "m"


@pytest.fixture
def no_garbage_collection():
    """What stands in a circle stays."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize("is_memory", [True, False])
def test_a_transaction_that_an_interrupt_cut_off_goes_with_the_interrupt(is_memory, sql_url):
    class Marked:
        pass

    def cut_off(store):
        mark = Marked()

        def job(conn, mark=mark):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            store._db.write(job)
        return weakref.ref(mark)

    with SqlStore("memory://" if is_memory else sql_url) as store:
        assert cut_off(store)() is None


def test_forked_processes_write_on_with_connections_of_their_own(sql_url):
    SqlStore(sql_url).close()

    with children.start("forked", sql_url) as parent:
        assert parent.communicate(timeout=180) == ("", "")

    with SqlStore(sql_url) as store:
        names = {e.name for e in store.executions.page(Listing(limit=100_000)).items}
    expected = {f"{who}-{i}-{n}" for who in ("child", "parent") for i in range(5) for n in range(5)}
    assert expected <= names


@pytest.fixture
def locked(tmp_path):
    """A store in a SQLite file, and a connection of another program that has the lock to write."""
    file = tmp_path / "store.db"
    other = sqlite3.connect(file, isolation_level=None)
    with SqlStore(f"sqlite:///{file}") as store:
        other.execute("BEGIN IMMEDIATE")
        yield store, other
    other.close()


def test_second_writer_waits_for_the_first(locked):
    store, other = locked
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(store.models.register, "m")
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.2)

        other.execute("COMMIT")

        assert waiting.result().name == "m"


def test_writer_gives_up_where_the_lock_stays_and_writes_when_it_is_free(locked, monkeypatch):
    store, other = locked
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.2)

    with pytest.raises(UnavailableError, match="the sqlite store does not answer: database is locked"):
        store.models.register("m")

    other.execute("COMMIT")
    assert store.models.register("m").name == "m"
