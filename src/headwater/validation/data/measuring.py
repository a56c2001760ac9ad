"""Measuring a table: a few queries over all columns, whatever their number."""

from collections.abc import Mapping, Sequence
from typing import Final

from headwater.errors import InvalidError
from headwater.validation.data import expressions
from headwater.validation.data.assembling import measured_groups
from headwater.validation.data.bins import Bin
from headwater.validation.data.groups import Groups
from headwater.validation.data.statistics import Kind, Slice, Statistics
from headwater.validation.data.tables import Table, opened

MAX_SLICES: Final = 200
"""A column with more different values than this is no way to part a table."""


def statistics(
    data: object, *, slices: Sequence[str | Sequence[str]] = (), pairs: Sequence[tuple[str, str]] = ()
) -> Statistics:
    """Measure data: every row is read, by an engine that never holds the whole table in memory.

    Args:
        data: A frame of pandas, polars or Arrow, a list of dicts, the path of a Parquet, CSV or JSON
            lines file or of a folder of them, an ibis table of any engine, or a data version.
        slices: Columns, or several columns together, whose every value is measured apart, too.
        pairs: Columns that belong together, such as the indexes and values of a sparse feature.

    Returns:
        All figures are exact, except that quantiles may be off by one part in 128 of the rows, and that
        different values are estimated where there are more than 1,000, unless nearly all differ.

    Raises:
        NotFoundError, MissingDependencyError: there is no such file, or no engine to read it.
        InvalidError: it is no table, or a column of a slice or pair is not in it.

    Example:
        >>> measured = statistics([{"carrier": "UA", "delay": 4.0}, {"carrier": "UA", "delay": None}])
        >>> measured["delay"].missing, measured["carrier"].top_values
        (1, (ValueCount(value='UA', count=2),))
    """
    with opened(data) as table:
        return measure(table, slices=slices, pairs=pairs)


def measure(
    table: Table, *, slices: Sequence[str | Sequence[str]] = (), pairs: Sequence[tuple[str, str]] = ()
) -> Statistics:
    """Measure an opened table; as `statistics`."""
    types = {name: expressions.kind_of(dtype) for name, dtype in table.ibis_table.schema().items()}
    for name in [n for pair in pairs for n in pair]:
        _require(name, types)
    whole = Groups(table, types)
    measured, ranges = measured_groups(whole, pairs)
    parts: list[Slice] = []
    for each in slices:
        parts += _slices(whole, (each,) if isinstance(each, str) else tuple(each), ranges)
    found = measured[()]
    return Statistics(
        row_count=found.row_count,
        columns=found.columns,
        pairs=found.pairs,
        slices=tuple(sorted(parts, key=lambda s: repr(s.key))),
    )


def _slices(whole: Groups, by: tuple[str, ...], ranges: Mapping[str, Bin]) -> list[Slice]:
    for name in by:
        _require(name, whole.kinds)
    # As texts, under names that no column has.
    keys = {f"slice_key_{i}": whole.source[name].cast("string") for i, name in enumerate(by)}
    table = Table(whole.source.mutate(**keys), whole.table.engine)
    different = table.ibis_table.select(*keys).distinct()
    (row,) = table.rows(different.aggregate(count=different.count()))
    if row["count"] > MAX_SLICES:
        raise InvalidError(
            f"{', '.join(by)} has {row['count']:,} different values, and a table is parted into {MAX_SLICES} "
            "slices at the most: group the values first"
        )
    kinds = {name: kind for name, kind in whole.kinds.items() if name not in by}
    measured, _ = measured_groups(Groups(table, kinds, tuple(keys)), (), ranges)
    return [
        Slice(key=tuple(zip(by, group, strict=True)), row_count=part.row_count, columns=part.columns)
        for group, part in measured.items()
    ]


def _require(name: str, known: Mapping[str, Kind]) -> None:
    if name not in known:
        raise InvalidError(f"the table has no column {name!r}; it has {', '.join(known)}")
