"""Statistics as ibis expressions: each batch is one query over all columns, the same on every engine."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from headwater.validation.data.bins import Bin
from headwater.validation.data.engines import load_ibis
from headwater.validation.data.statistics import Kind

CELLS: Final = 1000
"""A column's range is cut into so many cells, and those that hold too much are cut again."""


def kind_of(dtype: Any) -> Kind:
    """Tell what a column of an ibis type holds."""
    if dtype.is_boolean():
        return Kind.BOOLEAN
    if dtype.is_integer():
        return Kind.INTEGER
    if dtype.is_floating() or dtype.is_decimal():
        return Kind.NUMBER
    if dtype.is_string() or dtype.is_uuid():
        return Kind.TEXT
    if dtype.is_timestamp() or dtype.is_date():
        return Kind.TIME
    return Kind.LIST if dtype.is_array() else Kind.OTHER


def as_number(column: Any, kind: Kind) -> Any:
    """Return a column as float64; times as seconds since the epoch."""
    if kind is Kind.TIME:
        return column.cast("timestamp").epoch_seconds().cast("float64")
    return column.cast("float64")


def finite(column: Any, kind: Kind) -> Any:
    """Return a column as float64, in which only finite numbers are left."""
    number = as_number(column, kind)
    if kind is not Kind.NUMBER:
        return number
    return (number.isnan() | number.isinf()).ifelse(load_ibis().null("float64"), number)


def summaries(table: Any, names: Mapping[str, Kind]) -> dict[str, Any]:
    """Build the aggregates of all columns, named by `key`, and the count of rows.

    Where the mean is not finite, those of numbers may be off: `finite_summaries` are right there.
    """
    found: dict[str, Any] = {"row_count": table.count()}
    for number, (name, kind) in enumerate(names.items()):
        figures = _summary(table[name], kind)
        if kind not in {Kind.LIST, Kind.OTHER}:
            figures["distinct"] = table[name].approx_nunique()
        found |= {key(number, figure): expression for figure, expression in figures.items()}
    return found


def finite_summaries(table: Any, columns: Mapping[int, str]) -> dict[str, Any]:
    """Build the aggregates of columns by their numbers, in which not all values are finite."""
    found: dict[str, Any] = {}
    for number, name in columns.items():
        value = finite(table[name], Kind.NUMBER)
        nans = as_number(table[name], Kind.NUMBER).isnan().sum()
        figures = {**_moments(value), "count": value.count(), "nans": nans}
        found |= {key(number, figure): expression for figure, expression in figures.items()}
    return found


def key(number: int, figure: str) -> str:
    """Return the name of one figure of the column of a number."""
    return f"c{number}_{figure}"


def _moments(number: Any) -> dict[str, Any]:
    return {
        "zeros": (number == 0).sum(),
        "min": number.min(),
        "max": number.max(),
        "mean": number.mean(),
        "std": number.std(how="sample"),
    }


def _summary(column: Any, kind: Kind) -> dict[str, Any]:
    figures = {"present": column.count()}
    if kind.is_numeric:
        figures |= _moments(as_number(column, kind))
    if kind in {Kind.TEXT, Kind.LIST}:
        length = column.cast("string").length() if kind is Kind.TEXT else column.length()
        figures |= {
            "shortest": length.min(),
            "longest": length.max(),
            "mean_length": length.mean(),
            "empty": (length == 0).sum(),
        }
    if kind is Kind.TEXT:
        figures["invalid"] = column.cast("string").contains("\N{REPLACEMENT CHARACTER}").sum()
    return figures


def cells(
    table: Any, name: str, kind: Kind, ranges: Sequence[Bin], by: Sequence[str], label: int, *, is_whole: bool
) -> Any:
    """Build rows of (by…, label, cell, count, low, high): one range after the other, each cut evenly.

    The largest value of a range has a cell of its own. The cell of a value is a division and a product of
    doubles, so engines agree about it to the bit. Where the column `is_whole`, all its numbers lie in the one
    range.
    """
    ibis = load_ibis()
    every = table.select(*by, value=as_number(table[name], kind))
    # What is missing or not finite lies in no range: to filter it first costs half of asking in each formula.
    is_inside = every.value.notnull() if is_whole else every.value.between(ranges[0].low, ranges[-1].high)
    inside = every.filter(is_inside)
    parts = max(8, CELLS // len(ranges))
    cut = [_cell(inside.value, each, parts) + i * (parts + 1) for i, each in enumerate(ranges)]
    if len(ranges) == 1:
        keyed = inside.mutate(cell=cut[0])
    else:
        cases = [
            (inside.value.between(each.low, each.high), cell) for each, cell in zip(ranges, cut, strict=True)
        ]
        keyed = inside.mutate(cell=ibis.cases(*cases))
        keyed = keyed.filter(keyed.cell.notnull())
    grouped = keyed.group_by(*by, "cell").aggregate(
        count=keyed.count(), low=keyed.value.min(), high=keyed.value.max()
    )
    return grouped.mutate(label=ibis.literal(label, "int64"))


def _cell(number: Any, each: Bin, parts: int) -> Any:
    low, width = each.low, each.high - each.low
    if not math.isfinite(width):
        # Of halves the difference is a float again.
        number, low = number / 2, each.low / 2
        width = each.high / 2 - low
    if not width:
        return (number * 0).cast("int64")
    return ((number - low) / width * parts).floor().cast("int64")


def between_cuts(table: Any, name: str, kind: Kind, cuts: Sequence[float], label: int) -> Any:
    """Build rows of (label, cell, count): how many numbers have so many of the cuts at or below them."""
    ibis = load_ibis()
    number = finite(table[name], kind)
    cell = ibis.literal(0, "int64")
    for cut in cuts:
        cell = cell + (number >= cut).cast("int64")
    keyed = table.select(cell=cell)
    grouped = keyed.filter(keyed.cell.notnull()).group_by("cell").aggregate(count=keyed.cell.count())
    return grouped.mutate(label=ibis.literal(label, "int64"))


def frequencies(table: Any, name: str, kind: Kind, by: Sequence[str], label: int, limit: int) -> Any:
    """Build rows of (by…, label, value, count): the most frequent values, as text."""
    ibis = load_ibis()
    every = table.select(*by, value=table[name])
    counted = every.filter(every.value.notnull()).group_by(*by, "value").aggregate(count=ibis._.count())
    # Text is made of the different values alone, not of each row's.
    text = counted.value.cast("string")
    if kind is Kind.BOOLEAN:
        text = ibis.cases((counted.value, "true"), (~counted.value, "false"))
    grouped = counted.mutate(value=text)
    order = [ibis.desc("count"), ibis.asc("value")]
    if by:
        rank = ibis.row_number().over(group_by=list(by), order_by=order)
        ranked = grouped.mutate(rank=rank)
        grouped = ranked.filter(ranked.rank < limit).drop("rank")
    else:
        grouped = grouped.order_by(order).limit(limit)
    return grouped.mutate(label=ibis.literal(label, "int64"))


def mismatches(table: Any, left: str, right: str) -> Any:
    """Build the count of rows in which two columns do not belong together."""
    one, two = table[left], table[right]
    differ = one.isnull() != two.isnull()
    if one.type().is_array() and two.type().is_array():
        differ = differ | (one.length() != two.length()).fill_null(False)
    return differ.sum()


def together(expressions: Iterable[Any]) -> Any:
    """Build one query of several whose rows have the same columns."""
    first, *rest = expressions
    return load_ibis().union(first, *rest, distinct=False) if rest else first
