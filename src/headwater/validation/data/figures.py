"""The figures of a column as people read them."""

from datetime import UTC, datetime

from headwater.validation.data.statistics import ColumnStatistics, Kind


def figure_rows(column: ColumnStatistics) -> list[tuple[str, str]]:
    """Return what there is to tell of a column, as names and texts, the main ones first."""
    rows = [("present", f"{column.present:,}")]
    if column.missing:
        rows.append(("missing", f"{column.missing:,} ({1 - column.fraction:.2%})"))
    if column.distinct is not None:
        about = "" if column.distinct.is_exact else "about "
        rows.append(("different values", f"{about}{column.distinct.count:,}"))
    numbers, lengths = column.numbers, column.lengths
    if numbers is not None and numbers.min is not None:
        quantiles = [numbers.quantile(share) for share in (0.05, 0.5, 0.95)]
        figures = zip(
            ("min", "5 %", "median", "95 %", "max"), (numbers.min, *quantiles, numbers.max), strict=True
        )
        rows += [(name, value_text(column.kind, value)) for name, value in figures]
        if column.kind is not Kind.TIME:
            rows += [("mean", value_text(column.kind, numbers.mean)), ("std", number_text(numbers.std))]
            rows += [("zeros", f"{numbers.zeros:,}")] if numbers.zeros else []
    if numbers is not None:
        rows += [("NaN", f"{numbers.nans:,}")] if numbers.nans else []
        rows += [("infinite", f"{numbers.infinities:,}")] if numbers.infinities else []
    if lengths is not None and lengths.min is not None and lengths.mean is not None:
        rows.append(("length", f"{lengths.min} to {lengths.max}, mean {number_text(lengths.mean)}"))
        rows += [("empty", f"{lengths.empty:,}")] if lengths.empty else []
        rows += [("not UTF-8", f"{lengths.invalid:,}")] if lengths.invalid else []
    return rows


def value_text(kind: Kind, value: float | None) -> str:
    """Return a number as what it is in its column: a time, or four digits."""
    if value is None:
        return ""
    if kind is Kind.TIME:
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S}"
    return number_text(value)


def number_text(value: float | None) -> str:
    """Return a number in four digits; whole ones in full."""
    if value is None:
        return ""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.4g}"
