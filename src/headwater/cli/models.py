"""`headwater models`: look at registered models and decide on their versions."""

import click

from headwater.cli import model_approvals, model_changes, model_judging, model_releases
from headwater.cli.output import json_option, print_facts, print_json, print_rows
from headwater.cli.rows import ledger_row, model_row, version_row
from headwater.cli.session import client
from headwater.errors import InvalidError
from headwater.model.refs import ModelRef, parse_ref
from headwater.registry import version_of

MODEL_COLUMNS = ("name", "versions", "production", "aliases", "description", "updated")
STANDING_COLUMNS = ("name", "production", "stages", "aliases", "versions")
VERSION_COLUMNS = ("version", "stage", "aliases", "metrics", "format", "created")
MINOR_COLUMNS = ("format", "created")

no_load_option = click.option("--no-load", is_flag=True, help="Check only the digest; do not load the model.")


@click.group()
def models() -> None:
    """Look at registered models and decide on their versions."""


@models.command("list")
@json_option
@click.pass_context
def list_models(ctx: click.Context, *, as_json: bool) -> None:
    """List registered models, by name."""
    with client(ctx) as opened:
        rows = [model_row(model) for model in opened.models.search()]
    print_rows(rows, MODEL_COLUMNS, as_json=as_json, empty="No models are registered yet.")


@models.command()
@click.argument("ref")
@json_option
@click.pass_context
def show(ctx: click.Context, ref: str, *, as_json: bool) -> None:
    """Show a model with its versions, or one version; REF is NAME or models/NAME/3."""
    parsed = _model_ref(ref)
    with client(ctx) as opened:
        if parsed.version is not None or parsed.label is not None:
            print_facts(version_row(version_of(opened.store, str(parsed))), as_json=as_json)
            return
        model = opened.models[parsed.name]
        facts = model_row(model.info())
        versions = [version_row(version) for version in model.versions()]
        decisions = [ledger_row(entry) for entry in model.history()]
    if as_json:
        print_json({**facts, "version_list": versions, "decisions": decisions})
        return
    print_facts(facts)
    click.echo()
    print_rows(versions, VERSION_COLUMNS, as_json=False, empty="It has no versions.", minor=MINOR_COLUMNS)


@models.command()
@click.argument("ref")
@json_option
@click.pass_context
def card(ctx: click.Context, ref: str, *, as_json: bool) -> None:
    """Explain REF, such as models/late-flights@production, for people: a model card as Markdown.

    What it is, where it comes from, how good it is, who decided, where it runs, and what is not known.
    """
    with client(ctx) as opened:
        found = opened.lineage(ref).card()
    if as_json:
        print_json(found.json())
    else:
        click.echo(found.markdown(), nl=False)


@models.command()
@click.argument("name")
@click.argument("version", type=int)
@click.option("--to", default="production", show_default=True, help="The stage.")
@click.option("--reason", required=True, help="Why; kept in the ledger.")
@no_load_option
@json_option
@click.pass_context
def promote(
    ctx: click.Context, name: str, version: int, to: str, reason: str, *, no_load: bool, as_json: bool
) -> None:
    """Move VERSION of model NAME to a stage."""
    with client(ctx) as opened:
        moved = opened.models[name].promote(version, to, reason=reason, loads=not no_load)
    print_facts(version_row(moved), as_json=as_json)


@models.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; kept in the ledger.")
@click.option("--stage", default="production", show_default=True, help="The stage.")
@click.option("--version", type=int, help="A version that was there; else the one before the present one.")
@no_load_option
@json_option
@click.pass_context
def rollback(
    ctx: click.Context,
    name: str,
    reason: str,
    stage: str,
    version: int | None,
    *,
    no_load: bool,
    as_json: bool,
) -> None:
    """Put the version of model NAME back that was in production before."""
    with client(ctx) as opened:
        moved = opened.models[name].rollback(reason=reason, stage=stage, version=version, loads=not no_load)
    print_facts(version_row(moved), as_json=as_json)


@models.command("at")
@click.argument("time")
@click.argument("name", required=False)
@json_option
@click.pass_context
def standing_at(ctx: click.Context, time: str, name: str | None, *, as_json: bool) -> None:
    """Show what was in production, and in each stage, at TIME (UTC), such as 2013-08-14T09:00."""
    with client(ctx) as opened:
        then = opened.at(time).models
        rows = [model_row(model) for model in ([then[name].info()] if name else then.search())]
    print_rows(rows, STANDING_COLUMNS, as_json=as_json, empty="No models were registered then.")


for _command in (
    model_approvals.request,
    model_approvals.approve,
    model_approvals.reject,
    model_approvals.withdraw,
    model_approvals.requests,
    model_changes.search,
    model_changes.compare,
    model_changes.alias,
    model_changes.tag,
    model_changes.describe,
    model_changes.rename,
    model_changes.deprecate,
    model_changes.delete,
    model_changes.restore,
    model_judging.judge,
    model_judging.evaluate,
    model_releases.verdict,
    model_releases.deploy,
    model_releases.status,
    model_releases.process,
):
    models.add_command(_command)


def _model_ref(text: str) -> ModelRef:
    parsed = parse_ref(text if text.startswith("models/") else str(ModelRef(text)))
    if not isinstance(parsed, ModelRef):
        raise InvalidError(f"{text!r} is not a model")
    return parsed
