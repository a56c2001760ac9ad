"""`headwater doctor`: are the store's rules kept, and the bytes that it names there and whole?"""

from collections.abc import Sequence
from typing import Any

import click

from headwater.cli.output import json_option, print_json
from headwater.cli.session import client
from headwater.model.upkeep import Finding
from headwater.upkeep import Examination

BROKEN = 6
"""Exit code when something is broken: that of altered or missing bytes."""


@click.command()
@click.option("--repair", "repairs", is_flag=True, help="Mend what can be mended safely.")
@click.option("--deep", "is_deep", is_flag=True, help="Read all bytes and metric points, too.")
@json_option
@click.pass_context
def doctor(ctx: click.Context, *, repairs: bool, is_deep: bool, as_json: bool) -> None:
    """Look for broken references, missing or altered bytes, lost runs; exit with 6 when there are any."""
    with client(ctx) as opened:
        mended = opened.upkeep.repair(is_deep=is_deep) if repairs else []
        found = opened.upkeep.examine(is_deep=is_deep)
    if as_json:
        print_json(_facts(found, mended))
    else:
        _print(found, mended, repairs=repairs)
    if not found.is_clean:
        ctx.exit(BROKEN)


def _print(found: Examination, mended: Sequence[Finding], *, repairs: bool) -> None:
    for finding in mended:
        click.echo(f"repaired: {finding.count:,} {finding.problem}")
        click.echo(f"  {finding.repair}")
    for finding in found.findings:
        click.echo(f"{finding.check}: {finding.count:,} {finding.problem}")
        if finding.examples:
            click.echo(f"  such as {', '.join(finding.examples)}")
        click.echo(f"  {_way_out(finding, repairs=repairs)}")
    rows = sum(found.counts.values())
    if found.is_clean:
        click.echo(
            f"All is well: {rows:,} rows, {found.counts['ledger']:,} decisions, {found.blobs:,} blobs."
        )


def _way_out(finding: Finding, *, repairs: bool) -> str:
    if finding.repair and not repairs:
        return f"`headwater doctor --repair`: {finding.repair}"
    return "cannot be repaired from what is here: restore it from a backup" if finding.is_fault else "no harm"


def _facts(found: Examination, mended: Sequence[Finding]) -> dict[str, Any]:
    return {
        "clean": found.is_clean,
        "findings": [_finding(finding) for finding in found.findings],
        "repaired": [_finding(finding) for finding in mended],
        "rows": dict(found.counts),
        "blobs": found.blobs,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "problem": finding.problem,
        "count": finding.count,
        "examples": list(finding.examples),
        "repair": finding.repair,
        "fault": finding.is_fault,
    }
