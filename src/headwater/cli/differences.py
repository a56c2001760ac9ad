"""Printing what differs between histories."""

from collections.abc import Sequence

import click

from headwater.cli.cells import printable
from headwater.cli.output import print_json, print_rows
from headwater.provenance.difference import Difference

COLUMNS = ("section", "what", "before", "after", "note")


def print_difference(difference: Difference, *, as_json: bool) -> None:
    """Print the sentence and a table of the changes, or JSON."""
    if as_json:
        print_json(difference.json())
        return
    click.echo(printable(str(difference)))
    if rows := difference.rows():
        click.echo()
        print_rows(rows, COLUMNS, as_json=False, empty="")


def print_differences(differences: Sequence[Difference], *, as_json: bool) -> None:
    """Print several differences from the same thing; as JSON one array."""
    if as_json:
        print_json([difference.json() for difference in differences])
        return
    for place, difference in enumerate(differences):
        if place:
            click.echo()
        print_difference(difference, as_json=False)
