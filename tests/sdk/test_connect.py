"""Which store is used, where its parts are kept, and when it is opened."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import headwater as hw
from headwater import sdk
from headwater.errors import InvalidError, RefusedError, UnavailableError
from headwater.sdk.project import project_root


def log_something():
    with hw.run("flights/train", capture=False) as run:
        run.log_text("words", "notes.txt")
    return run.run_id


def test_without_connect_the_store_of_the_project_is_used(project):
    run_id = log_something()

    with closing(sqlite3.connect(project / ".headwater" / "headwater.db")) as database:
        assert database.execute("SELECT count(*) FROM run").fetchone() == (1,)
    assert list((project / ".headwater" / "headwater.blobs").rglob("*"))
    assert hw.get_run(run_id).experiment == "flights/train"


def test_the_folder_of_the_store_keeps_itself_out_of_git(project):
    log_something()

    assert (project / ".headwater" / ".gitignore").read_text() == "*\n"


def test_another_store_leaves_no_folder_in_git_either(project, tmp_path):
    hw.connect(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    assert not (project / ".headwater").exists()

    log_something()

    assert (project / ".headwater" / ".gitignore").exists()


def test_nothing_is_opened_before_it_is_needed(project):
    assert sdk._current._client is None
    assert list(project.iterdir()) == [project / "pyproject.toml"]


def test_a_store_in_a_folder_of_everybody_is_not_the_projects(tmp_path, monkeypatch):
    (tmp_path / "open" / ".headwater").mkdir(parents=True)
    (tmp_path / "open").chmod(0o1777)
    work = tmp_path / "open" / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    assert project_root(work) == work


@pytest.mark.parametrize("mark", [".headwater", ".git"])
def test_the_project_is_the_nearest_marked_folder_above(project, monkeypatch, mark):
    (project / "inner" / mark).mkdir(parents=True)
    work = project / "inner" / "notebooks" / "old"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)

    log_something()

    assert (project / "inner" / ".headwater" / "headwater.db").exists()
    assert not (project / ".headwater").exists()


def test_a_variable_chooses_the_store(project, tmp_path, monkeypatch):
    monkeypatch.setenv("HEADWATER_STORE", f"sqlite:///{tmp_path / 'chosen.db'}")

    log_something()

    assert (tmp_path / "chosen.db").exists()
    assert list((tmp_path / "chosen.blobs").rglob("*"))


def test_a_variable_chooses_where_bytes_are(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADWATER_BLOBS", str(tmp_path / "bytes"))

    log_something()

    assert list((tmp_path / "bytes").rglob("*"))


def test_arguments_win_over_variables(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADWATER_STORE", f"sqlite:///{tmp_path / 'variable.db'}")
    monkeypatch.setenv("HEADWATER_BLOBS", str(tmp_path / "variable"))
    hw.connect("memory://", blobs=str(tmp_path / "argument"))

    log_something()

    assert not list(tmp_path.glob("variable*"))
    assert list((tmp_path / "argument").rglob("*"))


def test_a_store_in_memory_leaves_no_files(project):
    hw.connect("memory://")

    log_something()

    assert list(project.iterdir()) == [project / "pyproject.toml"]


def test_stores_in_memory_are_new_each_time():
    hw.connect("memory://")
    log_something()

    hw.connect("memory://")

    assert hw.search_runs() == []


def test_a_relative_path_means_the_same_after_the_folder_changed(project, tmp_path, monkeypatch):
    client = hw.connect("sqlite:///./here.db")
    monkeypatch.chdir(tmp_path)

    log_something()

    assert client.url == f"sqlite:///{project / 'here.db'}"
    assert (project / "here.db").exists()
    assert list((project / "here.blobs").rglob("*"))
    assert not list(tmp_path.glob("here*"))


@pytest.mark.parametrize("name", ["with blank", "späť 航班", "50%25", "why?", "a+b#c"])
def test_a_project_may_have_any_name(project, monkeypatch, name):
    folder = project / name
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)

    run_id = log_something()

    assert (folder / ".headwater" / "headwater.db").exists()
    assert hw.get_run(run_id).run_id == run_id


@pytest.mark.parametrize("url", ["headwater.db", "oracle://host/db", "", "sqlite://"])
def test_what_is_no_store_url_is_refused(monkeypatch, url):
    monkeypatch.setenv("HEADWATER_STORE", "nothing://")

    with pytest.raises(InvalidError):
        hw.connect(url)


@pytest.mark.parametrize(
    "path", ["file/store.db", "file", "."], ids=["below a file", "no database", "folder"]
)
def test_a_store_that_cannot_be_opened_is_told(project, path):
    (project / "file").write_text("nothing that SQLite knows\n" * 100)

    with pytest.raises(UnavailableError):
        hw.connect(f"sqlite:///{project / path}")


def test_connecting_anew_closes_the_store_before(tmp_path):
    before = hw.connect(f"sqlite:///{tmp_path / 'one.db'}")
    run = hw.run("flights/train", capture=False)
    run.log_metric("auc", 0.7)

    after = hw.connect(f"sqlite:///{tmp_path / 'two.db'}")

    assert (before.is_closed, after.is_closed) == (True, False)
    assert hw.search_runs() == []
    hw.connect(f"sqlite:///{tmp_path / 'one.db'}")
    assert hw.get_run(run.run_id).metrics["auc"].value == 0.7


def test_a_client_that_does_not_open_leaves_the_one_before(tmp_path):
    before = hw.connect("memory://")

    with pytest.raises(InvalidError):
        hw.connect("nothing://")

    assert not before.is_closed
    assert hw.search_runs() == []


def test_a_closed_client_is_not_used_by_surprise():
    with hw.connect("memory://"):
        log_something()

    with pytest.raises(RefusedError, match=r"memory:// was closed: connect again"):
        hw.search_runs()


def test_the_actor_signs_registrations_and_decisions():
    hw.connect("memory://", actor="release-bot")
    with hw.run("flights/train", capture=False) as run:
        run.log_model("late", {"weights": 1})
    hw.models["late"].promote(1, reason="first")

    assert [entry.actor for entry in hw.models["late"].history()] == ["release-bot", "release-bot"]


def test_a_password_does_not_show(monkeypatch):
    from headwater.sdk.project import places

    found = places("postgresql://me:secret@db/headwater", None, environment={}, start=Path.cwd())

    assert found.journals == found.root / ".headwater" / "journal"
    assert "secret" not in f"{found.blobs} {found.journals} {found.root}"
