"""`headwater sync`: send what journals of ended processes still hold."""

import click

from headwater.cli.output import json_option, print_json
from headwater.cli.session import client


@click.command()
@json_option
@click.pass_context
def sync(ctx: click.Context, *, as_json: bool) -> None:
    """Send to the store what ended processes of this project could not."""
    with client(ctx) as opened:
        report = opened.session.sync()
        lost = opened.session.recover()
    if as_json:
        refusals = [str(refusal) for refusal in report.refusals]
        print_json({"journals": report.journals, "points": report.points, "refused": refusals, "lost": lost})
        return
    click.echo(f"Sent {report.points} points of {report.journals} ended processes; nothing waits here now.")
    for refusal in report.refusals:
        click.echo(f"The store refuses, and the journal's folder keeps: {refusal}")
    for run_id in lost:
        click.echo(f"runs/{run_id} was lost: its process ended without a word.")
