import json
import random
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from headwater.blobs import FsspecBlobs
from headwater.errors import UnavailableError
from headwater.model import builtin
from headwater.tracking import Session, start_run
from headwater.tracking.environment import Environment, entry_point, seed_facts, thread_facts


def facts_of(session, run) -> Any:
    return session.store.executions.get([run.id])[0].properties


def test_a_run_knows_what_it_ran_on(session, tmp_path):
    (tmp_path / "requirements.lock").write_text("numpy==2\n")
    with start_run(session, "e") as run:
        pass

    found = facts_of(session, run)

    assert found["python_version"] == f"CPython {sys.version.split()[0]}"
    assert found["lock_file"] == "requirements.lock"
    assert found["lock_digest"].startswith("sha256:")
    assert found["machine"]["cpu_count"] >= 1
    assert json.loads(session.blobs.read(found["packages_digest"]))["numpy"] == np.__version__
    assert set(found) <= set(builtin.RUN.properties)


def test_what_cannot_be_captured_is_a_warning_on_the_run(session, tmp_path):
    with start_run(session, "e") as run:
        pass

    found = facts_of(session, run)

    (warning,) = found["capture_warnings"]
    assert warning.startswith("code: fatal: not a git repository")
    assert "git_commit" not in found


def test_code_that_was_not_committed_is_kept(session, tmp_path):
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "a.py").write_text("a = 1\n")
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)

    with start_run(session, "e") as run:
        pass

    found = facts_of(session, run)
    assert found["git_is_dirty"] is True
    assert b"+a = 1" in session.blobs.read(found["git_diff_digest"])


def test_capture_can_be_switched_off(session):
    with start_run(session, "e", capture=False) as run:
        pass

    assert facts_of(session, run) == {}


class NoBlobs(FsspecBlobs):
    """A blob store that is out of reach."""

    def __init__(self):
        self.url = "s3://out/of/reach"

    def put_bytes(self, data):
        raise UnavailableError("no bucket")


def test_an_unreachable_blob_store_does_not_break_the_run(store, tmp_path):
    with (
        Session(store, NoBlobs(), journals=tmp_path, project_root=tmp_path) as session,
        start_run(session, "e") as run,
    ):
        run.log_metric("a", 1)

    found = facts_of(session, run)
    assert "packages: UnavailableError: no bucket" in found["capture_warnings"]
    assert found["machine"]["os"]


def test_what_was_captured_during_an_outage_arrives(session, store):
    store.is_down = True
    run = start_run(session, "e")
    assert run._capture is not None
    assert run._capture.wait()
    store.is_down = False
    run.end()

    assert "machine" in facts_of(session, run)


def test_packages_are_those_that_are_installed(tmp_path):
    found = Environment(tmp_path).packages

    assert found["numpy"] == np.__version__
    assert len(found) > 20
    assert list(found) == sorted(found)


def test_seeds_are_seen_only_where_they_are_loaded():
    random.seed(1)
    np.random.seed(1)
    first = seed_facts({"PYTHONHASHSEED": "0"})
    random.seed(1)
    np.random.seed(2)
    second = seed_facts({})

    assert first["PYTHONHASHSEED"] == "0"
    assert first["random"] == second["random"]
    assert first["numpy"] != second["numpy"]
    assert "torch" not in first


def test_thread_settings_are_those_that_are_set():
    found = thread_facts({"OMP_NUM_THREADS": "2", "HOME": "/root"})

    assert {k: v for k, v in found.items() if k != "pools"} == {"OMP_NUM_THREADS": "2"}


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--lr", "0.1"], ["--lr", "0.1"]),
        (["--api-key=abc", "--depth=3"], ["--api-key=***", "--depth=3"]),
        (["--password", "abc", "train"], ["--password", "***", "train"]),
        (["--token", "--verbose"], ["--token", "--verbose"]),
    ],
    ids=repr,
)
def test_arguments_are_kept_and_secrets_are_not(monkeypatch, arguments, shown):
    monkeypatch.setattr(sys, "argv", ["train.py", *arguments])

    assert entry_point()[1] == shown
