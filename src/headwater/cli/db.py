"""`headwater db`: look after the database itself."""

import click

from headwater.cli.session import options_of
from headwater.sdk.client import places_of
from headwater.store import upgrade_store


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
@click.pass_context
def upgrade(ctx: click.Context) -> None:
    """Bring the tables to the version that this headwater needs."""
    before, after = upgrade_store(places_of(options_of(ctx).store).store)
    if before == after:
        click.echo(f"The store has schema {after} already.")
    else:
        click.echo(f"Upgraded the store from schema {before} to {after}.")
