"""`headwater sync`: send what journals of ended processes still hold."""

import click

from headwater.cli.session import client


@click.command()
@click.pass_context
def sync(ctx: click.Context) -> None:
    """Send to the store what ended processes of this project could not."""
    with client(ctx) as opened:
        lost = opened.session.recover()
    click.echo("The store has everything that was logged here.")
    for run_id in lost:
        click.echo(f"runs/{run_id} was lost: its process ended without a word.")
