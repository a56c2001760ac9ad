"""Data files that a run reads and does not declare."""

import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from headwater.errors import InvalidError
from headwater.tracking.reads import MAX_NOTED, MAX_STORED, Reads, ReadWatch, local_path
from headwater.tracking.settings import TrackingSettings


@pytest.fixture
def reads(tmp_path):
    old(tmp_path / "data.csv")
    return Reads(tmp_path, [tmp_path / "own"])


def old(path, text="a,b"):
    """Write a file that was there before any run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (1e9, 1e9))
    return str(path)


def files(reads):
    return reads.undeclared()["files"]


class TestReads:
    def test_a_file_is_named_from_the_project(self, reads, tmp_path):
        reads.note(str(tmp_path / "data.csv"))
        reads.note(elsewhere := old(tmp_path.parent / "elsewhere.csv"))

        assert files(reads) == sorted(["data.csv", elsewhere])

    @pytest.mark.parametrize("declared", ["data.csv", "", "./x/../data.csv"])
    def test_a_declared_file_or_folder_is_none(self, reads, tmp_path, declared, monkeypatch):
        monkeypatch.chdir(tmp_path)
        reads.note(str(tmp_path / "data.csv"))

        reads.declare([None, 7, "s3://bucket/data.csv", declared or str(tmp_path)])

        assert files(reads) == []

    def test_a_link_is_what_it_leads_to(self, reads, tmp_path):
        (tmp_path / "link.csv").symlink_to(tmp_path / "data.csv")
        reads.note(str(tmp_path / "link.csv"))

        reads.declare([(tmp_path / "data.csv").as_uri()])

        assert files(reads) == []

    def test_what_was_written_meanwhile_or_is_gone_is_the_runs_own(self, reads, tmp_path):
        for name in ("gone.csv", "new.csv", "own/blob"):
            reads.note(str(tmp_path / name))
        (tmp_path / "new.csv").write_text("x")
        os.utime(tmp_path / "new.csv", (time.time() + 5, time.time() + 5))

        assert files(reads) == []

    def test_a_great_many_are_counted(self, reads, tmp_path):
        for number in range(MAX_NOTED + 10):
            os.link(tmp_path / "data.csv", tmp_path / f"{number}.csv")
            reads.note(str(tmp_path / f"{number}.csv"))

        found = reads.undeclared()

        assert (len(found["files"]), found["more"]) == (MAX_STORED, MAX_NOTED - MAX_STORED)

    def test_a_name_that_is_no_text_can_be_stored(self, reads, tmp_path):
        name = os.fsdecode(b"caf\xe9.csv")
        reads.note(old(tmp_path / name))

        json.dumps(files(reads), ensure_ascii=False).encode()

        assert files(reads) == ["caf?.csv"]


@pytest.fixture(scope="module")
def watch():
    """A watch of these tests alone; its hook stays for as long as the process."""
    return ReadWatch()


@pytest.fixture
def watched(watch, reads):
    watch.begin(reads)
    yield reads
    watch.end(reads)


class TestWatch:
    @pytest.mark.parametrize("mode", ["r", "rb", "r+"])
    def test_a_file_that_is_opened_for_reading_is_noted(self, watched, tmp_path, mode):
        Path(tmp_path / "data.csv").open(mode).close()

        assert files(watched) == ["data.csv"]

    def test_low_level_opens_and_bytes_are_noted_too(self, watched, tmp_path):
        os.close(os.open(os.fsencode(tmp_path / "data.csv"), os.O_RDONLY))

        assert files(watched) == ["data.csv"]

    def test_relative_names_are_those_of_the_moment(self, watched, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path("data.csv").read_bytes()
        monkeypatch.chdir("/")

        assert files(watched) == ["data.csv"]

    @pytest.mark.parametrize("name", ["code.py", "code.pyc", ".env", ".git/data", "lib.so", "pyproject.toml"])
    def test_code_and_settings_are_not_noted(self, watched, tmp_path, name):
        old(tmp_path / name)

        (tmp_path / name).read_bytes()

        assert files(watched) == []

    def test_installed_packages_and_the_system_are_not_noted(self, watched):
        Path(json.__file__).read_bytes()
        Path("/proc/self/status").read_bytes()

        assert watched._noted == {}

    def test_writing_and_listing_are_not_noted(self, watched, tmp_path):
        (tmp_path / "new.csv").write_text("x")
        os.close(os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY))

        assert watched._noted == {}

    def test_what_we_read_ourselves_is_not_noted(self, watch, watched, tmp_path):
        with watch.ignoring():
            with watch.ignoring():
                pass
            (tmp_path / "data.csv").read_bytes()

        assert watched._noted == {}

    def test_nothing_is_noted_after_the_end(self, watch, watched, tmp_path):
        watch.end(watched)

        (tmp_path / "data.csv").read_bytes()

        assert watched._noted == {}

    def test_a_thread_that_knows_of_no_run_reads_for_the_newest(self, watched, tmp_path):
        thread = threading.Thread(target=(tmp_path / "data.csv").read_bytes)
        thread.start()
        thread.join()

        assert files(watched) == ["data.csv"]

    def test_an_odd_event_never_breaks_the_program(self, watched):
        for arguments in ((), (1,), (None, None, 0), ("a", "r", None), (object(), "r", 0)):
            sys.audit("open", *arguments)

        assert watched._noted == {}


SCRIPT = """
import os, threading
from pathlib import Path
import headwater as hw

with hw.run("train") as run:
    run.use(hw.dataset("declared", "declared.csv"))
    Path("declared.csv").read_text()
    Path("undeclared.csv").read_text()
    hw.dataset("only fingerprinted", "fingerprinted.csv")
    Path("made.txt").write_text("x")
    run.log_artifact("logged.csv")
    if child := os.fork():
        os.waitpid(child, 0)
    else:
        Path("of_child.csv").read_text()
        os._exit(0)
    with hw.run("inner") as inner:
        Path("of_inner.csv").read_text()
    thread = threading.Thread(target=Path("of_thread.csv").read_text)
    thread.start()
    thread.join()
Path("after.csv").read_text()
for each in (run, inner):
    print(hw.get_run(each.run_id).properties.get("undeclared_reads", {}).get("files"))
"""
NAMES = ["declared", "undeclared", "fingerprinted", "logged", "of_child", "of_inner", "of_thread", "after"]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("on", ["['of_thread.csv', 'undeclared.csv']", "['of_inner.csv']"]), ("off", ["None", "None"])],
)
def test_a_run_knows_what_it_read_and_did_not_declare(tmp_path, setting, expected):
    for name in NAMES:
        old(tmp_path / f"{name}.csv")
    (tmp_path / "pyproject.toml").touch()
    script = tmp_path / "train.py"
    script.write_text(textwrap.dedent(SCRIPT), encoding="utf-8")
    plain = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}

    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        cwd=tmp_path,
        env=plain | {"HEADWATER_AUDIT_READS": setting},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout.splitlines(), done.stderr) == (expected, "")


def test_the_setting_is_on_or_off():
    assert TrackingSettings.from_environment({}).audit_reads
    assert not TrackingSettings.from_environment({"HEADWATER_AUDIT_READS": " OFF "}).audit_reads
    with pytest.raises(InvalidError, match="must be on or off, not 'no'"):
        TrackingSettings.from_environment({"HEADWATER_AUDIT_READS": "no"})


@pytest.mark.parametrize("place", [None, 3, "", "s3://b/k", "a\0b", "x" * 5000])
def test_what_is_no_path_has_none(place):
    assert local_path(place) is None
