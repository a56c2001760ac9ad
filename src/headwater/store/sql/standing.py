"""What stood otherwise at a moment: the decisions since then, taken back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from headwater.model import builtin
from headwater.model.ledger import LedgerEntry
from headwater.model.refs import ModelRef, parse_ref
from headwater.store.sql import schema, versions
from headwater.store.sql.ledger import Ledger
from headwater.store.sql.names import presently


@dataclass(frozen=True, slots=True)
class Standing:
    """What stood otherwise at the moment than it does now.

    Attributes:
        stages: By artifact id, the stage of a version that has moved since.
        exclusive: The stages that one version holds.
        aliases: By context id, all aliases of a model of which any has moved since, each with the
            artifact id that it named.
        names: By context id, what a model was called that has another name now.
    """

    stages: Mapping[int, str] = field(default_factory=dict[int, str])
    exclusive: frozenset[str] = frozenset()
    aliases: Mapping[int, Mapping[str, int]] = field(default_factory=dict[int, Mapping[str, int]])
    names: Mapping[int, str] = field(default_factory=dict[int, str])


def standing_at(conn: sa.Connection, ledger: Ledger, at_ms: int, exclusive: frozenset[str]) -> Standing:
    """Find what stood otherwise at a moment, by taking the decisions since then back."""
    decisions, former = presently(ledger.entries_in(conn, schema.ledger.c.time_ms > at_ms))
    stages, aliases = undone(decisions)
    names = {*former, *(name for name, _ in (*stages, *aliases))}
    owners, ids = _models(conn, names), _versions(conn, names)
    moved_aliases = {owners[name] for name, _ in aliases if name in owners}
    then = {owner: _aliases(conn, owner) for owner in moved_aliases}
    for (name, label), number in aliases.items():
        if name in owners:
            then[owners[name]].pop(label, None)
            if (name, number) in ids:
                then[owners[name]][label] = ids[name, number]
    moved = {ids[version]: stage for version, stage in stages.items() if version in ids}
    called = {owners[name]: before for name, before in former.items() if name in owners}
    return Standing(stages=moved, exclusive=exclusive, aliases=then, names=called)


def undone(
    entries: Iterable[LedgerEntry],
) -> tuple[dict[tuple[str, int | None], str], dict[tuple[str, str], int | None]]:
    """Take decisions back: what stood before the first of them.

    Args:
        entries: All entries since the moment, oldest first.

    Returns:
        The stage by (model, version number), and the version number, None if there was none, by
        (model, alias), of those that have changed.
    """
    stages: dict[tuple[str, int | None], str] = {}
    aliases: dict[tuple[str, str], int | None] = {}
    for entry in entries:
        given: Mapping[str, Any] = entry.details
        if not given.keys() >= {"from", "to"}:
            continue
        subject = parse_ref(entry.subject)
        if not isinstance(subject, ModelRef):
            continue
        if "alias" in given:
            aliases.setdefault((subject.name, given["alias"]), given["from"])
        else:
            stages.setdefault((subject.name, subject.version), given["from"])
            if given.get("replaced") is not None:
                stages.setdefault((subject.name, given["replaced"]), given["to"])
    return stages, aliases


def _models(conn: sa.Connection, names: Iterable[str]) -> dict[str, int]:
    context, kind = schema.context, schema.type_
    mine = sa.select(context.c.name, context.c.id).join(kind, kind.c.id == context.c.type_id)
    rows = conn.execute(
        mine.where(kind.c.name == builtin.REGISTERED_MODEL.name, context.c.name.in_(sorted(names)))
    )
    return dict(rows.all())


def _versions(conn: sa.Connection, names: Iterable[str]) -> dict[tuple[str, int | None], int]:
    rows = versions.rows_of(conn, schema.context.c.name.in_(sorted(names)))
    return {(row.name, row.number): row.artifact_id for row in rows if row.stage is not None}


def _aliases(conn: sa.Connection, owner: int) -> dict[str, int]:
    alias = schema.alias
    rows = conn.execute(sa.select(alias.c.name, alias.c.artifact_id).where(alias.c.context_id == owner))
    return dict(rows.all())
