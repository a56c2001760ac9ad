"""Backups: taken under load, verified, and brought back whole."""

import os
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from urllib.parse import urlsplit

import pymysql
import pytest

from headwater.blobs import open_blobs
from headwater.errors import CorruptError, NotFoundError, RefusedError
from headwater.model.times import now_ms
from headwater.sdk import Client
from headwater.sdk.backups import BackupSet
from headwater.sdk.client import places_of
from headwater.store import is_empty_database, load_database
from headwater.upkeep import back_up
from tests.crash.checking import Acknowledged
from tests.crash.killing import be_child
from tests.crash.workload import facts_of

WRITERS = 3


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The folder of a project."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def backups(url, tmp_path, project):
    """The backups of the test's store."""
    return BackupSet(places_of(url), tmp_path / "backups")


@pytest.fixture
def elsewhere(tmp_path, backups):
    """The same backups, to be restored into an empty store with empty bytes."""
    other = f"sqlite:///{tmp_path / 'other' / 'store.db'}"
    return BackupSet(places_of(other), backups.folder)


def facts(backup_set):
    with Client(backup_set.places.store, blobs=backup_set.places.blobs) as client:
        return client.store.upkeep.facts()


def test_restored_store_is_the_one_that_was_backed_up(client, train, backups, elsewhere):
    _, version = train()
    made = backups.take()
    train(2)

    done = elsewhere.restore()

    assert (done.backup, done.before, done.findings) == (made, None, ())
    assert done.blobs == made.blobs > 0
    assert facts(elsewhere).counts == made.counts
    with Client(elsewhere.places.store) as restored:
        assert restored.load_model(version.ref) == {"weights": 1}
        assert restored.upkeep.examine(is_deep=True).findings == ()
        assert [m.name for m in restored.models.search()] == ["late-flights"]


def test_bytes_are_kept_once_for_all_backups(client, train, backups):
    train()
    first = backups.take()
    kept = {path for path in (backups.folder / "blobs").rglob("*") if path.is_file()}
    train(2)

    second = backups.take()

    assert second.blobs > first.blobs
    assert kept < {path for path in (backups.folder / "blobs").rglob("*") if path.is_file()}
    assert backups.all() == [first, second]


def test_store_that_is_not_empty_is_replaced_only_with_force_and_a_copy(client, train, backups):
    train()
    made = backups.take()
    train(2)
    more = client.store.upkeep.facts()

    with pytest.raises(RefusedError, match="--force"):
        backups.restore()
    done = backups.restore(force=True)

    assert done.backup == made
    assert done.before.counts == more.counts
    assert client.store.upkeep.facts().counts == made.counts  # seen by whoever has the store open
    backups.restore(done.before.moment_ms, force=True)
    assert client.store.upkeep.facts().counts == more.counts


def test_moment_chooses_the_newest_backup_that_is_not_later(client, train, backups, elsewhere):
    train()
    first = backups.take()
    time.sleep(0.002)
    train(2)
    second = backups.take()

    with pytest.raises(NotFoundError, match=first.name):
        elsewhere.restore(first.moment_ms - 1)
    assert elsewhere.restore(second.moment_ms - 1).backup == first
    assert elsewhere.restore(second.moment_ms, force=True).backup == second
    assert BackupSet(elsewhere.places, first.folder).restore(force=True).backup == first


def test_damaged_backup_is_not_restored(client, train, backups, elsewhere):
    train()
    made = backups.take()
    file = made.folder / made.database
    file.write_bytes(file.read_bytes()[:-1] + b"!")

    with pytest.raises(CorruptError, match="not what was written"):
        elsewhere.restore()

    (made.folder / "manifest.json").write_text("{}")
    with pytest.raises(CorruptError, match="cannot be read"):
        elsewhere.restore()


def test_backup_of_a_damaged_file_is_refused(client, train, backups, tmp_path):
    train()
    client.store.close()
    conn = sqlite3.connect(tmp_path / "store.db")
    [(page,)] = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = 'event_by_time'")
    conn.close()
    with (tmp_path / "store.db").open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 64)

    with pytest.raises(CorruptError, match="damaged"):
        backups.take()

    assert backups.all() == []
    assert not [path for path in backups.folder.iterdir() if path.name.startswith(".")]


def test_missing_bytes_are_told_and_do_not_stop_a_backup(client, train, backups, elsewhere):
    _, version = train()
    client.blobs.delete(version.digest)

    made = backups.take()

    assert made.missing == (version.digest,)
    assert [finding.check for finding in elsewhere.restore().findings] == ["bytes-missing"]


class Meanwhile:
    """A blob store around whose first answer, to what it has, something else happens."""

    def __init__(self, blobs, before, after):
        self.blobs, self.happens = blobs, [(before, after)]

    def stored(self):
        before, after = self.happens.pop() if self.happens else (lambda: None, lambda: None)
        before()
        found = [*self.blobs.stored()]
        after()
        return found

    def __getattr__(self, name):
        return getattr(self.blobs, name)


def back_up_meanwhile(backups, before, after=lambda: None):
    blobs = Meanwhile(open_blobs(backups.places.blobs), before, after)
    store = backups.places.store
    made = back_up(store, blobs, backups.folder, open_blobs, clock_ms=now_ms, store_name=store)
    assert not blobs.happens
    return made


