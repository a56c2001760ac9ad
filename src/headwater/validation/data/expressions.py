"""Statistics as ibis expressions: each batch is one query over all columns, the same on every engine."""

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
    """Build the aggregates of all columns, named by `key`, and the count of rows."""
    found: dict[str, Any] = {"row_count": table.count()}
    for number, (name, kind) in enumerate(names.items()):
        figures = _summary(table[name], kind)
        if kind not in {Kind.LIST, Kind.OTHER}:
            figures["distinct"] = table[name].approx_nunique()
        found |= {key(number, figure): expression for figure, expression in figures.items()}
    return found


def key(number: int, figure: str) -> str:
    """Return the name of one figure of the column of a number."""
    return f"c{number}_{figure}"


def _summary(column: Any, kind: Kind) -> dict[str, Any]:
    figures = {"present": column.count()}
    number = finite(column, kind) if kind.is_numeric else None
    if number is not None:
        figures |= {
            "zeros": (number == 0).sum(),
            "min": number.min(),
            "max": number.max(),
            "mean": number.mean(),
            "std": number.std(how="sample"),
        }
    if kind is Kind.NUMBER and number is not None:
        figures |= {"count": number.count(), "nans": as_number(column, kind).isnan().sum()}
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
    table: Any,
    name: str,
    kind: Kind,
    ranges: Sequence[Bin],
    by: Sequence[str],
    label: int,
    *,
    is_whole: bool,
) -> Any:
    """Build rows of (by…, label, cell, count, low, high): one range after the other, each cut evenly.

    With `is_whole` there is one range, in which all numbers lie.

    The cell of a value is a division and a product of doubles, so engines agree about it to the bit.
    """
    ibis = load_ibis()
    # First the numbers, then what is counted of them: an expression in another one is compiled each time.
    numbers = table.select(*by, value=finite(table[name], kind))
    value, parts = numbers.value, max(8, CELLS // len(ranges))
    if is_whole:
        found = numbers.filter(value.notnull())
        keyed = found.mutate(cell=_cell(found.value, ranges[0], parts))
    else:
        cases = [
            ((value >= each.low) & (value <= each.high), _cell(value, each, parts) + i * parts)
            for i, each in enumerate(ranges)
        ]
        every = numbers.mutate(cell=ibis.cases(*cases))
        keyed = every.filter(every.cell.notnull())
    grouped = keyed.group_by(*by, "cell").aggregate(
        count=keyed.value.count(), low=keyed.value.min(), high=keyed.value.max()
    )
    return grouped.mutate(label=ibis.literal(label, "int64"))


def _cell(number: Any, each: Bin, parts: int) -> Any:
    # Halves first: the difference of two large numbers may be beyond a float.
    half = each.low / 2
    width = each.high / 2 - half
    if not width:
        return (number * 0).cast("int64")
    cell = ((number / 2 - half) / width * parts).floor().cast("int64")
    # Of a missing number there is no cell that anybody looks at.
    return load_ibis().least(cell, parts - 1)


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
    text = table[name].cast("string")
    if kind is Kind.BOOLEAN:
        text = ibis.cases((table[name], "true"), (~table[name], "false"))
    every = table.select(*by, value=text)
    keyed = every.filter(every.value.notnull())
    grouped = keyed.group_by(*by, "value").aggregate(count=keyed.count())
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
