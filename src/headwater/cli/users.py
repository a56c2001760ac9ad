"""`headwater users`: who may do what."""

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import click

from headwater.cli.output import json_option, print_facts, print_rows, when
from headwater.cli.session import client
from headwater.cli.tokens import make_token
from headwater.errors import RefusedError
from headwater.model.access import Account, Grant, NewAccount, Role, check_account_name

COLUMNS: Final = ("name", "role", "grants", "password", "tokens", "provider", "created")
NO_ROLE: Final = "none"
FIRST_TOKEN: Final = "first"
_ROLES: Final = [role.word for role in Role]
C = TypeVar("C", bound=Callable[..., Any])


def reason_option(command: C) -> C:
    """Give a command `--reason`."""
    return click.option("--reason", default="", help="Why; kept in the ledger.")(command)


@click.group()
def users() -> None:
    """Say who may do what on a server of this store."""


@users.command()
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice([*_ROLES, NO_ROLE]),
    default=Role.VIEWER.word,
    show_default=True,
    help="What it may do everywhere; none: only what it is granted.",
)
@click.option("--password", "asks", is_flag=True, help="Ask for a password (or read a line) instead.")
@click.option("--no-secret", is_flag=True, help="Make no token: somebody who signs in at the provider.")
@reason_option
@json_option
@click.pass_context
def add(
    ctx: click.Context, name: str, role: str, reason: str, *, asks: bool, no_secret: bool, as_json: bool
) -> None:
    """Add account NAME and print its first token, once."""
    check_account_name(name)
    hashed = _asked_password() if asks else None
    with client(ctx) as opened:
        access, actor = opened.store.access, opened.actor
        new = NewAccount(name=name, role=_role(role), password_hash=hashed)
        account = access.add(new, actor=actor, reason=reason)
        secret = None
        if not (asks or no_secret):
            secret, _ = make_token(access, name, FIRST_TOKEN, actor=actor, reason=reason)
    _print(account, {"token": secret} if secret else {}, as_json=as_json)
    if secret and not as_json:
        click.echo("Keep the token now: it is stored nowhere and not shown again.")


@users.command("list")
@json_option
@click.pass_context
def list_users(ctx: click.Context, *, as_json: bool) -> None:
    """List the accounts."""
    with client(ctx) as opened:
        owners = [token.account for token in opened.store.access.tokens()]
        found = opened.store.access.all()
    rows = [_row(account) | {"tokens": owners.count(account.name)} for account in found]
    print_rows(
        rows,
        COLUMNS,
        as_json=as_json,
        empty="No accounts yet: headwater users add --role admin NAME",
        minor=("created", "provider"),
    )


@users.command()
@click.argument("name")
@reason_option
@click.pass_context
def remove(ctx: click.Context, name: str, reason: str) -> None:
    """Remove account NAME with its tokens and grants."""
    with client(ctx) as opened:
        opened.store.access.remove(name, actor=opened.actor, reason=reason)
    click.echo(f"Removed {name}.")


@users.command()
@click.argument("name")
@click.argument("role", type=click.Choice([*_ROLES, NO_ROLE]))
@reason_option
@json_option
@click.pass_context
def role(ctx: click.Context, name: str, role: str, reason: str, *, as_json: bool) -> None:
    """Change what account NAME may do everywhere to ROLE."""
    with client(ctx) as opened:
        account = opened.store.access.set_role(name, _role(role), actor=opened.actor, reason=reason)
    _print(account, as_json=as_json)


@users.command()
@click.argument("name")
@click.option("--remove", "removes", is_flag=True, help="Take the password away: only tokens work then.")
@reason_option
@json_option
@click.pass_context
def password(ctx: click.Context, name: str, reason: str, *, removes: bool, as_json: bool) -> None:
    """Ask for a new password for account NAME, or read it as a line, and end its browsers' sessions."""
    with client(ctx) as opened:
        opened.store.access.get(name)
        hashed = None if removes else _asked_password()
        account = opened.store.access.set_password(name, hashed, actor=opened.actor, reason=reason)
    _print(account, as_json=as_json)


@users.command()
@click.argument("name")
@click.argument("role", type=click.Choice(_ROLES))
@click.argument("subject")
@reason_option
@json_option
@click.pass_context
def grant(ctx: click.Context, name: str, role: str, subject: str, reason: str, *, as_json: bool) -> None:
    """Let account NAME do more on SUBJECT, such as models/late-flights or experiments/flights/*."""
    granted = Grant(subject=subject, role=Role.of(role))
    with client(ctx) as opened:
        account = opened.store.access.grant(name, granted, actor=opened.actor, reason=reason)
    _print(account, as_json=as_json)


@users.command()
@click.argument("name")
@click.argument("subject")
@reason_option
@json_option
@click.pass_context
def ungrant(ctx: click.Context, name: str, subject: str, reason: str, *, as_json: bool) -> None:
    """Take what account NAME was granted on SUBJECT back."""
    with client(ctx) as opened:
        account = opened.store.access.ungrant(name, subject, actor=opened.actor, reason=reason)
    _print(account, as_json=as_json)


def _asked_password() -> str:
    """Ask twice at a terminal, else read one line, and return the hash."""
    from headwater.server.auth import Passwords

    if sys.stdin.isatty():
        said = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        said = sys.stdin.readline().rstrip("\r\n")
    if not said:
        raise RefusedError("no password was given: type one, or send it as a line on standard input")
    return Passwords().hash(said)


def _role(word: str) -> Role | None:
    return None if word == NO_ROLE else Role.of(word)


def _row(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "role": account.role.word if account.role else NO_ROLE,
        "grants": {grant.subject: grant.role.word for grant in account.grants},
        "password": account.has_password,
        "provider": account.oidc.issuer if account.oidc else None,
        "created": when(account.created_ms),
    }


def _print(account: Account, more: Mapping[str, Any] | None = None, *, as_json: bool) -> None:
    print_facts({**_row(account), **(more or {})}, as_json=as_json)
