"""`headwater export`: write the store in another program's form."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headwater.cli.imports import progress_bar
from headwater.cli.output import json_option, print_json, print_rows
from headwater.cli.session import options_of
from headwater.sdk.client import places_of
from headwater.store import open_store

if TYPE_CHECKING:
    from headwater.compat.mlmd.exporting import ExportReport


@click.group(name="export")
def exports() -> None:
    """Write the store in another program's form."""


@exports.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
@click.pass_context
def mlmd(ctx: click.Context, file: Path, *, as_json: bool) -> None:
    """Write the store into the new SQLite FILE, as ML Metadata does: what its clients see of the store.

    What ML Metadata cannot say is counted at the end.
    """
    from headwater.compat.mlmd.exporting import export_database

    with (
        open_store(places_of(options_of(ctx).store).store) as store,
        progress_bar(is_shown=not as_json) as watch,
    ):
        report = export_database(store, file.absolute(), watch=watch)
    _print(report, as_json=as_json)


def _print(report: "ExportReport", *, as_json: bool) -> None:
    if as_json:
        counts = {"tables": report.tables, "altered": +report.altered, "left_out": +report.left_out}
        print_json({"file": str(report.file), **{name: dict(each) for name, each in counts.items()}})
        return
    rows = [{"table": name, "rows": count} for name, count in report.tables.items()]
    print_rows(rows, ("table", "rows"), as_json=False, empty="")
    _print_counts("In another form", report.altered)
    _print_counts("Left out, as ML Metadata has no place for it", report.left_out)
    click.echo(f"Wrote {report.file}.")


def _print_counts(title: str, counts: Counter[str]) -> None:
    for words, count in (+counts).items():
        click.echo(f"{title}: {count:,} {words}.")
