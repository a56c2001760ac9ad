"""`headwater pipeline`: run, list, show, why, resume, approve and serve."""

import json

import pytest

FLOW = """
from pathlib import Path

import headwater as hw


@hw.step
def numbers(count: int) -> list:
    return list(range(count))


@hw.step
def square(x: int) -> int:
    if Path("trouble").exists():
        raise ValueError("there is trouble")
    return x * x


@hw.step
def total(parts: list) -> int:
    return sum(parts)


@hw.pipeline(triggers=[hw.NewData("raw")])
def squares(count: int = 2, asks: bool = False):
    parts = square.map(numbers(count))
    return total.after(hw.approval("sign"))(parts) if asks else total(parts)


@hw.pipeline
def idle():
    return numbers(1)
"""


@pytest.fixture
def flow(project, monkeypatch):
    """A file with a pipeline."""
    (project / "flow.py").write_text(FLOW)
    return "flow.py:squares"


def test_a_run_says_what_it_does_and_is_listed(cli, flow):
    lines = cli.lines("pipeline", "run", flow, "--param", "count=3")

    assert lines[0] == "▶ numbers running"
    assert lines[-1] == "pipelines/squares/1 complete: 5 complete"
    (listed,) = cli.json("pipeline", "list")
    assert (listed["ref"], listed["state"], listed["params"]) == (
        "pipelines/squares/1",
        "complete",
        {"count": 3, "asks": False},
    )
    assert cli.json("pipeline", "list", "nothing") == []


def test_what_happens_is_told_as_json_lines(cli, flow):
    told = [json.loads(line) for line in cli.lines("pipeline", "run", flow, "--json")]

    assert {(line["step"], line["state"]) for line in told[:-1]} >= {
        ("numbers", "running"),
        ("numbers", "complete"),
        ("square[1]", "complete"),
        ("total", "complete"),
    }
    assert told[-1] == {"run": "pipelines/squares/1", "state": "complete", "steps": {"complete": 4}}


def test_steps_are_shown_with_what_became_of_them(cli, flow):
    cli("pipeline", "run", flow)
    cli("pipeline", "run", flow, "--param", "count=3")

    shown = cli.json("pipeline", "show", "squares/2")

    assert {step["step"]: step["state"] for step in shown["steps"]} == {
        "numbers": "complete",
        "square[0]": "reused",
        "square[1]": "reused",
        "square[2]": "complete",
        "total": "complete",
    }
    assert "square[2]" in cli("pipeline", "show", "pipelines/squares/2").stdout


def test_why_says_what_differs(cli, flow):
    cli("pipeline", "run", flow)
    cli("pipeline", "run", flow, "--param", "count=3")

    ran, reused = (
        cli.json("pipeline", "why", "squares/2", "numbers"),
        cli("pipeline", "why", "squares/2", "square[0]"),
    )

    assert ran["sentence"] == "it ran: params count changed: 2 → 3"
    assert [field["field"] for field in ran["fields"] if not field["same"]] == ["params"]
    assert "square[0]: reused: pipelines/squares/1 had made the same of the same" in reused.stdout
    assert "did you mean" in cli("pipeline", "why", "squares/2", "none", code=3).stderr


def test_a_failed_run_is_resumed(cli, flow, project):
    (project / "trouble").mkdir()
    failed = cli("pipeline", "run", flow, code=5)
    (project / "trouble").rmdir()

    done = cli.lines("pipeline", "resume", "squares/1")

    assert "ValueError: there is trouble" in failed.stderr
    assert "headwater pipeline resume pipelines/squares/1" in failed.stderr
    assert "= numbers resumed" in done
    (listed,) = cli.json("pipeline", "list")
    assert (listed["state"], listed["resumes"]) == ("complete", 1)


def test_a_run_waits_until_somebody_approves(cli, flow):
    waiting = cli.lines("pipeline", "run", flow, "--param", "asks=true")
    approved = cli.lines("pipeline", "approve", "squares/1", "sign", "--reason", "fine")
    again = cli("pipeline", "approve", "squares/1", "sign", "--reason", "again", code=5)
    done = cli.lines("pipeline", "resume", "squares/1")

    assert waiting[-1] == "sign waits: headwater pipeline approve pipelines/squares/1 sign --reason …"
    assert approved == [
        "Approved sign; `headwater pipeline resume squares/1` goes on where nobody waits for it."
    ]
    assert "was approved by" in again.stderr
    assert done[-1].startswith("pipelines/squares/1 complete")


def test_what_is_rejected_fails(cli, flow):
    cli("pipeline", "run", flow, "--param", "asks=true")
    cli("pipeline", "approve", "squares/1", "sign", "--reject", "--reason", "too early")

    failed = cli("pipeline", "resume", "squares/1", code=5)

    assert "too early" in failed.stderr


def test_what_a_trigger_asks_for_is_served(cli, flow, fill):
    cli("pipeline", "serve", flow, "--once")
    assert cli.json("pipeline", "list") == []

    assert "no trigger" in cli("pipeline", "serve", "flow.py:idle", "--once", code=2).stderr


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        (("run", "gone.py:squares"), 3, "no file 'gone.py'"),
        (("run", "flow.py:gone"), 3, "no pipeline 'flow.py:gone'; did you mean squares, idle?"),
        (("run", "flow.py"), 2, "write FILE.py:NAME"),
        (("run", "flow.py:numbers"), 2, "no pipeline"),
        (("run", "flow.py:squares", "--param", "count"), 2, "must be NAME=VALUE"),
        (("run", "flow.py:squares", "--param", "size=1"), 2, "unexpected keyword argument 'size'"),
        (("show", "squares/9"), 3, "no run of a pipeline"),
        (("show", "squares"), 2, "names no run"),
        (("resume", "squares/9"), 3, "no run of a pipeline"),
    ],
    ids=["file", "name", "form", "step", "param", "unknown-param", "run", "reference", "resume"],
)
def test_what_is_wrong_is_said_with_the_way_out(cli, flow, words, code, problem):
    assert problem in cli("pipeline", *words, code=code).stderr


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import headwater as hw\n\nhw.nothing()\n", "broken.py, line 3, fails: AttributeError: module"),
        ("def broken(:\n    pass\n", "broken.py, line 1, fails: SyntaxError: invalid syntax"),
    ],
)
def test_a_file_that_fails_names_its_line(cli, project, code, words):
    (project / "broken.py").write_text(code)

    assert words in cli("pipeline", "run", "broken.py:squares", code=2).stderr


def test_a_pipeline_that_calls_itself_is_refused(cli, project):
    code = "import headwater as hw\n\n\n@hw.pipeline\ndef loop(n: int = 1):\n    return loop(n)\n"
    (project / "endless.py").write_text(code)

    said = cli("pipeline", "run", "endless.py:loop", code=2).stderr

    assert "pipeline loop calls itself without an end" in said


def test_errors_are_listed_without_tracebacks(cli, flow, project):
    (project / "trouble").touch()
    cli("pipeline", "run", flow, code=5)

    listed = cli.lines("pipeline", "list")

    assert not any("Traceback" in line for line in listed)
    assert "square[0]: ValueError: there is trouble" in " ".join(listed)
