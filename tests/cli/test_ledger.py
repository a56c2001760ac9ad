"""`headwater ledger`: verify, export, head and keys, on a real database that somebody alters."""

import json
import sqlite3
from contextlib import closing

import pytest


@pytest.fixture
def keys(cli):
    """A pair of keys."""
    cli("ledger", "keygen", "private.pem", "public.pem")
    return "private.pem", "public.pem"


@pytest.fixture
def alter(tmp_path):
    """Do what no program of headwater does."""

    def execute(*statements):
        with closing(sqlite3.connect(tmp_path / "store.db")) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    return execute


def test_intact_ledger_is_verified_with_its_head_and_as_an_export(cli, trained, keys):
    cli("ledger", "head", "head.json", "--sign", keys[0])
    cli("ledger", "export", "ledger.jsonl")

    [line] = cli.lines("ledger", "verify", "--head", "head.json", "--key", keys[1])
    assert "all as they were written" in line
    assert cli.json("ledger", "verify", "--file", "ledger.jsonl", "--head", "head.json")["intact"]


def test_altered_and_missing_decisions_are_named_and_the_exit_code_says_so(cli, trained, alter):
    alter(
        "UPDATE ledger SET actor = 'eve' WHERE seq = 2",
        "DELETE FROM ledger WHERE seq = 4",
    )

    shown = cli("ledger", "verify", code=6)

    assert shown.stdout.splitlines()[:2] == [
        "entry 2 is altered: its fields do not have its hash",
        "entry 4 is missing",
    ]
    assert "not as it was written" in shown.stderr


def test_cut_off_ledger_is_found_by_a_kept_head(cli, trained, alter):
    cli("ledger", "head", "head.json")
    alter("DELETE FROM ledger WHERE seq > 2")

    cli("ledger", "verify")
    assert "missing" in cli("ledger", "verify", "--head", "head.json", code=6).stdout


def test_head_that_somebody_changed_is_not_believed(cli, trained, keys, project):
    cli("ledger", "head", "head.json", "--sign", keys[0])
    head = project / "head.json"
    head.write_text(json.dumps(json.loads(head.read_text()) | {"seq": 1}))

    assert "not signed" in cli("ledger", "verify", "--head", "head.json", "--key", keys[1], code=6).stderr
    cli("ledger", "head", "unsigned.json")
    cli("ledger", "verify", "--head", "unsigned.json", "--key", keys[1], code=6)
    cli("ledger", "verify", "--key", keys[1], code=2)


def test_keys_are_never_overwritten_and_nonsense_is_no_key(cli, trained, keys, project):
    assert (project / keys[0]).stat().st_mode & 0o077 == 0
    assert "never overwritten" in cli("ledger", "keygen", *keys, code=2).stderr
    (project / "no.pem").write_text("no key")
    assert "no private key" in cli("ledger", "head", "h.json", "--sign", "no.pem", code=2).stderr
    assert "no private key" in cli("ledger", "head", "h.json", "--sign", keys[1], code=2).stderr


def test_decisions_are_chosen_by_action_and_actor(cli, trained):
    assert {row["action"] for row in cli.json("ledger", "show", "--action", "promote")} == {"promote"}
    assert cli.json("ledger", "show", "--actor", "nobody") == []
