"""How far an import is, and what came of each table of its source."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Watch: TypeAlias = Callable[[str, int, int], None]
"""Told how far an import is: its step, the rows done and the rows in all."""


@dataclass(slots=True, kw_only=True)
class TableCount:
    """The rows of one table.

    Attributes:
        source: Rows of the source.
        store: Those of them that are in the store now.
        added: Those that this import put there.
        changed: Those that this import brought up to date.
        newer: Those that were changed here since, and stay so.
        removed: Those that were removed for good here, and stay so.
    """

    source: int = 0
    store: int = 0
    added: int = 0
    changed: int = 0
    newer: int = 0
    removed: int = 0

    @property
    def missing(self) -> int:
        """Rows of the source that are neither in the store nor were removed from it."""
        return self.source - self.store - self.removed


def silent(step: str, done: int, total: int) -> None:
    """Watch without a word."""


def watched(watch: Watch, step: str, total: int, batches: Iterable[list[T]]) -> Iterator[list[T]]:
    """Yield batches, and tell after each how far that is."""
    done = 0
    for batch in batches:
        yield batch
        done += len(batch)
        watch(step, done, total)
