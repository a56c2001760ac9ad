"""Rows as MLflow's database would hold them, gathered from a source that is no database."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from headwater.errors import InvalidError

GatheredRow: TypeAlias = Mapping[str, Any]
"""The values of a row by column; a column that is not there is None."""

OF_RUNS: Final = frozenset({"params", "tags", "metrics"})
"""Tables that may be large: their rows are read run by run, when they are asked for."""


class Gathered:
    """Small tables in memory, and a way to the large ones."""

    def __init__(
        self, of_run: Callable[[str, str], Iterable[GatheredRow]], *, close: Callable[[], None] | None = None
    ) -> None:
        """Take what reads a run's rows of one of the tables in `OF_RUNS`, given table and run id.

        Args:
            of_run: That.
            close: Gives back what it reads with.
        """
        self._close = close
        self._of_run = of_run
        self._tables: dict[str, list[GatheredRow]] = {}

    def add(self, table: str, /, **values: Any) -> None:
        """Add a row to a small table."""
        self._tables.setdefault(table, []).append(values)

    def add_pairs(self, table: str, pairs: Mapping[str, str], *, prefix: str = "", **owner: Any) -> None:
        """Add keys and values, each as a row with its owner."""
        for key, value in pairs.items():
            self.add(table, **owner, **{f"{prefix}key": key, f"{prefix}value": value})

    def has(self, _table: str, /) -> bool:
        """Tell that a table can be read: one without rows is empty."""
        return True

    def all(self, table: str, columns: Sequence[str], /) -> list[list[Any]]:
        """Return all rows of a small table."""
        return _columns(self._tables.get(table, []), columns)

    def among(
        self, table: str, columns: Sequence[str], /, *, key: str, values: Sequence[str]
    ) -> list[list[Any]]:
        """Return the rows of some runs.

        Raises:
            InvalidError: `key` is not `run_uuid`, by which alone the large tables are read.
        """
        if table not in OF_RUNS or key != "run_uuid":
            raise InvalidError(f"rows of {table} are not read by {key}")
        return [row for run in values for row in _columns(self._of_run(table, run), columns)]

    def close(self) -> None:
        """Give back what is read with."""
        if self._close is not None:
            self._close()


def _columns(rows: Iterable[GatheredRow], columns: Sequence[str]) -> list[list[Any]]:
    return [[row.get(column) for column in columns] for row in rows]
