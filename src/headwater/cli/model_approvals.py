"""`headwater models request`, `approve`, `reject`, `withdraw`, `requests`: people's side of a move."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from headwater.cli.output import json_option, print_facts, print_rows
from headwater.cli.rows import request_row
from headwater.cli.session import client
from headwater.model.approvals import ApprovalRequest
from headwater.registry import Model

COLUMNS = ("ref", "to", "state", "approvals", "approved", "rejected", "requester", "reason", "created")
MINOR_COLUMNS = ("created", "requester")
C = TypeVar("C", bound=Callable[..., Any])


def decision_options(command: C) -> C:
    """Give a command a model, a version, a stage and a reason."""
    for option in (
        json_option,
        click.option("--reason", required=True, help="Why; kept in the ledger."),
        click.option("--to", default="production", show_default=True, help="The stage."),
        click.argument("version", type=int),
        click.argument("name"),
    ):
        command = option(command)
    return command


@click.command()
@decision_options
@click.pass_context
def request(ctx: click.Context, name: str, version: int, to: str, reason: str, *, as_json: bool) -> None:
    """Ask that VERSION of model NAME may go to a stage."""
    _decide(ctx, name, lambda model: model.request(version, to=to, reason=reason), as_json=as_json)


@click.command()
@decision_options
@click.pass_context
def approve(ctx: click.Context, name: str, version: int, to: str, reason: str, *, as_json: bool) -> None:
    """Approve the open request of VERSION of model NAME."""
    _decide(ctx, name, lambda model: model.approve(version, to=to, reason=reason), as_json=as_json)


@click.command()
@decision_options
@click.pass_context
def reject(ctx: click.Context, name: str, version: int, to: str, reason: str, *, as_json: bool) -> None:
    """Reject the open request of VERSION of model NAME."""
    _decide(ctx, name, lambda model: model.reject(version, to=to, reason=reason), as_json=as_json)


@click.command()
@decision_options
@click.option("--vote", is_flag=True, help="Take your own vote back instead.")
@click.pass_context
def withdraw(
    ctx: click.Context, name: str, version: int, to: str, reason: str, *, as_json: bool, vote: bool
) -> None:
    """Close the open request of VERSION of model NAME, or take your vote on it back."""

    def step(model: Model) -> ApprovalRequest:
        act = model.take_back if vote else model.withdraw
        return act(version, to=to, reason=reason)

    _decide(ctx, name, step, as_json=as_json)


@click.command()
@click.argument("name", required=False)
@click.option("--all", "shows_all", is_flag=True, help="Those that are closed, too.")
@json_option
@click.pass_context
def requests(ctx: click.Context, name: str | None, *, shows_all: bool, as_json: bool) -> None:
    """List the open requests for all models, or for model NAME."""
    with client(ctx) as opened:
        source = opened.models[name] if name else opened.models
        rows = [request_row(each) for each in source.requests(only_open=not shows_all)]
    print_rows(rows, COLUMNS, as_json=as_json, empty="No requests are open.", minor=MINOR_COLUMNS)


def _decide(
    ctx: click.Context, name: str, step: Callable[[Model], ApprovalRequest], *, as_json: bool
) -> None:
    with client(ctx) as opened:
        row = request_row(step(opened.models[name]))
    print_facts(row, as_json=as_json)
