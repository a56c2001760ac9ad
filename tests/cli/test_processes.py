"""The command line as a process of its own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

DYING = """
import os, signal
import headwater as hw

with hw.run("flights/train", capture=False) as run:
    run.log_series("loss", range(3), [0.9, 0.5, 0.1])
    print(run.run_id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""

INTERRUPTED = """
import os, signal, time
from headwater.cli import main
from headwater.cli.db import db

@db.command()
def wait():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)

main(["db", "wait"])
"""


def headwater(*words, url=None, **options):
    environ = {**os.environ, "COLUMNS": "120"} | ({"HEADWATER_STORE": url} if url else {})
    command = [sys.executable, "-m", "headwater", *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, **options)


def test_a_module_is_the_same_as_the_command(cli, trained):
    done = headwater("runs", "list", "--json", url=cli.url)

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == cli.json("runs", "list")
    assert headwater("--version").stdout.startswith("headwater, version ")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("headwater led", {"plain,ledger"}),
        ("headwater ledger v", {"plain,verify"}),
        ("headwater db r", {"plain,restore"}),
    ],
)
def test_the_shell_completes_nouns_and_verbs(typed, offered):
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    environ = os.environ | words | {"_HEADWATER_COMPLETE": "bash_complete"}
    script = Path(sys.executable).with_name("headwater")

    done = subprocess.run([script], env=environ, capture_output=True, text=True, check=True)

    assert {*done.stdout.split()} == offered


def test_a_pipe_gets_the_same_text_each_time(cli, trained):
    first, second = (headwater("models", "show", "late-flights", url=cli.url).stdout for _ in range(2))

    assert first == second == cli("models", "show", "late-flights", columns=120).stdout
    assert "\x1b" not in first


def test_an_error_is_one_line_and_its_code(cli):
    done = headwater("runs", "show", "ffff", url=cli.url)

    assert (done.returncode, done.stdout, done.stderr) == (3, "", "Error: no run 'ffff'\n")


def test_debug_prints_the_traceback(cli):
    done = headwater("--debug", "runs", "show", "ffff", url=cli.url)

    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert "NotFoundError: no run 'ffff'" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_ctrl_c_exits_with_1():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_sync_sends_what_a_killed_process_left(cli):
    environ = {**os.environ, "HEADWATER_STORE": cli.url}
    killed = subprocess.run(
        [sys.executable, "-c", DYING], env=environ, capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    run_id = killed.stdout.strip()

    report = cli.json("sync")

    assert (report["journals"], report["refused"], report["lost"]) == (1, [], [])
    assert cli.json("runs", "show", run_id)["series"][0]["points"] == 3
    assert cli.lines("sync") == ["Sent 0 points of 0 ended processes; nothing waits here now."]


def test_a_current_store_needs_no_upgrade(cli, trained):
    assert cli.lines("db", "upgrade")[0].endswith(" already.")


def test_a_database_that_is_empty_is_not_upgraded(cli):
    assert "Traceback" not in cli("db", "upgrade", code=1).stderr
