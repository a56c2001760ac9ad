"""`headwater import`: bring what another program stored into the store."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from headwater.cli.output import INCOMPLETE, json_option, print_json, print_rows
from headwater.cli.session import client, options_of
from headwater.compat.counting import Watch
from headwater.sdk.client import places_of
from headwater.store import open_store

# Loaded by the command that speaks it: `headwater --help` must not wait for it, nor need its extra.
if TYPE_CHECKING:
    from headwater.compat.mlflow.importing import MlflowReport
    from headwater.compat.mlmd.importing import ImportReport

COLUMNS = ("table", "source", "store", "added", "changed", "newer", "removed", "missing")
EXAMPLES = 5


@click.group(name="import")
def imports() -> None:
    """Bring what another program stored into the store."""


@imports.command()
@click.argument("source")
@json_option
@click.pass_context
def mlmd(ctx: click.Context, source: str, *, as_json: bool) -> None:
    """Bring a database of ML Metadata into the store.

    SOURCE is a SQLite file, or a mysql:// or postgresql:// URL. Ids, times and states are kept, the source
    is not changed, and what is in the store already stays: run it again to go on after an interruption, or
    for what is new.
    """
    from headwater.compat.mlmd.importing import import_database, open_source

    with (
        open_source(source) as opened,
        open_store(places_of(options_of(ctx).store).store) as store,
        progress_bar(is_shown=not as_json) as watch,
    ):
        report = import_database(opened, store, watch=watch)
    _print(report, as_json=as_json)
    if not report.is_complete:
        ctx.exit(INCOMPLETE)


@imports.command()
@click.argument("source")
@json_option
@click.pass_context
def mlflow(ctx: click.Context, source: str, *, as_json: bool) -> None:
    """Bring what MLflow stored into the store.

    SOURCE is a database, by the URL that MLflow's server was started with (sqlite:///, postgresql:// or
    mysql://), a folder, such as mlruns, or the http:// or https:// address of a running server. Run ids,
    model ids, version numbers and times are kept, files on this machine's disk or behind the server's proxy
    are copied, and the source is not changed. Run it again for what is new.

    A server is asked with MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.
    """
    from headwater.compat.mlflow.importing import import_mlflow, open_tables

    with (
        open_tables(source) as tables,
        client(ctx) as opened,
        progress_bar(is_shown=not as_json) as watch,
    ):
        report = import_mlflow(tables, opened.store, opened.blobs, watch=watch)
    _print_mlflow(report, as_json=as_json)
    if not report.is_complete:
        ctx.exit(INCOMPLETE)


@imports.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@json_option
@click.pass_context
def openlineage(ctx: click.Context, files: tuple[Path, ...], *, as_json: bool) -> None:
    """Bring events of OpenLineage into the store.

    FILES hold a JSON object a line, or one each, as OpenLineage's file transport writes them; of a folder all
    files are read. Events are taken in the order of their times; those that are in the store already change
    nothing. A server takes the same events at /api/v1/lineage.
    """
    from headwater.compat.openlineage.importing import import_events
    from headwater.fingerprints import state_of_uri

    with (
        open_store(places_of(options_of(ctx).store).store) as store,
        progress_bar(is_shown=not as_json) as watch,
    ):
        report = import_events(files, store, state_of_uri, watch=watch)
    if as_json:
        print_json({"taken": report.taken, "refused": list(report.refused)})
    else:
        click.echo(f"{report.taken:,} events are in the store.")
        _print_examples("Left out", report.refused)
    if report.refused:
        ctx.exit(INCOMPLETE)


@contextmanager
def progress_bar(*, is_shown: bool = True) -> Generator[Watch]:
    """Show on the terminal, if there is one, how far each step of a long command is."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not (is_shown and console.is_terminal)
    ) as bar:
        tasks: dict[str, Any] = {}

        def watch(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total)
            bar.update(tasks[step], completed=done)

        yield watch


def _print_mlflow(report: "MlflowReport", *, as_json: bool) -> None:
    rows = [
        {"table": name, **asdict(count), "missing": count.missing} for name, count in report.tables.items()
    ]
    if as_json:
        lists = {"elsewhere": list(report.elsewhere), "refused": list(report.refused)}
        print_json({"complete": report.is_complete, "tables": rows, **lists})
        return
    print_rows(rows, COLUMNS, as_json=False, empty="", minor=("removed", "newer", "changed"))
    for each in report.refused[:EXAMPLES]:
        click.echo(f"Left out: {each}")
    if len(report.refused) > EXAMPLES:
        click.echo(f"and {len(report.refused) - EXAMPLES:,} more.")
    if report.elsewhere:
        click.echo(f"{len(report.elsewhere):,} places of files are out of reach; their URIs are kept.")


def _print(report: "ImportReport", *, as_json: bool) -> None:
    rows = [
        {"table": name, **asdict(count), "missing": count.missing} for name, count in report.tables.items()
    ]
    if as_json:
        whole = {
            "schema": report.version,
            "complete": report.is_complete,
            "tables": rows,
            "unreadable": list(report.unreadable),
            "merged": list(report.merged),
            "renamed": list(report.renamed),
        }
        print_json(whole)
        return
    print_rows(rows, COLUMNS, as_json=False, empty="", minor=("removed", "newer", "changed"))
    _print_examples("Left out, as it holds nothing that can be read", report.unreadable)
    _print_examples("Equal types became one", report.merged)
    _print_examples("Has another name now, as two of equal types had it", report.renamed)
    if report.is_complete:
        click.echo(f"All of schema {report.version} is in the store.")
    else:
        missing = sum(count.missing for count in report.tables.values())
        click.echo(f"{missing:,} rows of the source are not in the store.")


def _print_examples(title: str, found: Sequence[str]) -> None:
    for each in found[:EXAMPLES]:
        click.echo(f"{title}: {each}")
    if len(found) > EXAMPLES:
        click.echo(f"and {len(found) - EXAMPLES:,} more.")
