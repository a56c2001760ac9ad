"""`headwater gc`: remove for good what was deleted long ago, and bytes that nothing names."""

from collections.abc import Mapping

import click

from headwater.cli.durations import Duration, size
from headwater.cli.output import json_option, print_json
from headwater.cli.session import client
from headwater.upkeep import Collected, Plan


@click.command()
@click.option(
    "--older-than",
    "older_than_s",
    type=Duration(),
    default="30d",
    show_default=True,
    help="Remove what was deleted so long ago.",
)
@click.option(
    "--bytes-older-than",
    "bytes_older_than_s",
    type=Duration(),
    default="1d",
    show_default=True,
    help="Remove unused bytes that were stored so long ago; 0s only while nobody else writes.",
)
@click.option("--apply", "applies", is_flag=True, help="Remove it; without this, only say what would go.")
@json_option
@click.pass_context
def gc(
    ctx: click.Context, older_than_s: float, bytes_older_than_s: float, *, applies: bool, as_json: bool
) -> None:
    """Remove for good what was deleted long ago, and bytes that nothing uses; lineage stays readable."""
    with client(ctx) as opened:
        if applies:
            done = opened.upkeep.collect(older_than_s=older_than_s, bytes_older_than_s=bytes_older_than_s)
            _print_done(done, as_json=as_json)
        else:
            plan = opened.upkeep.plan(older_than_s=older_than_s, bytes_older_than_s=bytes_older_than_s)
            _print_plan(plan, as_json=as_json)


def _print_plan(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "applied": False,
                "nodes": dict(plan.nodes.nodes),
                "points": plan.nodes.points,
                "keys": plan.nodes.keys,
                "kept": dict(plan.nodes.kept),
                "blobs": len(plan.unused),
                "bytes": plan.unused_bytes,
                "recent_blobs": plan.recent,
            }
        )
        return
    click.echo(f"Would remove {_nodes(plan.nodes.nodes)}, {plan.nodes.points:,} metric points with them,")
    click.echo(
        f"{len(plan.unused):,} unused files ({size(plan.unused_bytes)}) and what these nodes use alone,"
    )
    click.echo(f"and {plan.nodes.keys:,} expired idempotency keys.")
    if plan.recent:
        click.echo(f"{plan.recent:,} more files are unused, but too new: somebody may be about to use them.")
    for ref, reason in plan.nodes.kept.items():
        click.echo(f"{ref} is deleted and stays: {reason}.")
    click.echo("Nothing has changed; --apply removes it.")


def _print_done(done: Collected, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "applied": True,
                "nodes": dict(done.nodes),
                "points": done.points,
                "keys": done.keys,
                "blobs": done.blobs,
                "bytes": done.freed_bytes,
            }
        )
        return
    click.echo(
        f"Removed {_nodes(done.nodes)}, {done.points:,} metric points, {done.blobs:,} files "
        f"({size(done.freed_bytes)}) and {done.keys:,} expired idempotency keys."
    )


def _nodes(nodes: Mapping[str, int]) -> str:
    kinds = ", ".join(f"{count:,} {name}" for name, count in sorted(nodes.items()))
    return f"{sum(nodes.values()):,} nodes" + (f" ({kinds})" if kinds else "")