def test_copy_of_what_is_collected_meanwhile_is_made_anew(client, train, backups, elsewhere):
    _, kept = train()
    _, version = train(2)
    client.store.artifacts.delete([version.id])
    time.sleep(0.002)

    made = back_up_meanwhile(backups, lambda: client.upkeep.collect(older_than_s=0, bytes_older_than_s=0))

    assert made.missing == ()
    assert elsewhere.restore().findings == ()
    with Client(elsewhere.places.store) as restored:
        assert [version.version for version in restored.models[kept.model].versions()] == [kept.version]


def test_copy_of_what_is_collected_and_comes_back_meanwhile_is_made_anew(client, train, backups, elsewhere):
    _, version = train()
    client.store.artifacts.delete([version.id])
    time.sleep(0.002)
    again = []

    made = back_up_meanwhile(
        backups,
        lambda: client.upkeep.collect(older_than_s=0, bytes_older_than_s=0),
        lambda: again.append(train()[1]),
    )

    assert again[0].digest == version.digest
    assert made.missing == ()
    assert elsewhere.restore().findings == ()


def test_old_backups_go_with_the_bytes_that_only_they_name(client, train, backups, elsewhere):
    _, version = train()
    backups.take()
    client.store.artifacts.delete([version.id])
    time.sleep(0.002)
    client.upkeep.collect(older_than_s=0, bytes_older_than_s=0)
    newest = backups.take()
    assert newest.blobs == backups.all()[0].blobs - 2

    assert backups.prune(1) == 1

    assert backups.all() == [newest]
    files = [*(backups.folder / "blobs").glob("blake3*/*/*/*")]
    assert len(files) == newest.blobs
    assert elsewhere.restore().findings == ()


@pytest.mark.parametrize(("scheme", "program"), [("postgresql", "pg_dump"), ("mysql", "mariadb-dump")])
def test_missing_program_is_named_with_the_command_to_run(scheme, program, request, tmp_path, monkeypatch):
    url = request.getfixturevalue(f"fresh_{scheme}_url")()
    Client(url).close()
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(
        RefusedError, match=f"{program} is not installed here; where it is, run: {program} --"
    ):
        BackupSet(places_of(url), tmp_path / "backups").take()


@pytest.mark.skipif(not shutil.which("mariadb"), reason="no mariadb client on the path")
def test_sql_file_is_loaded_by_the_client_program(fresh_mysql_url, tmp_path):
    url = fresh_mysql_url()
    assert is_empty_database(url)
    file = tmp_path / "store.sql"
    file.write_text("CREATE TABLE loaded (a INT); INSERT INTO loaded VALUES (1);")

    load_database(url, file)

    parts = urlsplit(url)
    account = {"host": parts.hostname, "port": parts.port, "user": parts.username, "password": parts.password}
    with closing(pymysql.connect(**account, database=parts.path[1:])) as conn, conn.cursor() as cursor:
        cursor.execute("SELECT a FROM loaded")
        assert cursor.fetchall() == ((1,),)
    with pytest.raises(RefusedError, match="no copy of a sqlite database"):
        load_database(f"sqlite:///{tmp_path / 'a.db'}", file)


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_backup_under_load_has_all_that_was_acknowledged_before(backend, request, tmp_path, project):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    if backend != "sqlite":
        url = request.getfixturevalue(f"fresh_{backend}_url")()
    Client(url).close()
    backups = BackupSet(places_of(url, str(tmp_path / "blobs")), tmp_path / "backups")
    notes = [tmp_path / f"notes-{n}.jsonl" for n in range(WRITERS)]
    writers = [fork_writer(url, project, file, n) for n, file in enumerate(notes)]
    try:
        wait_for(lambda: all(len(facts_of(file)) > 60 for file in notes))
        known = Acknowledged()
        for file in notes:
            # Metrics go to the store a little later: until then a journal has them.
            known.add(f for f in facts_of(file) if f["kind"] not in {"point", "series", "end"})
        made = backups.take()
        after = [fact for file in notes for fact in facts_of(file)]
    finally:
        for writer in writers:
            os.kill(writer, signal.SIGKILL)
            os.waitpid(writer, 0)
    known.add(fact for fact in after if fact["kind"] == "deleting")

    target = f"sqlite:///{tmp_path / 'other.db'}"
    if backend != "sqlite":
        target = request.getfixturevalue(f"fresh_{backend}_url")()
    elsewhere = BackupSet(places_of(target, str(tmp_path / "other.blobs")), backups.folder)
    done = elsewhere.restore()

    assert (done.backup, done.findings) == (made, ())
    with Client(target, blobs=elsewhere.places.blobs) as restored:
        assert restored.store.upkeep.facts().counts == made.counts
        assert restored.upkeep.examine(is_deep=True).is_clean
        assert known.missing(restored) == []


def fork_writer(url, project, notes, seed):
    child = os.fork()
    if child == 0:
        os.environ["HEADWATER_BLOBS"] = str(notes.parent / "blobs")
        be_child(url, project, notes, seed)
    return child


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
