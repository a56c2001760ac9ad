"""How commands fail: one line on the error stream, and a code for each kind."""

import pytest

from headwater.cli import main

CASES = {
    "unknown command": (2, ["train"], "No such command"),
    "unknown option": (2, ["runs", "list", "--quick"], "No such option"),
    "option without its value": (2, ["models", "promote", "late-flights", "1"], "--reason"),
    "bad limit": (2, ["runs", "list", "--limit", "0"], "--limit"),
    "bad filter": (2, ["runs", "search", "metrics.auc >"], "metrics.auc >"),
    "bad order": (2, ["runs", "search", "", "--order-by", "when"], "no 'when'"),
    "no reference": (2, ["lineage", "show", "late-flights"], "is not a reference"),
    "bad stage": (2, ["models", "promote", "late-flights", "1", "--to", "prod", "--reason", "x"], "no stage"),
    "unknown run": (3, ["runs", "show", "ffffffff"], "no run 'ffffffff'"),
    "unknown model": (3, ["models", "show", "late-flight"], "did you mean late-flights"),
    "unknown version": (3, ["models", "show", "models/late-flights/9"], "models/late-flights/9"),
    "unknown data set": (3, ["data", "show", "flights/2013-02"], "flights/2013-02"),
    "unknown data version": (3, ["data", "show", "data/flights/2013-01/9"], "data/flights/2013-01/9"),
    "nothing upstream of nothing": (3, ["lineage", "show", "data/nothing"], "nothing"),
    "a stage that it is in": (5, ["models", "promote", "late-flights", "2", "--reason", "x"], "already"),
    "an empty reason": (5, ["models", "rollback", "late-flights", "--reason", " "], "needs a reason"),
}


@pytest.mark.parametrize(("code", "words", "told"), CASES.values(), ids=list(CASES))
def test_an_error_has_its_code_and_says_why(cli, trained, code, words, told):
    done = cli(*words, code=code)

    assert done.stdout == ""
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("case", ["unknown run", "unknown model", "an empty reason"])
def test_an_error_is_one_line(cli, trained, case):
    code, words, _ = CASES[case]

    assert cli(*words, code=code).stderr.count("\n") == 1


def test_a_bad_filter_is_shown_with_a_caret(cli):
    _, text, caret, allowed = cli("runs", "search", "metrics.auc => 0.5", code=2).stderr.splitlines()

    assert text[caret.index("^") :].startswith("=> 0.5")
    assert ">=" in allowed


def test_altered_bytes_exit_with_6(cli, trained, tmp_path):
    blobs = [path for path in (tmp_path / "store.blobs").rglob("*") if path.is_file()]
    for path in blobs:
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-1])

    done = cli("models", "rollback", "late-flights", "--reason", "incident 12", code=6)

    assert done.stderr.startswith("Error: ")
    assert cli.json("models", "list")[0]["production"] == 2


def test_a_contradiction_exits_with_4():
    from headwater.cli.main import exit_code
    from headwater.errors import ConflictError, FilterError, ForbiddenError, SchemaError, StaleWriteError

    assert exit_code(ConflictError("the name is taken")) == 4
    assert exit_code(StaleWriteError("artifact", 1, expected=1, found=2)) == 4
    assert exit_code(FilterError("a", 0, "no")) == 2
    assert exit_code(ForbiddenError("ann", "WRITE")) == 8
    assert exit_code(SchemaError("too new")) == 1


@pytest.mark.parametrize("words", [["runs", "list"], ["db", "upgrade"], ["sync"]], ids=" ".join)
def test_a_store_that_cannot_be_reached_exits_with_7(cli, project, words):
    (project / "file").write_text("nothing that SQLite knows\n" * 100)

    done = cli("--store", f"sqlite:///{project / 'file'}", *words, code=7)

    assert done.stderr.startswith("Error: ")


def test_a_wrong_url_exits_with_2(cli):
    assert "is not a store URL" in cli("--store", "headwater.db", "runs", "list", code=2).stderr


def test_a_wrong_variable_exits_with_2(cli, monkeypatch):
    monkeypatch.setenv("HEADWATER_EXIT_TIMEOUT_S", "soon")

    assert "HEADWATER_EXIT_TIMEOUT_S" in cli("runs", "list", code=2).stderr


def test_debug_shows_where_an_error_comes_from(cli):
    from click.testing import CliRunner

    from headwater.errors import NotFoundError

    done = CliRunner().invoke(main, ["--store", cli.url, "--debug", "runs", "show", "ffff"])

    assert isinstance(done.exception, NotFoundError)


def test_without_words_the_commands_are_listed(cli):
    text = cli("--help").stdout

    for command in ("demo", "runs", "models", "data", "lineage", "ledger", "db", "sync"):
        assert f"\n  {command} " in text
