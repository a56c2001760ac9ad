"""Who held a stage, by the ledger."""

from collections.abc import Iterable

import sqlalchemy as sa

from headwater.model.refs import ModelRef
from headwater.store.sql.ledger import Ledger, below
from headwater.store.sql.names import entries_on
from headwater.store.sql.schema import ledger as entries


def has_held(conn: sa.Connection, ledger: Ledger, name: str, number: int, stages: Iterable[str]) -> bool:
    """Tell whether a version was ever in one of some stages."""
    wanted = frozenset(stages)
    on_it = entries_on(conn, ledger, name, lambda model: entries.c.subject == f"{model}/{number}")
    return any(entry.details.get("to") in wanted for entry in on_it)


def moves_into(conn: sa.Connection, ledger: Ledger, name: str, stage: str) -> Iterable[tuple[int, str]]:
    """Yield (version number, action) of every move into a stage, oldest first."""
    subject = str(ModelRef(name))
    for entry in entries_on(conn, ledger, name, below):
        number = entry.subject.removeprefix(subject + "/")
        # `models/a/b/3` is a version of `a/b`, not of `a`.
        if entry.details.get("to") == stage and number.isdigit():
            yield int(number), entry.action


def previous(moves: Iterable[tuple[int, str]], holder: int | None, gone: Iterable[int] = ()) -> int | None:
    """Replay promotions and rollbacks as a stack: what a rollback leaves is not gone back to.

    Args:
        moves: (version number, action) of every move into the stage, oldest first.
        holder: Which version is there now.
        gone: Versions that are deleted: nothing goes back to them.

    Returns:
        The version to go back to, or None.
    """
    stack: list[int] = []
    for number, action in moves:
        if action == "rollback" and number in stack:
            while stack[-1] != number:
                stack.pop()
        elif not stack or stack[-1] != number:
            stack.append(number)
    skipped = {*gone, holder}
    while stack and stack[-1] in skipped:
        stack.pop()
    return stack[-1] if stack else None
