"""`headwater data`: look at data sets and their versions."""

import click

from headwater.cli.output import json_option, print_facts, print_rows, when
from headwater.cli.rows import data_row
from headwater.cli.session import client
from headwater.errors import InvalidError
from headwater.model.refs import DataRef, parse_ref


@click.group()
def data() -> None:
    """Look at data sets and their versions."""


@data.command("list")
@json_option
@click.pass_context
def list_data(ctx: click.Context, *, as_json: bool) -> None:
    """List data sets, by name."""
    with client(ctx) as opened:
        rows = [
            {
                "ref": f"data/{d.name}",
                "name": d.name,
                "versions": d.version_count,
                "created": when(d.created_ms),
            }
            for d in opened.store.data.all()
        ]
    print_rows(rows, ("name", "versions", "created"), as_json=as_json, empty="No data sets yet.")


@data.command()
@click.argument("ref")
@json_option
@click.pass_context
def show(ctx: click.Context, ref: str, *, as_json: bool) -> None:
    """Show the versions of a data set, or one of them; REF is data/NAME or data/NAME/2."""
    parsed = parse_ref(ref if ref.startswith("data/") else str(DataRef(ref)))
    if not isinstance(parsed, DataRef):
        raise InvalidError(f"{ref!r} is not a data set")
    with client(ctx) as opened:
        if parsed.version is not None:
            print_facts(data_row(opened.store.data.version(parsed.name, parsed.version)), as_json=as_json)
            return
        opened.store.data.version(parsed.name)
        rows = [data_row(version) for version in opened.store.data.versions(parsed.name)]
    print_rows(rows, ("version", "rows", "anomalies", "digest", "created"), as_json=as_json, empty="")
