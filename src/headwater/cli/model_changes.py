"""Commands that compare and change models: `headwater models search`, `compare`, `alias`, `rename` …."""

from typing import Any

import click

from headwater.cli.output import json_option, limit_option, print_facts, print_json, print_rows
from headwater.cli.rows import model_row, version_row
from headwater.cli.session import client
from headwater.errors import InvalidError
from headwater.model.refs import ModelRef
from headwater.registry.decisions import UNSAID

MODEL_COLUMNS = ("name", "versions", "production", "aliases", "owner", "description", "updated")
VERSION_COLUMNS = ("ref", "stage", "aliases", "metrics", "params", "tags", "format", "created")
MINOR_COLUMNS = ("format", "created", "updated")
FACT_COLUMNS = ("kind", "name", "left", "right", "change")
reason_option = click.option("--reason", required=True, help="Why; kept in the ledger.")


@click.command()
@click.argument("filter", default="")
@click.option("--versions", is_flag=True, help="Search versions instead of models.")
@click.option("--order-by", default="", metavar="FIELDS", help="Such as 'metrics.auc desc'.")
@limit_option
@json_option
@click.pass_context
def search(
    ctx: click.Context, filter: str, order_by: str, limit: int, *, versions: bool, as_json: bool
) -> None:
    """Find models, or with --versions versions, such as "stage = 'production' and metrics.auc > 0.7"."""
    with client(ctx) as opened:
        if versions:
            found = opened.models.search_versions(filter, order_by=order_by, limit=limit)
            rows, columns = [version_row(each) for each in found], VERSION_COLUMNS
        else:
            models = opened.models.search(filter, order_by=order_by)[:limit]
            rows, columns = [model_row(each) for each in models], MODEL_COLUMNS
    print_rows(rows, columns, as_json=as_json, empty="Nothing is like this.", minor=MINOR_COLUMNS)


@click.command()
@click.argument("name")
@click.argument("left")
@click.argument("right")
@click.option("--all", "shows_all", is_flag=True, help="What is the same, too.")
@json_option
@click.pass_context
def compare(ctx: click.Context, name: str, left: str, right: str, *, shows_all: bool, as_json: bool) -> None:
    """Put two versions of model NAME side by side; LEFT and RIGHT are numbers, stages or aliases."""
    with client(ctx) as opened:
        found = opened.models[name].compare(_label(left), _label(right))
    facts = found.facts if shows_all or as_json else found.differing
    rows: list[dict[str, Any]] = [
        {
            "kind": fact.kind,
            "name": fact.name,
            "left": fact.left,
            "right": fact.right,
            "change": fact.change,
            "differs": fact.differs,
        }
        for fact in facts
    ]
    if as_json:
        print_json({"left": found.left.ref, "right": found.right.ref, "facts": rows})
        return
    print_facts({"left": found.left.ref, "right": found.right.ref})
    click.echo()
    print_rows(rows, FACT_COLUMNS, as_json=False, empty="They differ in nothing.")


@click.command()
@click.argument("name")
@click.argument("alias")
@click.argument("version", type=int, required=False)
@click.option("--reason", default="", help="Why; kept in the ledger.")
@json_option
@click.pass_context
def alias(
    ctx: click.Context, name: str, alias: str, version: int | None, reason: str, *, as_json: bool
) -> None:
    """Point ALIAS at VERSION of model NAME; without VERSION, remove it."""
    with client(ctx) as opened:
        model = opened.models[name]
        if version is None:
            model.delete_alias(alias, reason=reason)
        else:
            model.set_alias(alias, version, reason=reason)
        row = model_row(model.info())
    print_facts(row, as_json=as_json)


