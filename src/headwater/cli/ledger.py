"""`headwater ledger`: look at the record of decisions."""

from collections import deque
from collections.abc import Mapping
from typing import Any

import click

from headwater.cli.cells import cell
from headwater.cli.output import json_option, limit_option, print_rows
from headwater.cli.rows import ledger_row
from headwater.cli.session import client
from headwater.model.models import LedgerEntry

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
    """Show the newest decisions, oldest of them first."""
    newest = deque[LedgerEntry](maxlen=limit)
    with client(ctx) as opened:
        while more := opened.store.ledger.entries(subject=subject, after=newest[-1].seq if newest else 0):
            newest += more
    rows = [ledger_row(entry) for entry in newest]
    if not as_json:
        # A decision is shown whole: a mapping would be cut to one line.
        rows = [row | {"details": cell(_given(row["details"]))} for row in rows]
    print_rows(rows, COLUMNS, as_json=as_json, empty="No decisions yet.")


def _given(details: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in details.items() if value is not None}
