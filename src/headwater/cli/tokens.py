"""`headwater tokens`: what programs say who they are with."""

from typing import Any, Final

import click

from headwater.cli.durations import Duration
from headwater.cli.output import json_option, print_facts, print_rows, when
from headwater.cli.session import client
from headwater.model.access import NewToken, Role, Token, TokenId, TokenKind, new_secret, secret_digest
from headwater.model.protocols import AccessStore
from headwater.model.times import now_ms

COLUMNS: Final = ("id", "account", "name", "kind", "limit", "created", "expires", "used")


@click.group()
def tokens() -> None:
    """Make and revoke what programs say who they are with."""


@tokens.command()
@click.argument("account")
@click.option("--name", required=True, help="What it is for, such as nightly-training.")
@click.option("--limit", type=click.Choice([r.word for r in Role]), help="It may do no more than this role.")
@click.option("--expires", "expires_s", type=Duration(), help="It ends by itself, such as after 90d.")
@click.option("--reason", default="", help="Why; kept in the ledger.")
@json_option
@click.pass_context
def add(
    ctx: click.Context,
    account: str,
    name: str,
    limit: str | None,
    expires_s: float | None,
    reason: str,
    *,
    as_json: bool,
) -> None:
    """Make a token for ACCOUNT and print it, once."""
    with client(ctx) as opened:
        secret, token = make_token(
            opened.store.access,
            account,
            name,
            limit=None if limit is None else Role.of(limit),
            expires_ms=None if expires_s is None else now_ms() + round(expires_s * 1000),
            actor=opened.actor,
            reason=reason,
        )
    print_facts({**_row(token), "token": secret}, as_json=as_json)
    if not as_json:
        click.echo("Keep the token now: it is stored nowhere and not shown again.")


@tokens.command("list")
@click.argument("account", required=False)
@json_option
@click.pass_context
def list_tokens(ctx: click.Context, account: str | None, *, as_json: bool) -> None:
    """List the tokens of ACCOUNT, or of all accounts; browsers' sessions among them."""
    with client(ctx) as opened:
        rows = [_row(token) for token in opened.store.access.tokens(account)]
    print_rows(rows, COLUMNS, as_json=as_json, empty="No tokens.", minor=("created", "kind"))


@tokens.command()
@click.argument("token_id", metavar="ID", type=int)
@click.option("--reason", default="", help="Why; kept in the ledger.")
@click.pass_context
def revoke(ctx: click.Context, token_id: int, reason: str) -> None:
    """Revoke the token with this ID; running servers refuse it within five seconds."""
    with client(ctx) as opened:
        gone = opened.store.access.revoke_token(TokenId(token_id), actor=opened.actor, reason=reason)
    click.echo(f"Revoked {gone.name!r} of {gone.account}.")


def make_token(
    access: AccessStore,
    account: str,
    name: str,
    *,
    limit: Role | None = None,
    expires_ms: int | None = None,
    actor: str,
    reason: str,
) -> tuple[str, Token]:
    """Add a token to an account; return its secret, which is kept nowhere, and what is stored."""
    secret = new_secret()
    new = NewToken(
        account=account, name=name, digest=secret_digest(secret), limit=limit, expires_ms=expires_ms
    )
    return secret, access.add_token(new, actor=actor, reason=reason)


def _row(token: Token) -> dict[str, Any]:
    return {
        "id": int(token.id),
        "account": token.account,
        "name": token.name,
        "kind": "session" if token.kind is TokenKind.SESSION else "token",
        "limit": token.limit and token.limit.word,
        "created": when(token.created_ms),
        "expires": when(token.expires_ms),
        "used": when(token.last_used_ms),
    }
