"""Group commit: writes that wait at the same moment share one transaction."""

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import sqlalchemy as sa

from headwater.errors import UnavailableError
from headwater.store.sql.interrupts import interrupt_behind
from headwater.store.sql.together import Asked, Together, finish

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Write(Generic[T]):
    run: Callable[[sa.Connection], T]
    is_durable: bool


class GroupCommit(Together[_Write[Any], Any]):
    """Runs writes one after another; those that pile up meanwhile are committed together.

    Eight threads that write at once thus pay one commit between them.
    """

    def __init__(self, open_transaction: Callable[..., AbstractContextManager[sa.Connection]]) -> None:
        """Take how to open a transaction, which gets the keyword `is_durable`."""
        super().__init__(self._commit)
        self._open = open_transaction

    def write(self, job: Callable[[sa.Connection], T], *, is_durable: bool) -> T:
        """Run `job` in a transaction and return its result after the commit.

        Raises:
            Exception: what `job` raised; its own changes are undone, those of
                the others in the group are not.
        """
        return self.run(_Write(job, is_durable))

    def _commit(self, group: Sequence[Asked[_Write[Any], Any]]) -> None:
        has_run, handled = False, sys.exception()
        try:
            with self._open(is_durable=any(asked.job.is_durable for asked in group)) as conn:
                for asked in group:
                    _run_one(conn, asked, is_alone=len(group) == 1)
                has_run = True
            finish(group)
        except BaseException as error:  # noqa: BLE001  # handed to the threads that wait for these writes
            interrupt = interrupt_behind(error, handled)
            if interrupt is None:
                # It is that of the commit itself, or of the only write of the group: it holds for all.
                finish(group, cast("Exception", error))
                return
            if has_run:
                finish(group, UnavailableError("interrupted at the commit: the write may be stored or not"))
            try:
                raise interrupt from None
            finally:
                # Its traceback has this frame. In a circle with it, a transaction that the interrupt cut off
                # would be rolled back when the garbage is collected, in the middle of the next one.
                del interrupt


def _run_one(conn: sa.Connection, asked: Asked[_Write[Any], Any], *, is_alone: bool) -> None:
    asked.result, asked.error = [], None
    handled = sys.exception()
    if is_alone:
        asked.result.append(asked.job.run(conn))
        return
    try:
        with conn.begin_nested():
            asked.result.append(asked.job.run(conn))
    except Exception as error:
        if interrupt_behind(error, handled) is not None:
            raise
        asked.error = error  # handed to the thread that asked for this write
