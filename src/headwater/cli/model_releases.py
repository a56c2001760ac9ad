"""`headwater models verdict`, `deploy`, `status`, `process`: what gates say, what runs, and the rules."""

import json
import tomllib
from pathlib import Path
from typing import Any, cast

import click

from headwater.cli.output import json_option, print_facts, print_json, print_rows
from headwater.cli.rows import deployment_row, request_row, verdict_row
from headwater.cli.session import client
from headwater.errors import InvalidError
from headwater.model.process_files import process_from, process_values
from headwater.model.verdicts import Outcome
from headwater.registry import Model, Registry

VERDICT_COLUMNS = ("gate", "outcome", "summary", "facts", "baseline", "actor", "time")
DEPLOYMENT_COLUMNS = ("target", "version", "url", "note", "actor", "time")
REQUEST_COLUMNS = ("to", "state", "approvals", "approved", "rejected", "requester", "reason")


@click.command()
@click.argument("name")
@click.argument("version", type=int)
@click.argument("gate")
@click.argument("outcome", type=click.Choice([str(outcome) for outcome in Outcome]))
@click.option("--summary", default="", help="The finding in words.")
@click.option("--facts", default="{}", metavar="JSON", help="What it rests on, as a JSON object.")
@click.option("--baseline", type=int, help="Number of the version that it was compared with.")
@json_option
@click.pass_context
def verdict(
    ctx: click.Context,
    name: str,
    version: int,
    gate: str,
    outcome: str,
    summary: str,
    facts: str,
    baseline: int | None,
    *,
    as_json: bool,
) -> None:
    """Store what GATE found about VERSION of model NAME: pass, fail or insufficient."""
    given = _object(facts)
    with client(ctx) as opened:
        stored = opened.models[name].add_verdict(
            version, gate=gate, outcome=outcome, summary=summary, facts=given, baseline=baseline
        )
    print_facts(verdict_row(stored), as_json=as_json)


@click.command()
@click.argument("name")
@click.argument("version", type=int, required=False)
@click.option("--target", required=True, help="Where it runs, such as eu-1/scoring.")
@click.option("--url", help="Where it answers.")
@click.option("--note", default="", help="What is to be known about it.")
@json_option
@click.pass_context
def deploy(
    ctx: click.Context,
    name: str,
    version: int | None,
    target: str,
    url: str | None,
    note: str,
    *,
    as_json: bool,
) -> None:
    """Record that VERSION of model NAME was put, or seen, at a target; without VERSION, taken away."""
    with client(ctx) as opened:
        stored = opened.models[name].record_deployment(version, target=target, url=url, note=note)
    print_facts(deployment_row(stored), as_json=as_json)


@click.command()
@click.argument("name")
@click.argument("version", type=int)
@click.option("--to", default="production", show_default=True, help="The stage to try.")
@json_option
@click.pass_context
def status(ctx: click.Context, name: str, version: int, to: str, *, as_json: bool) -> None:
    """Show verdicts, approvals, intended stage and deployments of a version, and what a move lacks."""
    with client(ctx) as opened:
        model = opened.models[name]
        found = model.status(version)
        missing = [] if found.stage == to else [str(need) for need in model.missing(version, to)]
    facts: dict[str, Any] = {
        "ref": found.version.ref,
        "stage": found.stage,
        "aliases": list(found.aliases),
        "deprecated": found.deprecation.reason if found.deprecation else None,
        "missing": missing,
        "disagreements": list(found.disagreements),
    }
    tables = {
        "verdicts": ([verdict_row(each) for each in found.verdicts.values()], VERDICT_COLUMNS),
        "requests": ([request_row(each) for each in found.requests], REQUEST_COLUMNS),
        "deployments": ([deployment_row(each) for each in found.deployments], DEPLOYMENT_COLUMNS),
    }
    if as_json:
        print_json(facts | {key: rows for key, (rows, _) in tables.items()})
        return
    print_facts(facts | {"missing": "; ".join(missing), "disagreements": "; ".join(found.disagreements)})
    for key, (rows, columns) in tables.items():
        click.echo()
        print_rows(rows, columns, as_json=False, empty=f"No {key}.")


@click.group()
def process() -> None:
    """Show or set the rules by which versions are released."""


@process.command("show")
@click.option("--model", metavar="NAME", help="Of this model; else of all that have none of their own.")
@json_option
@click.pass_context
def show_process(ctx: click.Context, model: str | None, *, as_json: bool) -> None:
    """Show the release process: transitions, exclusive stages, policies and roles."""
    with client(ctx) as opened:
        values = process_values(_owner(opened.models, model).process())
    print_facts(values, as_json=as_json)


@process.command("set")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--model", metavar="NAME", help="For this model; else for all that have none of their own.")
@click.option("--reason", required=True, help="Why; kept in the ledger.")
@json_option
@click.pass_context
def set_process(ctx: click.Context, file: Path, model: str | None, reason: str, *, as_json: bool) -> None:
    """Take the release process from FILE, written in TOML."""
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidError(f"{file} is not TOML: {error}") from error
    with client(ctx) as opened:
        owner = _owner(opened.models, model)
        owner.set_process(process_from(given), reason=reason)
        values = process_values(owner.process())
    print_facts(values, as_json=as_json)


@process.command("unset")
@click.option("--model", metavar="NAME", help="Of this model; else of all that have none of their own.")
@click.option("--reason", required=True, help="Why; kept in the ledger.")
@json_option
@click.pass_context
def unset_process(ctx: click.Context, model: str | None, reason: str, *, as_json: bool) -> None:
    """Take a release process away: a model follows that of all, and all follow the built-in one."""
    with client(ctx) as opened:
        owner = _owner(opened.models, model)
        owner.set_process(None, reason=reason)
        values = process_values(owner.process())
    print_facts(values, as_json=as_json)


def _owner(models: Registry, name: str | None) -> Model | Registry:
    return models if name is None else models[name]


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidError(f"--facts is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InvalidError("--facts must be a JSON object, such as '{\"auc\": 0.7}'")
    return cast("dict[str, Any]", found)
