"""`headwater data`: look at data sets and their versions."""

import click

from headwater.cli import data_validation
from headwater.cli.differences import print_difference
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
@click.argument("refs", metavar="REF...", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why; kept in the ledger.")
@click.pass_context
def delete(ctx: click.Context, refs: tuple[str, ...], reason: str) -> None:
    """Delete data versions such as data/NAME/2; recording the same content again restores one."""
    with client(ctx) as opened:
        opened.delete_data(refs, reason=reason)
    click.echo(f"Deleted {len(refs)} data versions; `headwater data restore` brings them back.")


@data.command()
@click.argument("refs", metavar="REF...", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why; kept in the ledger.")
@click.pass_context
def restore(ctx: click.Context, refs: tuple[str, ...], reason: str) -> None:
    """Bring deleted data versions back."""
    with client(ctx) as opened:
        opened.restore_data(refs, reason=reason)
    click.echo(f"Restored {len(refs)} data versions.")


@data.command()
@click.argument("ref")
@json_option
@click.pass_context
def show(ctx: click.Context, ref: str, *, as_json: bool) -> None:
    """Show the versions of a data set, or one of them; REF is data/NAME or data/NAME/2."""
    parsed = _data_ref(ref)
    with client(ctx) as opened:
        if parsed.version is not None:
            print_facts(data_row(opened.store.data.version(parsed.name, parsed.version)), as_json=as_json)
            return
        opened.store.data.version(parsed.name)
        rows = [data_row(version) for version in opened.store.data.versions(parsed.name)]
    print_rows(rows, ("version", "rows", "anomalies", "digest", "created"), as_json=as_json, empty="")


@data.command()
@click.argument("name")
@click.argument("before", type=int)
@click.argument("after", type=int)
@click.option("--rows/--no-rows", default=True, show_default=True, help="Count the rows that differ.")
@click.option("--distances", is_flag=True, help="Tell instead how far the columns are apart.")
@json_option
@click.pass_context
def compare(
    ctx: click.Context, name: str, before: int, after: int, *, rows: bool, distances: bool, as_json: bool
) -> None:
    """Compare version BEFORE of data set NAME with version AFTER: rows, columns, and how they were made."""
    parsed = _data_ref(name)
    with client(ctx) as opened:
        if distances:
            refs = [str(DataRef(parsed.name, number)) for number in (after, before)]
            data_validation.print_distances(opened.data_gate.distances(*refs), as_json=as_json)
            return
        asked = opened.lineage(str(DataRef(parsed.name, before)))
        found = asked.diff(str(DataRef(parsed.name, after)), rows=rows)
    print_difference(found, as_json=as_json)


def _data_ref(text: str) -> DataRef:
    parsed = parse_ref(text if text.startswith("data/") else str(DataRef(text)))
    if not isinstance(parsed, DataRef):
        raise InvalidError(f"{text!r} is not a data set")
    return parsed


for _command in (
    data_validation.validate,
    data_validation.stats,
    data_validation.vouch,
    data_validation.schema,
):
    data.add_command(_command)
