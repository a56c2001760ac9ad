"""A table whose rows are measured in groups; without columns to group by, all of them are one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from headwater.validation.data import expressions
from headwater.validation.data.statistics import Kind
from headwater.validation.data.tables import Table

Group: TypeAlias = tuple[str | None, ...]
"""Values of the columns that rows are grouped by."""
Place: TypeAlias = tuple[str, Group]
"""A column in a group."""
Row: TypeAlias = Mapping[str, Any]
Summaries: TypeAlias = Mapping[Group, Row]
"""The first query's answer; its figures are named by `expressions.key`."""


@dataclass(frozen=True, slots=True)
class Groups:
    """A table with the kinds of those of its columns that are measured.

    Attributes:
        by: Columns to group by.
    """

    table: Table
    kinds: Mapping[str, Kind]
    by: tuple[str, ...] = ()

    @property
    def source(self) -> Any:
        """The ibis table."""
        return self.table.ibis_table

    def aggregate(self, figures: Mapping[str, Any]) -> dict[Group, Row]:
        """Return figures of each group, in one query."""
        grouped = self.source.group_by(*self.by) if self.by else self.source
        return {self.group_of(row): row for row in self.table.rows(grouped.aggregate(**figures))}

    def union(self, queries: Sequence[Any]) -> Iterable[Row]:
        """Return the rows of some queries, asked as one."""
        return self.table.rows(expressions.together(queries)) if queries else ()

    def group_of(self, row: Row) -> Group:
        """Return the group that a row of an answer belongs to."""
        return tuple(row[name] for name in self.by)
