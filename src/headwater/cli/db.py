"""`headwater db`: look after the database itself."""

import time
from pathlib import Path
from typing import Any

import click

from headwater.cli.durations import Duration
from headwater.cli.output import json_option, print_json, print_rows, when
from headwater.cli.session import options_of
from headwater.model.times import milliseconds
from headwater.sdk.backups import BackupSet
from headwater.sdk.client import places_of
from headwater.store import upgrade_store
from headwater.upkeep import Backup

BROKEN = 6
COLUMNS = ("name", "age", "rows", "decisions", "blobs", "store")


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
@click.pass_context
def upgrade(ctx: click.Context) -> None:
    """Bring the tables to the version that this headwater needs."""
    before, after = upgrade_store(places_of(options_of(ctx).store).store)
    if before == after:
        click.echo(f"The store has schema {after} already.")
    else:
        click.echo(f"Upgraded the store from schema {before} to {after}.")


@db.command()
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@click.option("--every", "every_s", type=Duration(), help="Go on until Ctrl-C: one each 60s or 15m.")
@click.option("--keep", type=click.IntRange(1), help="Delete all but the newest so many.")
@json_option
@click.pass_context
def backup(
    ctx: click.Context, target: Path, every_s: float | None, keep: int | None, *, as_json: bool
) -> None:
    """Copy the store and its bytes into the folder TARGET, while others write."""
    backups = _backup_set(ctx, target)
    while True:
        made = backups.take()
        pruned = backups.prune(keep) if keep else 0
        if as_json:
            print_json({**_row(made), "missing": list(made.missing), "pruned": pruned})
        else:
            _print_made(made, pruned)
        if every_s is None:
            break
        time.sleep(every_s)
    if made.missing:
        ctx.exit(BROKEN)


@db.command()
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@json_option
@click.pass_context
def backups(ctx: click.Context, source: Path, *, as_json: bool) -> None:
    """List the backups in the folder SOURCE, oldest first."""
    rows = [_row(one) for one in _backup_set(ctx, source).all()]
    print_rows(rows, COLUMNS, as_json=as_json, empty=f"No backups in {source}.", minor=("store",))


@db.command()
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--to", "moment", help="The newest that is not later, such as 2026-11-20T14:05.")
@click.option("--force", is_flag=True, help="Also when the store is not empty; a copy of it is made first.")
@json_option
@click.pass_context
def restore(ctx: click.Context, source: Path, moment: str | None, *, force: bool, as_json: bool) -> None:
    """Make the store what a backup in the folder SOURCE holds; times are UTC unless they say otherwise."""
    wanted_ms = None if moment is None else milliseconds(moment)
    done = _backup_set(ctx, source).restore(wanted_ms, force=force)
    faults = [finding for finding in done.findings if finding.is_fault]
    if as_json:
        saved = done.before.name if done.before else None
        found = [f"{f.check}: {f.count} {f.problem}" for f in faults]
        print_json({**_row(done.backup), "restored_blobs": done.blobs, "saved": saved, "faults": found})
    else:
        if done.before:
            click.echo(f"What was there is in the backup {done.before.name}.")
        click.echo(f"Restored {done.backup.name}, {done.blobs:,} blobs of it were not here.")
        if wanted_ms is not None:
            click.echo(f"It is {_words((wanted_ms - done.backup.moment_ms) / 1000)} older than {moment}.")
        for finding in faults:
            click.echo(f"{finding.check}: {finding.count:,} {finding.problem}")
    if faults:
        ctx.exit(BROKEN)


def _backup_set(ctx: click.Context, folder: Path) -> BackupSet:
    options = options_of(ctx)
    return BackupSet(places_of(options.store, options.blobs), folder)


def _print_made(made: Backup, pruned: int) -> None:
    row = _row(made)
    rows = "" if row["rows"] is None else f"{row['rows']:,} rows, {made.ledger_seq:,} decisions and "
    click.echo(f"Backed up to {made.folder}: {rows}{made.blobs:,} blobs, verified.")
    if pruned:
        click.echo(f"Deleted {pruned} older backups.")
    if made.missing:
        click.echo(f"{len(made.missing):,} blobs that the store names were missing: `headwater doctor`.")


def _row(one: Backup) -> dict[str, Any]:
    return {
        "name": one.name,
        "time": when(one.moment_ms),
        "age": _words(time.time() - one.moment_ms / 1000),
        "rows": sum(one.counts.values()) if one.counts else None,
        "decisions": one.ledger_seq,
        "blobs": one.blobs,
        "store": one.store,
        "folder": str(one.folder),
    }


def _words(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
