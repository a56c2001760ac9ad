"""`headwater lineage`: where things come from and what came of them."""

from pathlib import Path
from typing import Final

import click

from headwater.cli.cells import printable
from headwater.cli.differences import print_difference
from headwater.cli.output import INCOMPLETE, json_option, print_json, print_rows
from headwater.cli.session import client
from headwater.errors import NotFoundError
from headwater.sdk.answers import Answer

MISSING_COLUMNS: Final = ("check", "standing", "of", "why", "call")
IMPACT_COLUMNS: Final = ("ref", "kind", "name", "stage", "aliases", "hops")
FORMATS: Final = ("tree", "mermaid", "dot")


@click.group()
def lineage() -> None:
    """Ask where things come from and what came of them."""


@lineage.command()
@click.argument("ref")
@click.option("--down", is_flag=True, help="What came of it, instead of what it was made from.")
@click.option("--max-hops", type=click.IntRange(0), help="Go no further than this.")
@click.option("--format", "shape", type=click.Choice(FORMATS), default="tree", show_default=True)
@json_option
@click.pass_context
def show(
    ctx: click.Context, ref: str, max_hops: int | None, shape: str, *, down: bool, as_json: bool
) -> None:
    """Show the lineage of REF, such as models/late-flights@production, data/flights/2 or runs/ID."""
    with client(ctx) as opened:
        asked = opened.lineage(ref)
        answer = asked.downstream(max_hops) if down else asked.upstream(max_hops)
    _print(answer, shape, as_json=as_json)


@lineage.command()
@click.argument("before")
@click.argument("after")
@click.option("--rows", is_flag=True, help="Count the rows that differ; reads both tables.")
@json_option
@click.pass_context
def diff(ctx: click.Context, before: str, after: str, *, rows: bool, as_json: bool) -> None:
    """Tell what differs between the histories of BEFORE and AFTER: data, code, params, packages, metrics."""
    with client(ctx) as opened:
        found = opened.lineage(before).diff(after, rows=rows)
    print_difference(found, as_json=as_json)


@lineage.command()
@click.argument("ref")
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
@click.pass_context
def unpack(ctx: click.Context, ref: str, folder: Path, *, as_json: bool) -> None:
    """Lay out in FOLDER what it takes to make REF again: code, changes, packages, params and inputs.

    Code comes from the repository at hand. FOLDER/REBUILD.md says how to go on, and what is missing.
    """
    with client(ctx) as opened:
        kit = opened.lineage(ref).unpack(folder)
    if as_json:
        print_json(kit.json())
    else:
        click.echo(kit.markdown(), nl=False)
    if not kit.is_complete:
        ctx.exit(INCOMPLETE)


@lineage.command()
@click.argument("ref")
@json_option
@click.pass_context
def missing(ctx: click.Context, ref: str, *, as_json: bool) -> None:
    """Tell what the record of REF lacks: data, code, params, environment, metrics, seed, evaluation."""
    with client(ctx) as opened:
        found = opened.lineage(ref).missing()
    if as_json:
        print_json(found.json())
        return
    click.echo(printable(str(found)))
    click.echo()
    print_rows(found.rows(), MISSING_COLUMNS, as_json=False, empty="")


@lineage.command()
@click.argument("ref")
@json_option
@click.pass_context
def impact(ctx: click.Context, ref: str, *, as_json: bool) -> None:
    """Tell everything that came from REF, versions in production first."""
    with client(ctx) as opened:
        found = opened.lineage(ref).impact()
    if as_json:
        print_json(found.json())
        return
    click.echo(printable(str(found)))
    if found.affected:
        click.echo()
        print_rows(found.rows(), IMPACT_COLUMNS, as_json=False, empty="")


@lineage.command()
@click.argument("start")
@click.argument("end")
@click.option("--format", "shape", type=click.Choice(FORMATS), default="tree", show_default=True)
@json_option
@click.pass_context
def path(ctx: click.Context, start: str, end: str, shape: str, *, as_json: bool) -> None:
    """Show a shortest path from START to END, up or down, and count the others."""
    with client(ctx) as opened:
        found = opened.lineage(start).path(end)
    if found is None:
        raise NotFoundError("path", f"{start} to {end}")
    _print(found, shape, as_json=as_json)
    if shape == "tree" and not as_json:
        click.echo(f"\n{found.sentence()}")


def _print(answer: Answer, shape: str, *, as_json: bool) -> None:
    if as_json:
        print_json(answer.json())
    elif shape == "mermaid":
        click.echo(answer.mermaid(), nl=False)
    elif shape == "dot":
        click.echo(answer.dot(), nl=False)
    else:
        click.echo(str(answer))
