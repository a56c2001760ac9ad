"""Decisions on a model under every name that it had: entries keep the words that they were written with."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa

from headwater.model.ledger import LedgerEntry
from headwater.model.refs import ModelRef, parse_ref
from headwater.model.values import INT64_MAX
from headwater.store.sql.ledger import Ledger
from headwater.store.sql.schema import ledger as entries

RENAME: Final = "rename"
"""Two entries, under the old name and under the new one, with the same details `before` and `after`."""


@dataclass(frozen=True, slots=True)
class Span:
    """A name that a model had, from the entry after `after` to the one before `until`."""

    name: str
    after: int = 0
    until: int = INT64_MAX


def entries_on(
    conn: sa.Connection,
    ledger: Ledger,
    name: str,
    condition: Callable[[str], sa.ColumnElement[bool]],
) -> list[LedgerEntry]:
    """Return decisions on a model, whatever it was called when they were made, oldest first.

    Args:
        conn: A running transaction.
        ledger: Where they are.
        name: What the model is called now.
        condition: Gives the condition on entries for a reference of the model.

    Returns:
        The entries, their subjects as they would be under the present name.
    """
    present = str(ModelRef(name))
    found = list[LedgerEntry]()
    for span in _spans(conn, ledger, name):
        then = str(ModelRef(span.name))
        within = sa.and_(condition(then), entries.c.seq > span.after, entries.c.seq < span.until)
        found += [
            replace(entry, subject=present + entry.subject.removeprefix(then))
            for entry in ledger.entries_in(conn, within)
        ]
    return found


def presently(since: Sequence[LedgerEntry]) -> tuple[list[LedgerEntry], dict[str, str]]:
    """Put decisions under the names that their models have now.

    Args:
        since: All entries since a moment, oldest first.

    Returns:
        The entries without renamings, and by present name what a model was called at the moment.
    """
    now: dict[str, str | None] = {}
    found = list[LedgerEntry]()
    for entry in reversed(since):
        if entry.action == RENAME:
            before, after = str(entry.details["before"]), str(entry.details["after"])
            if entry.subject == str(ModelRef(before)):
                # Whoever was called `after` until then is another model.
                now |= {before: now.get(after, after), after: None}
            continue
        subject = parse_ref(entry.subject) if entry.subject.startswith("models/") else None
        if isinstance(subject, ModelRef) and subject.name in now:
            name = now[subject.name]
            if name is None:
                continue
            entry = replace(entry, subject=str(ModelRef(name, subject.version, subject.label)))
        found.append(entry)
    return found[::-1], {name: then for then, name in now.items() if name is not None and name != then}


def _spans(conn: sa.Connection, ledger: Ledger, name: str) -> Iterable[Span]:
    """Return the names of a model that has this one now, oldest first."""
    found, until = list[Span](), INT64_MAX
    while True:
        last = _last_rename(conn, ledger, name, until)
        found.append(Span(name, last.seq if last else 0, until))
        if last is None or last.details["before"] == name:
            # Nobody had the name before, or another model gave it up.
            return reversed(found)
        # The entry under the old name stands right before the one under the new name.
        name, until = str(last.details["before"]), last.seq - 1


def _last_rename(conn: sa.Connection, ledger: Ledger, name: str, until: int) -> Any:
    mine = sa.and_(
        entries.c.subject == str(ModelRef(name)), entries.c.action == RENAME, entries.c.seq < until
    )
    return next(iter(ledger.entries_in(conn, mine, limit=1, newest=True)), None)
