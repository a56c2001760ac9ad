"""`headwater runs`: look at runs."""

from collections.abc import Sequence

import click

from headwater.cli.differences import print_differences
from headwater.cli.output import json_option, limit_option, print_facts, print_json, print_rows
from headwater.cli.rows import metric_row, run_row
from headwater.cli.session import client
from headwater.errors import InvalidError
from headwater.model.runs import Run

COLUMNS = ("run", "name", "experiment", "status", "start", "seconds", "metrics", "params")
MINOR_COLUMNS = ("seconds", "start", "name")
METRIC_COLUMNS = ("metric", "last", "step", "min", "max", "points")


@click.group()
def runs() -> None:
    """Look at runs, delete and restore them."""


@runs.command("list")
@click.option("--experiment", help="Only runs of this experiment.")
@limit_option
@json_option
@click.pass_context
def list_runs(ctx: click.Context, experiment: str | None, limit: int, *, as_json: bool) -> None:
    """List runs, newest first."""
    with client(ctx) as opened:
        if opened.moment_ms is None:
            opened.session.recover()
        quoted = experiment.replace("'", "''") if experiment else None
        found = opened.search_runs(f"experiment = '{quoted}'" if quoted else "", limit=limit)
    _print(found, as_json=as_json)


@runs.command()
@click.argument("filter")
@click.option("--order-by", default="", help="Such as 'metrics.auc desc'.")
@limit_option
@json_option
@click.pass_context
def search(ctx: click.Context, filter: str, order_by: str, limit: int, *, as_json: bool) -> None:
    """Find runs by a FILTER such as "metrics.auc > 0.7 and params.lr = 0.1"."""
    with client(ctx) as opened:
        found = opened.search_runs(filter, order_by=order_by, limit=limit)
    _print(found, as_json=as_json)


@runs.command()
@click.argument("run_id")
@json_option
@click.pass_context
def show(ctx: click.Context, run_id: str, *, as_json: bool) -> None:
    """Show one run; RUN_ID may be shortened as long as it is unique."""
    with client(ctx) as opened:
        run = opened.get_run(run_id)
    facts = run_row(run)
    metrics = [metric_row(metric) for metric in run.metrics.values()]
    if as_json:
        print_json({**facts, "series": metrics})
        return
    print_facts({k: v for k, v in facts.items() if k not in {"metrics", "run", "captured"}})
    if metrics:
        click.echo()
        print_rows(metrics, METRIC_COLUMNS, as_json=False, empty="")
    if facts["captured"]:
        click.echo("\ncaptured")
        print_facts(facts["captured"])


@runs.command()
@click.argument("run_ids", nargs=-1, required=True, metavar="RUN RUN [RUN]...")
@json_option
@click.pass_context
def compare(ctx: click.Context, run_ids: Sequence[str], *, as_json: bool) -> None:
    """Compare runs with the first one: what they read, their code, params, packages and metrics."""
    if len(run_ids) < 2:
        raise InvalidError("two runs are needed to compare them")
    with client(ctx) as opened:
        first, *others = (opened.get_run(text) for text in run_ids)
        asked = opened.lineage(f"runs/{first.run_id}")
        found = [asked.diff(f"runs/{other.run_id}") for other in others]
    print_differences(found, as_json=as_json)


@runs.command()
@click.argument("run_ids", metavar="RUN...", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why; kept in the ledger.")
@click.option("--force", is_flag=True, help="Also runs whose model versions are registered.")
@click.pass_context
def delete(ctx: click.Context, run_ids: tuple[str, ...], reason: str, *, force: bool) -> None:
    """Delete runs: lists leave them out, lineage still shows them; `restore` brings them back until `gc`."""
    with client(ctx) as opened:
        opened.delete_runs(run_ids, reason=reason, force=force)
    click.echo(f"Deleted {len(run_ids)} runs; `headwater runs restore` brings them back.")


@runs.command()
@click.argument("run_ids", metavar="RUN...", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why; kept in the ledger.")
@click.pass_context
def restore(ctx: click.Context, run_ids: tuple[str, ...], reason: str) -> None:
    """Bring deleted runs back."""
    with client(ctx) as opened:
        opened.restore_runs(run_ids, reason=reason)
    click.echo(f"Restored {len(run_ids)} runs.")


def _print(found: list[Run], *, as_json: bool) -> None:
    rows = [run_row(run) for run in found]
    empty = "No runs match. `headwater demo` makes some to look at."
    print_rows(rows, COLUMNS, as_json=as_json, empty=empty, minor=MINOR_COLUMNS)