@click.command()
@click.argument("name")
@click.argument("tags", nargs=-1, required=True, metavar="KEY=VALUE...")
@click.option("--version", type=int, help="Tag this version instead of the model.")
@json_option
@click.pass_context
def tag(ctx: click.Context, name: str, tags: tuple[str, ...], version: int | None, *, as_json: bool) -> None:
    """Set tags of model NAME; `KEY=` without a value removes one."""
    given = dict(_pair(text) for text in tags)
    with client(ctx) as opened:
        model = opened.models[name]
        model.describe(version, tags=given)
        row = model_row(model.info()) if version is None else version_row(model[version])
    print_facts(row, as_json=as_json)


@click.command()
@click.argument("name")
@click.option("--version", type=int, help="Describe this version instead of the model.")
@click.option("--description", help="What it is; empty removes it.")
@click.option("--owner", help="Whose it is; empty removes it.")
@click.option("--reason", default="", help="Why; kept in the ledger.")
@json_option
@click.pass_context
def describe(
    ctx: click.Context,
    name: str,
    version: int | None,
    description: str | None,
    owner: str | None,
    reason: str,
    *,
    as_json: bool,
) -> None:
    """Set description and owner of model NAME, or the description of a version."""
    with client(ctx) as opened:
        model = opened.models[name]
        model.describe(version, description=_fact(description), owner=_fact(owner), reason=reason)
        row = model_row(model.info()) if version is None else version_row(model[version])
    print_facts(row, as_json=as_json)


@click.command()
@click.argument("name")
@click.argument("new_name")
@reason_option
@json_option
@click.pass_context
def rename(ctx: click.Context, name: str, new_name: str, reason: str, *, as_json: bool) -> None:
    """Call model NAME NEW_NAME; its versions, stages, aliases and history stay with it."""
    with client(ctx) as opened:
        opened.models[name].rename(new_name, reason=reason)
        row = model_row(opened.models[new_name].info())
    print_facts(row, as_json=as_json)


@click.command()
@click.argument("name")
@click.argument("version", type=int)
@reason_option
@click.option("--undo", is_flag=True, help="Take the deprecation back.")
@json_option
@click.pass_context
def deprecate(ctx: click.Context, name: str, version: int, reason: str, *, undo: bool, as_json: bool) -> None:
    """Say that nobody should use VERSION of model NAME any more."""
    with client(ctx) as opened:
        model = opened.models[name]
        act = model.undeprecate if undo else model.deprecate
        act(version, reason=reason)
        row = version_row(model[version])
    print_facts(row, as_json=as_json)


@click.command()
@click.argument("name")
@click.argument("version", type=int, required=False)
@reason_option
@click.option("--force", is_flag=True, help="Also what was in production once.")
@json_option
@click.pass_context
def delete(
    ctx: click.Context, name: str, version: int | None, reason: str, *, force: bool, as_json: bool
) -> None:
    """Delete VERSION of model NAME, or the model with all versions; `restore` takes it back."""
    with client(ctx) as opened:
        model = opened.models[name]
        if version is None:
            model.delete(reason=reason, force=force)
        else:
            model.delete_version(version, reason=reason, force=force)
    print_facts({"deleted": _ref(name, version)}, as_json=as_json)


@click.command()
@click.argument("name")
@click.argument("version", type=int, required=False)
@reason_option
@json_option
@click.pass_context
def restore(ctx: click.Context, name: str, version: int | None, reason: str, *, as_json: bool) -> None:
    """Take the deletion of VERSION of model NAME back, or of the model."""
    with client(ctx) as opened:
        model = opened.models[name]
        if version is None:
            model.restore(reason=reason)
        else:
            model.restore_version(version, reason=reason)
    print_facts({"restored": _ref(name, version)}, as_json=as_json)


def _ref(name: str, version: int | None) -> str:
    return str(ModelRef(name, version))


def _fact(text: str | None) -> str | None:
    return UNSAID if text is None else text or None


def _label(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _pair(text: str) -> tuple[str, str | None]:
    key, sign, value = text.partition("=")
    if not key or not sign:
        raise InvalidError(f"{text!r} is not KEY=VALUE")
    return key, value or None
