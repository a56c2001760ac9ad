"""What came of an import of ML Metadata, table by table."""

from collections.abc import Mapping
from dataclasses import dataclass

from headwater.compat.counting import TableCount


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
