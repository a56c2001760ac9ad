"""`headwater ledger`: look at the record of decisions, check it, and keep its head elsewhere."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from headwater.cli.cells import cell
from headwater.cli.output import json_option, limit_option, print_facts, print_json, print_rows
from headwater.cli.rows import ledger_row
from headwater.cli.session import client
from headwater.errors import CorruptError
from headwater.ledger import (
    Verification,
    all_records,
    make_keys,
    read_export,
    read_head,
    verify,
    write_export,
    write_head,
)

COLUMNS = ("seq", "time", "actor", "action", "subject", "details", "reason")
FILE = click.Path(dir_okay=False, path_type=Path)
KEPT_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def ledger() -> None:
    """Look at the record of decisions, and check it."""


@ledger.command()
@click.option("--subject", help="Only decisions on this reference or below it, such as models/late-flights.")
@click.option("--action", help="Only decisions of this kind, such as promote.")
@click.option("--actor", help="Only decisions of this person or program.")
@limit_option
@json_option
@click.pass_context
def show(
    ctx: click.Context,
    subject: str | None,
    action: str | None,
    actor: str | None,
    limit: int,
    *,
    as_json: bool,
) -> None:
    """Show the newest decisions, oldest of them first."""
    with client(ctx) as opened:
        found = opened.store.ledger.entries(
            subject=subject, action=action, actor=actor, limit=limit, newest=True
        )
    rows = [ledger_row(entry) for entry in found]
    if not as_json:
        # A decision is shown whole: a mapping would be cut to one line.
        rows = [row | {"details": cell(_given(row["details"]))} for row in rows]
    print_rows(rows, COLUMNS, as_json=as_json, empty="No decisions yet.")


@ledger.command("verify")
@click.option("--head", "head_file", type=KEPT_FILE, help="A head that was kept: finds what was cut off.")
@click.option("--key", "key_file", type=KEPT_FILE, help="The public key that the head has to be signed with.")
@click.option("--file", "export", type=KEPT_FILE, help="Check an exported ledger instead of the store's.")
@json_option
@click.pass_context
def verify_ledger(
    ctx: click.Context,
    head_file: Path | None,
    key_file: Path | None,
    export: Path | None,
    *,
    as_json: bool,
) -> None:
    """Check that no decision was altered, removed, added or moved."""
    if key_file and not head_file:
        raise click.UsageError("--key checks the signature of a head: give --head too")
    head = read_head(head_file, key_file) if head_file else None
    if export:
        found = verify(read_export(export), head)
    else:
        with client(ctx) as opened:
            if head and head.store_id != opened.store.ledger.head().store_id:
                raise click.UsageError(f"{head_file} is the head of another store's ledger")
            found = verify(all_records(opened.store.ledger.records), head)
    _print(found, as_json=as_json)
    if not found.is_intact:
        raise CorruptError(f"the ledger is not as it was written: {found.fault_count} faults")


@ledger.command("export")
@click.argument("file", type=FILE)
@json_option
@click.pass_context
def export_ledger(ctx: click.Context, file: Path, *, as_json: bool) -> None:
    """Write all decisions to FILE, one JSON object a line."""
    with client(ctx) as opened:
        count = write_export(file, all_records(opened.store.ledger.records))
    print_facts({"file": str(file), "entries": count}, as_json=as_json)


@ledger.command("head")
@click.argument("file", type=FILE)
@click.option("--sign", "key_file", type=KEPT_FILE, help="A private key of `headwater ledger keygen`.")
@json_option
@click.pass_context
def write_the_head(ctx: click.Context, file: Path, key_file: Path | None, *, as_json: bool) -> None:
    """Write to FILE where the ledger stands, to be kept elsewhere."""
    with client(ctx) as opened:
        head = opened.store.ledger.head()
    write_head(file, head, key_file)
    print_facts({**asdict(head), "signed": key_file is not None}, as_json=as_json)


@ledger.command()
@click.argument("private", type=FILE)
@click.argument("public", type=FILE)
@json_option
def keygen(private: Path, public: Path, *, as_json: bool) -> None:
    """Make a pair of keys, to sign heads and to check them."""
    make_keys(private, public)
    print_facts({"private": str(private), "public": str(public)}, as_json=as_json)


def _print(found: Verification, *, as_json: bool) -> None:
    if as_json:
        print_json({"intact": found.is_intact, **asdict(found)})
        return
    for fault in found.faults:
        click.echo(f"entry {fault.seq} {fault.text}")
    if found.is_intact:
        click.echo(f"{found.count} decisions, all as they were written; the last has hash {found.hash}")


def _given(details: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in details.items() if value is not None}
