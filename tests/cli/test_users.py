"""`headwater users` and `headwater tokens`, and that no secret stays anywhere."""

import pytest
from click.testing import CliRunner

from headwater.cli import main
from headwater.errors import UnauthenticatedError
from headwater.model.access import Grant, Identity, Role
from headwater.sdk import Client
from headwater.server.auth import BasicGuard, TokenGuard
from tests.server.auth.test_guards import basic, bearer

PASSWORD = "correct horse battery"


def typed(cli, *words, said, code=0):
    """Call a command with something on its standard input."""
    done = CliRunner().invoke(main, ["--store", cli.url, *words], input=said)
    assert done.exit_code == code, done.output
    return done.output


def identify(cli, authorization, guard=TokenGuard):
    with Client(cli.url) as client:
        return guard(client.store.access).identify(authorization)


def test_the_first_administrator_gets_a_token_that_is_shown_once(cli):
    shown = cli("users", "add", "--role", "admin", "ann").stdout

    [secret] = [word for word in shown.split() if word.startswith("hw_")]
    assert "not shown again" in shown
    assert identify(cli, bearer(secret)).role is Role.ADMIN
    for words in (("users", "list"), ("tokens", "list"), ("ledger", "show")):
        assert secret not in cli(*words).stdout
    with Client(cli.url) as client:
        assert secret not in repr(client.store.ledger.records())
        assert [e.action for e in client.store.ledger.entries()] == ["add-account", "add-token"]


def test_every_token_is_another(cli):
    first, second = (cli.json("users", "add", name)["token"] for name in ("ann", "bob"))

    assert first != second
    assert len(first) == len("hw_") + 43


def test_a_password_is_read_from_standard_input_and_never_shown(cli):
    added = typed(cli, "users", "add", "ann", "--role", "editor", "--password", said=f"{PASSWORD}\n")
    changed = typed(cli, "users", "password", "ann", said="another horse battery\r\n")

    assert PASSWORD not in added
    assert "hw_" not in added
    assert "another" not in changed
    said = basic("ann", "another horse battery")
    assert identify(cli, said, BasicGuard) == Identity(name="ann", role=Role.EDITOR)
    with pytest.raises(UnauthenticatedError):
        identify(cli, basic("ann", PASSWORD), BasicGuard)


@pytest.mark.parametrize(("said", "code"), [("short\n", 2), ("\n", 5), ("", 5)])
def test_a_password_that_is_none_adds_nobody(cli, said, code):
    typed(cli, "users", "add", "ann", "--password", said=said, code=code)

    assert cli.json("users", "list") == []


def test_a_password_is_taken_away(cli):
    typed(cli, "users", "add", "ann", "--password", said=f"{PASSWORD}\n")

    assert cli.json("users", "password", "ann", "--remove")["password"] is False


def test_roles_and_grants_are_changed_and_listed(cli):
    cli("users", "add", "ann", "--no-secret", "--role", "none")
    cli("users", "grant", "ann", "editor", "experiments/flights/*")
    cli("users", "grant", "ann", "approver", "models/late", "--reason", "on call")
    cli("users", "ungrant", "ann", "experiments/flights/*")
    row = cli.json("users", "role", "ann", "viewer")

    assert {k: row[k] for k in ("name", "role", "grants", "password", "provider")} == {
        "name": "ann",
        "role": "viewer",
        "grants": {"models/late": "approver"},
        "password": False,
        "provider": None,
    }
    assert cli.json("users", "list") == [row | {"tokens": 0}]
    assert "models/late" in cli("users", "list").stdout
    with Client(cli.url) as client:
        assert client.store.access.get("ann").grants == (Grant(subject="models/late", role=Role.APPROVER),)
        assert client.store.ledger.entries(action="grant")[-1].reason == "on call"


def test_a_token_is_made_listed_and_revoked(cli):
    cli("users", "add", "ann", "--role", "admin", "--no-secret")
    made = cli.json("tokens", "add", "ann", "--name", "nightly", "--limit", "viewer", "--expires", "90d")

    assert identify(cli, bearer(made["token"])).limit is Role.VIEWER
    assert made["expires"] > made["created"]
    [row] = cli.json("tokens", "list", "ann")
    assert row == {k: v for k, v in made.items() if k != "token"} | {"used": row["used"]}
    assert row["used"] is not None

    assert cli("tokens", "revoke", str(made["id"])).stdout == "Revoked 'nightly' of ann.\n"
    assert cli("tokens", "list").stdout == "No tokens.\n"
    with pytest.raises(UnauthenticatedError):
        identify(cli, bearer(made["token"]))


def test_what_cannot_be_done_is_said(cli):
    cli("users", "add", "ann", "--role", "admin")
    cli("users", "add", "bob")

    assert "did you mean ann" in cli("users", "role", "an", "viewer", code=3).stderr
    assert "last administrator" in cli("users", "remove", "ann", code=5).stderr
    assert "'bob' already" in cli("users", "add", "bob", code=4).stderr
    assert "no name of an account" in cli("users", "add", "Bob", code=2).stderr
    assert "nothing to grant on" in cli("users", "grant", "bob", "viewer", "flights", code=2).stderr
    assert "no token" in cli("tokens", "revoke", "99", code=3).stderr
    assert cli("users", "remove", "bob").stdout == "Removed bob.\n"


def test_no_command_takes_a_secret_as_an_argument():
    from headwater.cli.tokens import tokens
    from headwater.cli.users import users

    options = [
        option
        for command in (*users.commands.values(), *tokens.commands.values())
        for option in command.params
        if any(word in (option.name or "") for word in ("secret", "password", "asks"))
    ]

    assert {option.name for option in options} == {"asks", "no_secret"}
    assert all(getattr(option, "is_flag", False) for option in options)
