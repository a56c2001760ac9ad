"""What came of an import, table by table."""

from collections.abc import Callable, Iterable, Iterator, Mapping
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What came of an import.

    Attributes:
        version: Of the source's schema.
        tables: Counts by the source's names of its tables.
        unreadable: Properties that hold nothing, or nothing that can be read, and so were left out.
        merged: Types that are another one now, which they equal; ML Metadata's race has made both.
        renamed: Nodes that have a new name, as two types of theirs are one now and both had it.
    """

    version: int
    tables: Mapping[str, TableCount]
    unreadable: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """True when every row of the source is accounted for."""
        return not any(table.missing for table in self.tables.values())


def silent(step: str, done: int, total: int) -> None:
    """Watch without a word."""


def watched(watch: Watch, step: str, total: int, batches: Iterable[list[T]]) -> Iterator[list[T]]:
    """Yield batches, and tell after each how far that is."""
    done = 0
    for batch in batches:
        yield batch
        done += len(batch)
        watch(step, done, total)
