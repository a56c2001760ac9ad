"""Forked children log to the run of their parent, and leave it to the parent to end."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "forking_child.py"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing forks on Windows")


def run_program(tmp_path, scenario, url=None):
    url = url or f"sqlite:///{tmp_path / 'store.db'}"
    # From Python 3.12 on, forking beside threads is warned of; that is what is tested here.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", PROGRAM, tmp_path, url, scenario]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    assert list(tmp_path.rglob("*.log")) == []
    return done.stdout.strip()


@pytest.mark.parametrize("url", [None, "memory://"], ids=["sqlite", "memory"])
def test_points_of_a_child_that_vanishes_are_sent_by_its_parent(tmp_path, url):
    assert run_program(tmp_path, "bare", url) == "FINISHED {'child': 1, 'loss': 3} {}"


def test_a_child_that_leaves_the_block_does_not_end_the_run(tmp_path):
    assert run_program(tmp_path, "polite") == "FINISHED {'child': 1, 'loss': 2} {'from': 'child'}"


@pytest.mark.parametrize("url", [None, "memory://"], ids=["sqlite", "memory"])
def test_workers_of_multiprocessing_are_flushed(tmp_path, url):
    assert run_program(tmp_path, "workers", url) == "FINISHED {'child': 1, 'loss': 3} {}"
