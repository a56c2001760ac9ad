"""`headwater models judge` and `evaluate`: hold versions against gates, or only measure them."""

import sys
from pathlib import Path
from typing import Any, Final

import click

from headwater.cli.main import exit_code
from headwater.cli.output import json_option, print_json
from headwater.cli.rows import verdict_row
from headwater.cli.session import client
from headwater.errors import InvalidError, RefusedError
from headwater.model.refs import ModelRef
from headwater.model.verdicts import Outcome, Verdict

_REFUSED: Final = exit_code(RefusedError())

file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
on_option = click.option("--on", metavar="REF", help="The data version to judge on, such as data/flights/2.")


@click.command()
@click.argument("name")
@click.argument("version", type=int)
@file_argument
@on_option
@json_option
@click.pass_context
def judge(ctx: click.Context, name: str, version: int, file: Path, on: str | None, *, as_json: bool) -> None:
    """Hold VERSION of model NAME against the gates of FILE, in TOML, and store the verdicts.

    Exits with 5 unless all of them pass.
    """
    from headwater.validation.model.gate_files import read_gates

    gates = read_gates(file)
    ref = str(ModelRef(name, version))
    found = list[tuple[Verdict, str]]()
    with client(ctx) as opened:
        if gates.model is not None:
            judged = opened.judge(ref, gate=gates.model, on=_needed(on))
            found.append((judged.verdict, str(judged)))
        if gates.infra is not None:
            tried = opened.judge_infra(ref, gate=gates.infra)
            found.append((tried.verdict, str(tried)))
    if as_json:
        print_json([verdict_row(verdict) for verdict, _ in found])
    else:
        click.echo("\n\n".join(text for _, text in found))
    if any(verdict.outcome is not Outcome.PASS for verdict, _ in found):
        sys.exit(_REFUSED)


@click.command()
@click.argument("name")
@click.argument("version", type=int)
@file_argument
@on_option
@json_option
@click.pass_context
def evaluate(
    ctx: click.Context, name: str, version: int, file: Path, on: str | None, *, as_json: bool
) -> None:
    """Measure VERSION of model NAME as the gate of FILE plans it; nothing is stored."""
    from headwater.validation.model.gate_files import read_gates
    from headwater.validation.model.report import measures_json

    gate = read_gates(file).model
    if gate is None:
        raise InvalidError(f"{file} has no table [model]: nothing says what to measure")
    with client(ctx) as opened:
        found: Any = opened.evaluate(str(ModelRef(name, version)), gate=gate, on=_needed(on))
    if as_json:
        print_json(measures_json(found))
    else:
        click.echo(str(found))


def _needed(on: str | None) -> str:
    if on is None:
        raise InvalidError("name the data to judge on: --on data/NAME/VERSION")
    return on
