"""`headwater ledger`: look at the record of decisions."""

import click

from headwater.cli.output import json_option, limit_option, print_rows
from headwater.cli.rows import ledger_row
from headwater.cli.session import client

COLUMNS = ("seq", "time", "actor", "action", "subject", "details", "reason")


@click.group()
def ledger() -> None:
    """Look at the record of decisions."""


@ledger.command()
@click.option("--subject", help="Only decisions on this reference or below it, such as models/late-flights.")
@limit_option
@json_option
@click.pass_context
def show(ctx: click.Context, subject: str | None, limit: int, *, as_json: bool) -> None:
    """Show decisions, oldest first."""
    with client(ctx) as opened:
        rows = [ledger_row(entry) for entry in opened.store.ledger.entries(subject=subject, limit=limit)]
    print_rows(rows, COLUMNS, as_json=as_json, empty="No decisions yet.")
